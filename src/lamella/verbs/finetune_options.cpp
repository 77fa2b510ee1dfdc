// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/finetune_options.h"

#include <filesystem>

#include "lamella/base/option_json.h"
#include "lamella/io/files.h"

namespace lamella::verbs {

namespace {

using Table = OptionTable<FinetuneOptions>;
using F = FinetuneOptions;

void add_network(Table& table) {
  table
      .row("network", &F::network,
           {.help =
                "network to begin with: an encoder's name or folder, timm:NAME, or FILE.py:NAME, "
                "a torch module or what makes one",
            .otherwise = "the study's encoder"})
      .row("weights", &F::weights,
           {.help = "file with the state of a torch module or timm model", .otherwise = "its own"})
      .row("input_px", &F::input_px,
           {.help = "side of the input of FILE.py:NAME",
            .unit = "px",
            .least = 8,
            .most = 4096,
            .otherwise = "the network's"})
      .row("mean", &F::mean,
           {.help = "of 0-255 values: FILE.py:NAME gets (x - mean) / std", .count = 3})
      .row("std", &F::std, {.help = "as the mean", .count = 3})
      .row("method", &F::method,
           {.help = "what is learnt: the whole network, its last blocks, or low-rank additions to "
                    "its layers (lora)",
            .choices = {"whole", "last", "lora"}})
      .row("blocks", &F::blocks, {.help = "blocks of the method last", .least = 1, .most = 1000})
      .row("lora_rank", &F::lora_rank,
           {.help = "rank of the additions of the method lora", .least = 1, .most = 1024})
      .row("lora_scale", &F::lora_scale,
           {.help = "factor of the additions of the method lora", .least = 0, .above_least = true});
}

void add_learning(Table& table) {
  table.row("epochs", &F::epochs, {.help = "times that the patches are gone through", .least = 1})
      .row("head_epochs", &F::head_epochs,
           {.help = "epochs at the start in which only the classifier above the network is learnt",
            .least = 0})
      .row("batch_size", &F::batch_size,
           {.help = "patches of a step, over all processes", .least = 1, .most = 65536})
      .row("device_batch", &F::device_batch,
           {.help = "patches in a device's memory at once; 0: all of a process's step",
            .least = 0,
            .most = 65536})
      .row("learning_rate", &F::learning_rate,
           {.help = "of the network, at first; it falls as a cosine", .least = 0, .most = 10})
      .row("head_learning_rate", &F::head_learning_rate,
           {.help = "of the classifier above it", .least = 0, .most = 10})
      .row("weight_decay", &F::weight_decay, {.help = "of AdamW", .least = 0, .most = 10})
      .row("class_weights", &F::class_weights,
           {.help = "balanced: every class counts as much, however many patches it has",
            .choices = {"balanced", "none"}})
      .row("precision", &F::precision,
           {.help = "numbers of the forward pass; auto: bf16 on a graphics card that has it, else "
                    "f32; f16: graphics cards only",
            .choices = {"auto", "f32", "bf16", "f16"}})
      .row("patches_per_epoch", &F::patches_per_epoch,
           {.help = "patches of an epoch, others in each", .least = 1, .otherwise = "all"});
}

void add_rest(Table& table) {
  table
      .row("stain", &F::stain,
           {.help = "largest relative change of each stain's amount in a patch; 0: none",
            .least = 0,
            .most = 0.5})
      .row("geometry", &F::geometry, {.help = "turn and mirror patches"})
      .row("held_out", &F::held_out,
           {.help = "share of the training patients whose patches only judge the epochs; 0: none",
            .least = 0,
            .most = 0.9})
      .row("patience", &F::patience,
           {.help = "epochs without a better log loss on them until it ends; 0: never before the "
                    "last",
            .least = 0})
      .row("seed", &F::seed, {.help = "seed of order, augmentation and split", .least = 0})
      .row("checkpoint_seconds", &F::checkpoint_seconds,
           {.help = "between two checkpoints within an epoch", .unit = "s", .least = 0})
      .row("read_ahead_mb", &F::read_ahead_mb,
           {.help = "memory of a process for patches read ahead of their steps",
            .unit = "MB",
            .least = 1,
            .most = 1048576})
      .row("wrong_patches", &F::wrong_patches,
           {.help = "wrongly classified patches shown in the record; 0: none",
            .least = 0,
            .most = 1000})
      .row("out", &F::out,
           {.help = "folder of the encoder that is made",
            .otherwise = "encoders/NAME-KEY in the study's output"});
}

// timm:NAME and encoders by name are no paths.
bool is_path(const std::string& network) {
  return !network.starts_with("timm:") &&
         (network.find('/') != std::string::npos || network.find(".py:") != std::string::npos);
}

}  // namespace

const OptionTable<FinetuneOptions>& FinetuneOptions::table() {
  static const auto kTable = [] {
    Table table;
    add_network(table);
    add_learning(table);
    add_rest(table);
    return table;
  }();
  return kTable;
}

void FinetuneOptions::resolve(const std::string& folder) {
  if (is_path(network)) network = io::resolve(folder, network);
  if (!weights.empty()) weights = io::resolve(folder, weights);
  if (!out.empty()) out = io::resolve(folder, out);
}

std::vector<std::string> finetune_overrides(
    FinetuneOptions options, const std::function<bool(const std::string& name)>& given) {
  options.resolve(std::filesystem::current_path().string());
  std::vector<std::string> overrides;
  for (const Option& option : FinetuneOptions::table().list()) {
    if (!given(option.name)) continue;
    const nlohmann::json value = json_of(option, option.get(&options));
    if (!value.is_null()) overrides.push_back("finetune." + option.name + "=" + value.dump());
  }
  return overrides;
}

}  // namespace lamella::verbs
