// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/finetune_options.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace lamella::verbs {
namespace {

TEST(FinetuneOptions, WhatWasGivenBecomesOverridesOfAStudy) {
  FinetuneOptions options;
  options.epochs = 3;
  options.geometry = false;
  options.network = "nets/mine.py:make";
  options.seed = 9;  // not given
  const auto given = [](const std::string& name) {
    return name == "epochs" || name == "geometry" || name == "network" ||
           name == "patches_per_epoch";  // as None
  };
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(finetune_overrides(options, given),
            (std::vector<std::string>{"finetune.network=\"" + here + "/nets/mine.py:make\"",
                                      "finetune.epochs=3", "finetune.geometry=false"}));
}

TEST(FinetuneOptions, NamesStayNames) {
  FinetuneOptions options;
  for (const char* name : {"lite0", "timm:vit/small", ""}) {
    options.network = name;
    options.resolve("/a");
    EXPECT_EQ(options.network, name);
  }
  options.network = "net.py:make";
  options.weights = "w.pth";
  options.resolve("/a");
  EXPECT_EQ(options.network, "/a/net.py:make");
  EXPECT_EQ(options.weights, "/a/w.pth");
  EXPECT_EQ(options.out, "");
}

}  // namespace
}  // namespace lamella::verbs
