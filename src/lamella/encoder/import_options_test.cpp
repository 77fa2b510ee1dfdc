// SPDX-License-Identifier: Apache-2.0
#include "lamella/encoder/import_options.h"

#include <gtest/gtest.h>

namespace lamella::encoder {
namespace {

TEST(ImportOptions, OutputsMayHaveAPoolingAndColons) {
  ImportOptions options;
  options.outputs = {"a", "b:class_token", "c:0", "d:0:none"};
  const EncoderInfo info = options.wanted();
  const std::vector<OutputInfo> expected = {{"a", Pooling::kNone},
                                            {"b", Pooling::kClassToken},
                                            {"c:0", Pooling::kNone},
                                            {"d:0", Pooling::kNone}};
  EXPECT_EQ(info.outputs, expected);
}

TEST(ImportOptions, WhatIsNotSaidIsLeftOpenOrUsual) {
  const EncoderInfo info = ImportOptions{}.wanted();
  EXPECT_EQ(info.input_px, 0);
  EXPECT_TRUE(info.outputs.empty());
  EXPECT_EQ(info.mean, (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(info.std, (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(info.colour_order, "rgb");
  EXPECT_FALSE(info.recommended_mpp);
}

}  // namespace
}  // namespace lamella::encoder
