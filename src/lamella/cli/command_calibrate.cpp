// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/verbs/calibrate_model.h"

namespace lamella::cli {

namespace {

int run_calibrate(const verbs::CalibrateFiles& files, Shell& shell) {
  const io::OutputLock lock = lock_output(files.out, shell);
  const model::Model made = verbs::calibrate_files(files, shell.context());
  const classifier::Calibration now = made.classifier.calibration;
  const model::Recalibrated& about = *made.recalibrated;
  shell.print(verbs::calibration_json(made, files.out),
              fmt::format("calibrated on {} patches of {} slides of {}: slope {:.4f}, intercept "
                          "{:.4f}; log loss there {:.4f}, before {:.4f} -> {}\n",
                          about.patches, about.slides,
                          about.patients > 0 ? fmt::format("{} patients", about.patients)
                                             : std::string("unknown patients"),
                          now.slope, now.intercept, about.log_loss_after, about.log_loss_before,
                          files.out));
  return kDone;
}

}  // namespace

Action add_calibrate(CLI::App& app) {
  auto files = std::make_shared<verbs::CalibrateFiles>();
  app.add_option("MODEL", files->model, "model folder")->required();
  app.add_option("--scores", files->scores, "the model's scores, named after their slides")
      ->required()
      ->type_name("SCORES.csv");
  app.add_option("--truth", files->truth,
                 "labels: plans, or tables with minx, miny, label (and slide_id)")
      ->required()
      ->type_name("PLAN.h5|CSV");
  app.add_option("--groups", files->groups_csv, "CSV slide_id,patient_id: on how many patients")
      ->type_name("CSV");
  app.add_option("--out", files->out, "model folder to write; it holds both calibrations")
      ->required()
      ->type_name("DIR");
  return [files](Shell& shell) { return run_calibrate(*files, shell); };
}

}  // namespace lamella::cli
