// SPDX-License-Identifier: Apache-2.0
// The trials of a search as a table for other programs.
#pragma once

#include <string>

#include "lamella/record/run_document.h"

namespace lamella::search {

inline constexpr const char* kSearchTable = "search.csv";

// CSV, a line for each trial in their order: trial,status,log_loss,auc,lambda,patches,seconds,
// run_id,output,error; empty where there is nothing.
std::string search_table(const record::Search& search);
// Into the folder. Error kIo.
void write_search_table(const record::Search& search, const std::string& folder);

}  // namespace lamella::search
