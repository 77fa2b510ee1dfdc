// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include "call.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/verbs/train_files.h"
#include "loaded_encoder.h"
#include "options.h"
#include "train_options.h"
#include "values.h"

namespace lamella::python {

namespace {

using model::Model;

std::vector<storage::FeatureFile> feature_files(nb::handle features) {
  std::vector<storage::FeatureFile> files;
  for (nb::handle item : nb::cast<nb::list>(nb::list(features))) {
    files.push_back(nb::isinstance<storage::FeatureFile>(item)
                        ? nb::cast<storage::FeatureFile&>(item)
                        : storage::read_features(nb::cast<std::filesystem::path>(item).string()));
  }
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "found no features, expected those of some slides");
  }
  return files;
}

// One vector of weights (d) or rows of them; one bias or one for each.
using Weights = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using Biases = std::variant<double, std::vector<double>>;

std::vector<double> vector_of(const Weights& values) {
  return {values.data(), values.data() + values.size()};
}

// The model that another solver's coefficients make.
Model with_coefficients(const Model& like, const Weights& weights, const Biases& bias,
                        std::optional<Weights> mean, std::optional<Weights> scale) {
  const auto d = static_cast<size_t>(like.classifier.columns());
  Model model = like;
  model.trials.clear();
  auto& made = model.classifier;
  made.weights = vector_of(weights);
  made.biases = std::holds_alternative<double>(bias) ? std::vector{std::get<double>(bias)}
                                                     : std::get<std::vector<double>>(bias);
  made.mean = mean ? vector_of(*mean) : std::vector<double>(d, 0.0);
  made.scale = scale ? vector_of(*scale) : std::vector<double>(d, 1.0);
  made.calibration = {};
  if (made.mean.size() != d || weights.ndim() > 2 || weights.ndim() == 0 ||
      weights.shape(weights.ndim() - 1) != d) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("found weights of {} columns and {} means, expected {} of each",
                            weights.ndim() == 0 ? 0 : weights.shape(weights.ndim() - 1),
                            made.mean.size(), d));
  }
  made.validate();
  return model;
}

nb::object numbers(nb::handle self, const std::vector<double>& values) {
  return nb::cast(view<const double>(values.data(), values.size(), self));
}

// The model's own memory: a row for each vector of weights.
Array<const double, nb::ndim<2>> weight_rows(nb::handle self) {
  const classifier::LinearModel& model = nb::cast<Model&>(self).classifier;
  return {model.weights.data(), {model.biases.size(), static_cast<size_t>(model.columns())}, self};
}

// encoder: None, a name, a folder or an Encoder.
verbs::TrainFeaturesOptions options_with(nb::handle encoder) {
  verbs::TrainFeaturesOptions options;
  if (nb::isinstance<LoadedEncoder>(encoder)) {
    options.found_encoder = nb::cast<LoadedEncoder&>(encoder).info();
  } else if (!encoder.is_none()) {
    options.encoder = nb::cast<std::filesystem::path>(encoder).string();
  }
  return options;
}

Model from_coefficients(nb::handle features, const Weights& weights, const Biases& bias,
                        std::optional<Weights> mean, std::optional<Weights> scale, double l2,
                        nb::handle encoder) {
  const auto files = feature_files(features);
  const verbs::TrainFeaturesOptions options = options_with(encoder);
  Model frame = Call(1, nb::none()).run([&](const Context& context) {
    return verbs::untrained_model(files, options, context);
  });
  frame.classifier.mean.resize(static_cast<size_t>(files.front().features.columns));
  frame.classifier.lambda = l2;
  return with_coefficients(frame, weights, bias, std::move(mean), std::move(scale));
}

using Classifier = classifier::LinearModel;
using Numbers = std::vector<double>;
using ClassifierState = std::tuple<std::vector<std::string>, Numbers, Numbers, Numbers, Numbers,
                                   double, double, std::string, double>;

