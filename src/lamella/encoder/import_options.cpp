// SPDX-License-Identifier: Apache-2.0
#include "lamella/encoder/import_options.h"

#include "lamella/base/text.h"

namespace lamella::encoder {

namespace {

OutputInfo parse_output(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon != std::string::npos) {
    if (const auto pooling = find_pooling(text.substr(colon + 1))) {
      return {text.substr(0, colon), *pooling};
    }
  }
  return {text, Pooling::kNone};
}

}  // namespace

const OptionTable<ImportOptions>& ImportOptions::table() {
  static const auto kTable =
      OptionTable<ImportOptions>()
          .row("name", &ImportOptions::name,
               {.help = "name of the encoder", .otherwise = "that of the folder"})
          .row("mean", &ImportOptions::mean,
               {.help = "of 0-255 values: the network gets (x - mean) / std", .count = 3})
          .row("std", &ImportOptions::std,
               {.help = "as the mean; ImageNet's usual: 58.395,57.12,57.375", .count = 3})
          .row("colour_order", &ImportOptions::colour_order,
               {.help = "of the network's input", .choices = {"rgb", "bgr"}})
          .row("input_px", &ImportOptions::input_px,
               {.help = "side of the input, where the network leaves it open",
                .unit = "px",
                .least = 1,
                .most = 16384,
                .otherwise = "the network's"})
          .row("output", &ImportOptions::outputs,
               {.help = "output to take, and how it becomes one vector, NAME or NAME:POOLING; "
                        "several are concatenated. POOLING: " +
                        join(pooling_names(), ", "),
                .otherwise = "the only one"})
          .row("prefix_tokens", &ImportOptions::prefix_tokens,
               {.help = "tokens before those of the picture's parts (class and register tokens)",
                .least = 0})
          .row("views", &ImportOptions::views,
               {.help = "fields of view in sides of the patch, features concatenated: 1,2 adds "
                        "twice as far about the same centre",
                .least = 0,
                .above_least = true})
          .row("recommended_mpp", &ImportOptions::recommended_mpp,
               {.help = "scale it was trained at",
                .unit = "µm/px",
                .least = 0,
                .above_least = true,
                .otherwise = "not known"})
          .row("source", &ImportOptions::source, {.help = "where the weights come from"})
          .row("licence", &ImportOptions::licence, {.help = "licence of the weights"});
  return kTable;
}

EncoderInfo ImportOptions::wanted() const {
  EncoderInfo info;
  info.name = name;
  info.source = source;
  info.licence = licence;
  info.input_px = input_px.value_or(0);
  info.colour_order = colour_order;
  for (const double value : mean) info.mean.push_back(static_cast<float>(value));
  for (const double value : std) info.std.push_back(static_cast<float>(value));
  for (const std::string& output : outputs) info.outputs.push_back(parse_output(output));
  info.prefix_tokens = prefix_tokens;
  info.views = views;
  info.recommended_mpp = recommended_mpp;
  return info;
}

}  // namespace lamella::encoder
