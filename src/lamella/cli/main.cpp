// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/program.h"

int main(int argc, char** argv) { return lamella::cli::run_program(argc, argv); }
