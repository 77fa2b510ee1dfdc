// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/hash.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/program.h"
#include "lamella/io/files.h"
#include "lamella/storage/onnx_export.h"

namespace lamella::cli {

namespace {

struct ModelOptions {
  std::string model, out;
};

int export_model(const ModelOptions& options, Shell& shell) {
  const storage::Model model = storage::read_model(options.model);
  const std::string bytes = storage::export_onnx(model);
  io::write_file_atomic(options.out, bytes);
  const int px = storage::exported_px(model);
  shell.print({{"path", options.out},
               {"patch_px", px},
               {"bytes", bytes.size()},
               {"sha256", sha256_hex(bytes)},
               {"input", "patches"},
               {"output", "probability"}},
              fmt::format("patches N x {0} x {0} x 3 uint8 -> probability N float32: {1}\n", px,
                          options.out));
  return kDone;
}

}  // namespace

Action add_model(CLI::App& app) {
  auto options = std::make_shared<ModelOptions>();
  app.require_subcommand(1);
  CLI::App* part = app.add_subcommand("export", "one ONNX file, patch in, probability out");
  part->fallthrough();
  part->add_option("--model", options->model, "model folder")->required()->type_name("DIR");
  part->add_option("--out", options->out, "file to write")->required()->type_name("FILE.onnx");
  return [options](Shell& shell) { return export_model(*options, shell); };
}

}  // namespace lamella::cli
