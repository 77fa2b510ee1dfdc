// SPDX-License-Identifier: Apache-2.0
// The model's README.md, made from the run's record.
#pragma once

#include <string>

#include "lamella/record/run_document.h"

namespace lamella::report {

// Markdown: what the model is, data and split, figures with intervals, intended use and limits,
// licence of the encoder's weights. Nothing in it but what the record says; the same results give
// the same text (no run id, no time), so that a card is as reproducible as its model.
std::string model_card(const record::RunDocument& run);

}  // namespace lamella::report
