// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <numeric>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/verbs/train_files.h"

namespace lamella::cli {

namespace {

struct TrainCommandOptions {
  std::vector<std::string> features;
  std::string groups;
  std::string encoder;
  classifier::TrainOptions train;
  std::string out;
};

int run_train(const TrainCommandOptions& options, Shell& shell) {
  verbs::TrainFilesOptions train;
  train.features = options.features;
  train.groups_csv = options.groups;
  train.encoder = options.encoder;
  train.train = options.train;
  const io::OutputLock lock = lock_output(options.out, shell);
  const Stopwatch watch;
  const verbs::TrainFilesResult result = verbs::train_files(train, shell.context());
  verbs::write_whole_model(result.model, options.out, shell.context());

  const ClassTable& classes = result.model.classifier.classes;
  const int64_t rows =
      std::accumulate(result.class_rows.begin(), result.class_rows.end(), int64_t{0});
  nlohmann::json trials = nlohmann::json::array();
  for (const classifier::LambdaTrial& trial : result.model.trials) {
    trials.push_back({{"lambda", trial.lambda}, {"mean_log_loss", trial.mean_log_loss}});
  }
  nlohmann::json object = {{"out", options.out},
                           {"labels", counts_json(classes, result.class_rows)},
                           {"folds", result.folds},
                           {"lambda", result.model.classifier.lambda},
                           {"trials", trials},
                           {"effective_mpp", json_or_null(result.model.effective_mpp)},
                           {"feature_space", result.model.classifier.feature_space}};
  add_rate(object, rows, watch.seconds());
  shell.print(
      object,
      fmt::format("trained on {} patches ({}), lambda {:.4g}{} -> {}\n", rows,
                  counts_text(classes, result.class_rows), result.model.classifier.lambda,
                  result.folds > 0 ? fmt::format(" by {} folds", result.folds) : "", options.out));
  return kDone;
}

}  // namespace

Action add_train(CLI::App& app) {
  auto options = std::make_shared<TrainCommandOptions>();
  app.add_option("--features", options->features, "labelled feature files")
      ->required()
      ->type_name("FEATURES.h5");
  app.add_option("--groups", options->groups,
                 "CSV slide_id,patient_id: slides of one patient never part in cross-validation")
      ->type_name("CSV");
  add_flags(app, options->train);
  app.add_option("--encoder", options->encoder,
                 "name or folder of the encoder (default: the one that made the features)")
      ->type_name("NAME|DIR");
  app.add_option("--out", options->out, "model folder to write")->required()->type_name("DIR");
  return [options](Shell& shell) { return run_train(*options, shell); };
}

}  // namespace lamella::cli
