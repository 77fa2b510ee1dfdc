// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>

#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/feature/feature_space.h"
#include "lamella/feature/foreign.h"
#include "lamella/io/files.h"
#include "lamella/io/temporary.h"
#include "lamella/model/model.h"
#include "lamella/storage/plan_json.h"

namespace lamella::model {

namespace fs = std::filesystem;

namespace {

constexpr int kFormatVersion = 2;  // 1: no names of classes

// One list for each vector of weights.
nlohmann::json weights_to_json(const classifier::LinearModel& linear) {
  nlohmann::json vectors = nlohmann::json::array();
  for (size_t first = 0; first < linear.weights.size(); first += linear.mean.size()) {
    const auto begin = linear.weights.begin() + static_cast<ptrdiff_t>(first);
    const auto end = begin + static_cast<ptrdiff_t>(linear.mean.size());
    vectors.push_back(std::vector<double>(begin, end));
  }
  return vectors;
}

// Error kInvalidArgument where the vectors are not of one length.
std::vector<double> weights_from_json(const nlohmann::json& json, size_t length) {
  std::vector<double> weights;
  for (const nlohmann::json& item : json) {
    const auto one = item.get<std::vector<double>>();
    if (one.size() != length) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("found {} weights and {} means, expected as many of each", one.size(),
                              length));
    }
    weights.insert(weights.end(), one.begin(), one.end());
  }
  return weights;
}

nlohmann::json calibration_to_json(const classifier::Calibration& calibration) {
  return {{"slope", calibration.slope}, {"intercept", calibration.intercept}};
}

classifier::Calibration calibration_from_json(const nlohmann::json& json) {
  return {json.at("slope").get<double>(), json.at("intercept").get<double>()};
}

nlohmann::json thresholds_to_json(const std::vector<evaluation::Thresholds>& thresholds) {
  nlohmann::json list = nlohmann::json::array();
  for (const evaluation::Thresholds& one : thresholds) {
    list.push_back({{"accuracy", json_or_null(one.accuracy)}, {"f1", json_or_null(one.f1)}});
  }
  return list;
}

nlohmann::json to_json(const Recalibrated& about) {
  return {{"before", calibration_to_json(about.before)},
          {"patients", about.patients},
          {"slides", about.slides},
          {"patches", about.patches},
          {"log_loss_before", about.log_loss_before},
          {"log_loss_after", about.log_loss_after}};
}

Recalibrated recalibrated_from_json(const nlohmann::json& json) {
  return {calibration_from_json(json.at("before")), json_whole<int64_t>(json.at("patients")),
          json_whole<int64_t>(json.at("slides")),   json_whole<int64_t>(json.at("patches")),
          json.at("log_loss_before").get<double>(), json.at("log_loss_after").get<double>()};
}

nlohmann::json to_json(const Model& model) {
  const classifier::LinearModel& linear = model.classifier;
  nlohmann::json trials = nlohmann::json::array();
  for (const classifier::LambdaTrial& trial : model.trials) {
    trials.push_back({{"lambda", trial.lambda}, {"mean_log_loss", trial.mean_log_loss}});
  }
  nlohmann::json json = {
      {"format", kFormatVersion},
      {"lamella", LAMELLA_VERSION},
      {"name", model.name},
      {"patches", storage::spec_to_json(model.spec)},
      {"effective_mpp", json_or_null(model.effective_mpp)},
      {"encoder", {{"name", model.encoder.name}, {"sha256", model.encoder.sha256}}},
      {"precision", std::string(encoder::to_string(model.precision))},
      {"classes", linear.classes.names},
      {"classifier",
       {{"feature_space", linear.feature_space},
        {"lambda", linear.lambda},
        {"biases", linear.biases},
        {"calibration", calibration_to_json(linear.calibration)},
        {"weights", weights_to_json(linear)},
        {"mean", linear.mean},
        {"scale", linear.scale}}},
      {"cross_validation", trials}};
  if (!model.thresholds.empty()) json["thresholds"] = thresholds_to_json(model.thresholds);
  if (model.recalibrated) json["recalibrated"] = to_json(*model.recalibrated);
  return json;
}

