// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lamella/classifier/linear_model.h"
#include "lamella/storage/storage.h"

namespace lamella::verbs {

// classifier::score_patches over a feature file, held a piece at a time: the same bits.
feature::ScoreMatrix score_features(const storage::FeatureReader& features,
                                    const classifier::LinearModel& model);

}  // namespace lamella::verbs
