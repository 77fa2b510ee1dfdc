// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "lamella/base/random.h"
#include "lamella/slide/predictor_internal.h"

namespace lamella::slide {
namespace {

TEST(Predictor, SumsAlongTheRowAndBeginsAnewInTheNext) {
  std::vector<uint8_t> rows = {10, 20, 30, 1, 2, 3, 255, 0, 1, 5, 5, 5, 1, 1, 1, 1, 1, 1};
  undo_horizontal_predictor(rows, 9, 3);
  EXPECT_EQ(rows, (std::vector<uint8_t>{10, 20, 30, 11, 22, 33, 10, 22, 34,  //
                                        5, 5, 5, 6, 6, 6, 7, 7, 7}));
}

TEST(Predictor, TheFastOneIsThePlainOne) {
  Random random(3);
  for (const size_t samples : {1u, 2u, 3u, 4u}) {
    for (const size_t pixels : {1u, 2u, 5u, 6u, 10u, 11u, 64u, 257u}) {
      std::vector<uint8_t> fast(3 * samples * pixels);
      for (uint8_t& value : fast) value = static_cast<uint8_t>(random.below(256));
      std::vector<uint8_t> plain = fast;
      undo_horizontal_predictor(fast, samples * pixels, samples);
      undo_horizontal_predictor_plain(plain, samples * pixels, samples);
      EXPECT_EQ(fast, plain) << samples << " samples, " << pixels << " pixels";
    }
  }
}

}  // namespace
}  // namespace lamella::slide