Model from_json(const nlohmann::json& json) {
  Model model;
  model.name = json.at("name").get<std::string>();
  model.spec = storage::spec_from_json(json.at("patches"));
  model.effective_mpp = storage::optional_double(json, "effective_mpp");
  model.encoder.name = json.at("encoder").at("name").get<std::string>();
  model.encoder.sha256 = json.at("encoder").at("sha256").get<std::string>();
  model.precision = encoder::parse_precision(json.at("precision").get<std::string>());
  const nlohmann::json& linear = json.at("classifier");
  model.classifier.feature_space = linear.at("feature_space").get<std::string>();
  model.classifier.lambda = linear.at("lambda").get<double>();
  model.classifier.classes.names = json.at("classes").get<std::vector<std::string>>();
  model.classifier.biases = linear.at("biases").get<std::vector<double>>();
  model.classifier.calibration = calibration_from_json(linear.at("calibration"));
  model.classifier.mean = linear.at("mean").get<std::vector<double>>();
  model.classifier.weights = weights_from_json(linear.at("weights"), model.classifier.mean.size());
  model.classifier.scale = linear.at("scale").get<std::vector<double>>();
  for (const nlohmann::json& trial : json.at("cross_validation")) {
    model.trials.push_back(
        {trial.at("lambda").get<double>(), trial.at("mean_log_loss").get<double>(), {}});
  }
  if (json.contains("thresholds")) {
    for (const nlohmann::json& one : json.at("thresholds")) {
      model.thresholds.push_back(
          {storage::optional_double(one, "accuracy"), storage::optional_double(one, "f1")});
    }
  }
  if (json.contains("recalibrated")) {
    model.recalibrated = recalibrated_from_json(json.at("recalibrated"));
  }
  return model;
}

void check(const Model& model, const std::string& path) {
  const classifier::LinearModel& linear = model.classifier;
  if (const std::string earlier = feature::earlier_space_advice(linear.feature_space, "");
      !earlier.empty()) {
    throw Error(ErrorCode::kUnsupported, "the model cannot be used any more" + earlier, path);
  }
  try {
    linear.validate();
    model.spec.validate();
  } catch (const Error& error) {
    throw Error(ErrorCode::kCorrupt, error.message(), path);
  }
}

// The new folder takes the old one's place; at no moment is a half-written one there, and where
// the file system can exchange two names, at no moment is there none.
void move_into_place(const fs::path& fresh, const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder)) {
    fs::rename(fresh, folder, error);
  } else if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(fresh, error);
    return;
  } else {
    const fs::path old = io::temporary_name(folder.string());
    fs::rename(folder, old, error);
    if (!error) fs::rename(fresh, folder, error);
    std::error_code ignored;
    if (!error) fs::remove_all(old, ignored);
  }
  if (error) {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", error.message()),
                folder.string());
  }
}

}  // namespace

void write_model(const Model& model, const std::string& folder) {
  model.classifier.validate();
  if (io::exists(folder) && !fs::is_empty(folder) && !io::exists(folder + "/model.json")) {
    throw Error(ErrorCode::kInvalidArgument,
                "the folder exists and is no model; choose another one to write to", folder);
  }
  const bool foreign = feature::is_foreign(model.classifier.feature_space);
  if (model.encoder.folder.empty() && !foreign) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("the model's encoder '{}' lives in memory alone, and a model's folder "
                            "holds its encoder; make a folder of it (lamella encoder import, "
                            "lamella.importing.from_torch) and train with that",
                            model.encoder.name),
                folder);
  }
  const std::string fresh = io::temporary_name(folder);
  std::error_code ignored;
  io::make_folders(fresh + "/encoder");
  try {
    for (const char* name : {"encoder.json", "network.onnx"}) {
      if (foreign) continue;  // nobody here has it
      io::replace_file(fresh + "/encoder/" + name, [&](const std::string& place) {
        io::copy_file(model.encoder.folder + "/" + name, place, folder + "/encoder/" + name);
      });
    }
    io::write_file_atomic(fresh + "/model.json", to_json(model).dump(1) + "\n");
    move_into_place(fresh, folder);
  } catch (...) {
    fs::remove_all(fresh, ignored);
    throw;
  }
}

Model read_model(const std::string& folder) {
  const std::string path = folder + "/model.json";
  if (!io::exists(path)) {
    throw Error(ErrorCode::kNotFound,
                "there is no model here (no model.json); expected a folder that 'lamella train' or "
                "'lamella run' wrote",
                folder);
  }
  Model model = storage::parse_or_corrupt(path, "the model", [&] {
    const nlohmann::json json = parse_json(io::read_text_file(path));
    const int format = json_whole<int>(json.at("format"));
    if (format != kFormatVersion) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("is of format {}, this lamella reads {}; {}", format, kFormatVersion,
                              format < kFormatVersion
                                  ? "train it again (lamella train, lamella run): older models "
                                    "have no names of classes"
                                  : "take the lamella that wrote it, or a newer one"),
                  path);
    }
    try {
      return from_json(json);
    } catch (const Error& error) {
      throw Error(ErrorCode::kCorrupt, error.message(), path);
    }
  });
  check(model, path);
  if (feature::is_foreign(model.classifier.feature_space)) return model;
  const encoder::EncoderInfo written = model.encoder;
  model.encoder = encoder::read_encoder_info(folder + "/encoder");
  if (model.encoder.sha256 != written.sha256) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("the encoder inside is another one (sha256 {:.12}…) than the model was "
                            "trained with ({:.12}…)",
                            model.encoder.sha256, written.sha256),
                folder);
  }
  return model;
}

}  // namespace lamella::model