auto score_values(
    const Classifier& self,
    const nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>& values,
    const std::string& feature_space) {
  feature::FeatureMatrix features;
  features.rows = static_cast<int64_t>(values.shape(0));
  features.columns = static_cast<int64_t>(values.shape(1));
  features.values.assign(values.data(), values.data() + values.size());
  features.feature_space = feature_space;
  auto* kept = new std::vector<float>(score_patches(features, self).values);
  const nb::capsule owner(kept,
                          [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  return Array<float, nb::ndim<2>>(
      kept->data(), {values.shape(0), static_cast<size_t>(self.classes.count())}, owner);
}

void bind_classifier(nb::module_& module) {
  nb::class_<Classifier>(module, "Classifier",
                         "A model's linear classifier alone; small, and pickles.")
      .def_ro("feature_space", &Classifier::feature_space)
      .def_prop_ro("classes", [](const Classifier& self) { return self.classes.names; })
      .def("score", score_values, nb::arg("values"), nb::kw_only(), nb::arg("feature_space"),
           "n x d float32 of that feature space -> n x c probabilities.")
      .def("__getstate__",
           [](const Classifier& self) -> ClassifierState {
             return {self.classes.names,
                     self.weights,
                     self.biases,
                     self.mean,
                     self.scale,
                     self.calibration.slope,
                     self.calibration.intercept,
                     self.feature_space,
                     self.lambda};
           })
      .def("__setstate__", [](Classifier& self, const ClassifierState& state) {
        new (&self) Classifier();
        std::tie(self.classes.names, self.weights, self.biases, self.mean, self.scale,
                 self.calibration.slope, self.calibration.intercept, self.feature_space,
                 self.lambda) = state;
      });
}

void bind_model(nb::module_& module) {
  nb::class_<Model>(module, "Model",
                    "Encoder, linear classifier, patch spec and scale: one folder on disk.")
      .def("__repr__",
           [](const Model& self) {
             return fmt::format("Model('{}', {}, {} weights, lambda {:.4g}, {})", self.name,
                                self.classifier.classes.text(), self.classifier.weights.size(),
                                self.classifier.lambda, self.classifier.feature_space);
           })
      .def_ro("name", &Model::name)
      .def_prop_ro("classes", [](const Model& self) { return self.classifier.classes.names; })
      .def_prop_ro("weights", weight_rows, "1 x d of two classes, c x d of more.")
      .def_prop_ro(
          "biases",
          [](nb::handle self) { return numbers(self, nb::cast<Model&>(self).classifier.biases); })
      .def_prop_ro(
          "mean",
          [](nb::handle self) { return numbers(self, nb::cast<Model&>(self).classifier.mean); })
      .def_prop_ro(
          "scale",
          [](nb::handle self) { return numbers(self, nb::cast<Model&>(self).classifier.scale); })
      .def_prop_ro("classifier", [](const Model& self) { return self.classifier; })
      .def_static("from_coefficients", from_coefficients, nb::arg("features"), nb::arg("weights"),
                  nb::arg("bias"), nb::kw_only(), nb::arg("mean") = nb::none(),
                  nb::arg("scale") = nb::none(), nb::arg("l2") = 0.0,
                  nb::arg("encoder") = nb::none(),
                  "A model of another solver's coefficients on these features (their plans and "
                  "feature spaces count; they may have no rows). See with_coefficients.")
      .def_prop_ro("l2", [](const Model& self) { return self.classifier.lambda; })
      .def_prop_ro("feature_space", [](const Model& self) { return self.classifier.feature_space; })
      .def_prop_ro("size_px", [](const Model& self) { return self.spec.size_px; })
      .def_ro("effective_mpp", &Model::effective_mpp)
      .def_prop_ro("encoder_folder", [](const Model& self) { return self.encoder.folder; })
      .def_prop_ro("encoder_name", [](const Model& self) { return self.encoder.name; })
      .def_prop_ro(
          "precision",
          [](const Model& self) { return std::string(encoder::to_string(self.precision)); })
      .def_prop_ro(
          "trials",
          [](const Model& self) {
            std::vector<std::pair<double, double>> trials;
            for (const auto& trial : self.trials) {
              trials.emplace_back(trial.lambda, trial.mean_log_loss);
            }
            return trials;
          },
          "(penalty, mean log loss of held-out rows), where it was chosen.")
      .def("with_coefficients", with_coefficients, nb::arg("weights"), nb::arg("bias"),
           nb::kw_only(), nb::arg("mean") = nb::none(), nb::arg("scale") = nb::none(),
           "This model with the coefficients of another solver: z = weights . (x - mean) / scale + "
           "bias; without mean and scale they are of features as they are. Two classes have one "
           "vector of weights and one bias, c have c x d and c.")
      .def(
          "save",
          [](const Model& self, const std::filesystem::path& folder) {
            Call(1, nb::none()).run([&](const Context& context) {
              verbs::write_whole_model(self, folder.string(), context);
            });
          },
          nb::arg("folder"), "As lamella train --out: with the files that MLflow reads.")
      .def_static(
          "load",
          [](const std::filesystem::path& folder) { return model::read_model(folder.string()); },
          nb::arg("folder"));
}

}  // namespace

std::map<std::string, std::string> patients_of(nb::handle groups) {
  if (groups.is_none()) return {};
  if (!nb::isinstance<nb::dict>(groups)) {
    return verbs::read_groups(nb::cast<std::filesystem::path>(groups).string());
  }
  std::map<std::string, std::string> patients;
  for (const auto& [slide, patient] : nb::cast<std::map<std::string, std::string>>(groups)) {
    patients[to_lower(slide)] = patient;
  }
  return patients;
}

model::Model model_of(nb::handle model) {
  if (nb::isinstance<Model>(model)) return nb::cast<Model&>(model);
  return model::read_model(nb::cast<std::filesystem::path>(model).string());
}

void bind_train(nb::module_& module) {
  bind_classifier(module);
  bind_model(module);
  const OptionList& list = classifier::TrainOptions::table().list();
  const std::string signature =
      "def train(features: collections.abc.Iterable[Features | str | os.PathLike], *, "
      "groups: collections.abc.Mapping[str, str] | str | os.PathLike | None = None, "
      "encoder: Encoder | str | os.PathLike | None = None" +
      keywords_of(list) + ", threads: int | None = None, progress: object = None) -> Model";
  const std::string text =
      "Learns the classes of the plans. features: Features (or files) of slides, those rows that "
      "have a label. groups: {slide_id: patient_id} or a CSV. encoder: name, folder or Encoder, "
      "where the features' own is not found by its name." +
      docs_of(list);
  module.def(
      "train",
      [](nb::object features, nb::object groups, nb::object encoder, std::optional<int> threads,
         nb::object progress, nb::kwargs given) {
        verbs::TrainFeaturesOptions options = options_with(encoder);
        set_options(options.train, given, "train");
        options.patients = patients_of(groups);
        auto files = feature_files(features);
        return Call(threads, std::move(progress)).run([&](const Context& context) {
          return verbs::train_features(std::move(files), options, context).model;
        });
      },
      nb::arg("features"), nb::kw_only(), nb::arg("groups") = nb::none(),
      nb::arg("encoder") = nb::none(), nb::arg("threads") = nb::none(),
      nb::arg("progress") = nb::none(), nb::arg("options"), nb::sig(signature.c_str()),
      text.c_str());
}

}  // namespace lamella::python
