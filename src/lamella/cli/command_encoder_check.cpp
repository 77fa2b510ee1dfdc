// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/encoder_commands_internal.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/encoder/encoder.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::cli {

namespace {

struct CheckOptions {
  std::string encoder;
  verbs::EncodingOptions encoding;
};

int run_check(const CheckOptions& options, Shell& shell) {
  const encoder::EncoderInfo info = encoder::find_encoder(options.encoder);
  const encoder::EncoderCheck check =
      encoder::check_encoder(info, options.encoding.precision, shell.context());
  const bool sees = check.spread > 0;
  const std::string precision(encoder::to_string(check.precision));
  const nlohmann::json object = {{"name", info.name},
                                 {"path", info.folder},
                                 {"sha256", info.sha256},
                                 {"dimension", info.dimension},
                                 {"precision", precision},
                                 {"compile_seconds", check.compile_seconds},
                                 {"patches_per_second", check.patches_per_second},
                                 {"same_bits", check.same_bits},
                                 {"cosine_to_f32", check.cosine_to_f32},
                                 {"sees_its_input", sees}};
  const auto line = [](bool good, const std::string& text) {
    return fmt::format("{} {}\n", good ? "ok    " : "FAILED", text);
  };
  std::string text = fmt::format("{} ({}): input {} px, {} numbers a patch\n", info.name,
                                 info.folder, info.input_px, info.dimension);
  text += line(true, fmt::format("loads and runs in {}: compiled in {:.1f} s, {:.0f} patches/s",
                                 precision, check.compile_seconds, check.patches_per_second));
  text += line(true, "all features are finite numbers");
  text += line(sees, "features differ from patch to patch");
  text += line(check.same_bits, "same bits for any threads and batches");
  if (check.precision == encoder::Precision::kBf16) {
    text += line(check.cosine_to_f32 > 0.99,
                 fmt::format("bf16 is close to f32: cosine at least {:.4f}", check.cosine_to_f32));
  }
  shell.print(object, text);
  return sees && check.same_bits ? kDone : kFailed;
}

}  // namespace

Action add_encoder_check(CLI::App& app) {
  auto options = std::make_shared<CheckOptions>();
  app.add_option("encoder", options->encoder, "name or folder")->required()->type_name("NAME|DIR");
  add_flag(app, *find_option(verbs::EncodingOptions::table().list(), "precision"),
           &options->encoding);
  app.footer("Example:\n  lamella encoder check lite0");
  return [options](Shell& shell) { return run_check(*options, shell); };
}

}  // namespace lamella::cli
