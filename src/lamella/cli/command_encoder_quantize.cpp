// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/common_options.h"
#include "lamella/cli/encoder_commands_internal.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/python_script.h"
#include "lamella/verbs/quantize_encoder.h"

namespace lamella::cli {

namespace {

int run_quantize(const verbs::QuantizeOptions& options, Shell& shell) {
  const Context context = shell.context();
  const verbs::QuantizeResult result = verbs::quantize_encoder(
      options,
      [&](const std::string& folder, const std::string& pictures, const std::string& out) {
        run_python_script("quantizing.py",
                          {"--encoder", folder, "--pictures", pictures, "--out", out}, out + ".log",
                          "the network could not be quantized", folder, context);
      },
      context);
  const std::string auc =
      result.auc_f32 ? fmt::format(", AUC {:.4f} for {:.4f}", *result.auc_int8, *result.auc_f32)
                     : std::string(" (no AUC: too few labelled patches of both kinds)");
  shell.print(verbs::to_json(result),
              fmt::format("{}: calibrated on {} patches; on {} others: cosine {:.4f} (least {:.4f})"
                          "{}, {:.2f} times as fast as f32 -> {}\n",
                          result.info.name, result.calibration_patches, result.held_out_patches,
                          result.cosine_mean, result.cosine_least, auc, result.speedup,
                          result.info.folder));
  return kDone;
}

}  // namespace

Action add_encoder_quantize(CLI::App& app) {
  auto options = std::make_shared<verbs::QuantizeOptions>();
  app.add_option("encoder", options->encoder, "name or folder")->required()->type_name("NAME|DIR");
  app.add_option("--plans", options->plans,
                 "plans of your own slides, with labels if there are any: patches are drawn from "
                 "them")
      ->required()
      ->type_name("PLAN.h5");
  app.add_option("--out", options->out, "folder to make")->required()->type_name("DIR");
  app.add_option("--name", options->name, "name of the new encoder (default: with -int8)");
  add_flags(app, *options);
  app.footer(
      "Needs a Python with nncf, onnx and onnxruntime: the one that lamella is installed in, else\n"
      "python3, or the one that LAMELLA_PYTHON names.\n\nExample:\n"
      "  lamella encoder quantize lite0 --plans a.plan.h5 b.plan.h5 --out encoders/lite0-int8");
  return [options](Shell& shell) { return run_quantize(*options, shell); };
}

}  // namespace lamella::cli
