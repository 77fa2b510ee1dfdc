// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "call.h"
#include "lamella/base/error.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/io/files.h"
#include "lamella/report/html_report.h"
#include "lamella/report/run_report.h"
#include "lamella/verbs/evaluate_files.h"
#include "lamella/verbs/plan_slide.h"
#include "lamella/verbs/score_slide.h"
#include "lamella/verbs/verb_options.h"
#include "loaded_encoder.h"
#include "options.h"
#include "train_options.h"
#include "values.h"

namespace lamella::python {

namespace {

Scores load_scores(const std::filesystem::path& path) {
  return {io::stem(path.string()), path.string(), storage::read_any_scores(path.string()), nullptr};
}

void save_scores(const Scores& self, const std::filesystem::path& path) {
  if (!self.plan) {
    throw Error(ErrorCode::kInvalidArgument, "these scores come from a file; copy that file",
                self.source);
  }
  storage::write_scores(*self.plan, self.patches.scores, "", path.string());
}

template <typename T>
auto column(std::vector<T> heatmap::ScoredPatches::*member) {
  return [member](nb::handle self) {
    const auto& values = nb::cast<Scores&>(self).patches.*member;
    return view<const T>(values.data(), values.size(), self);
  };
}

nb::capsule scores_stream(nb::handle self, nb::handle) {
  const Scores& scores = nb::cast<Scores&>(self);
  const heatmap::ScoredPatches& patches = scores.patches;
  const auto owner = keep_alive(self);
  std::vector<ArrowColumn> columns = {arrow_column("x_px", patches.x_px.data(), owner),
                                      arrow_column("y_px", patches.y_px.data(), owner)};
  for (int label = 0; label < patches.scores.classes.count(); ++label) {
    columns.push_back(
        arrow_column("prob_" + patches.scores.classes.name(label), patches.scores.column(label)));
  }
  return arrow_stream(patches.scores.rows(), columns, {{"slide_id", scores.slide_id}});
}

// Shows the scores' own memory.
Array<const float, nb::ndim<2>> score_values(nb::handle self) {
  const feature::ScoreMatrix& scores = nb::cast<Scores&>(self).patches.scores;
  return {scores.values.data(),
          {static_cast<size_t>(scores.rows()), static_cast<size_t>(scores.classes.count())},
          self};
}

void bind_scores(nb::module_& module) {
  using heatmap::ScoredPatches;
  nb::class_<Scores>(module, "Scores", "The probability of each class for every patch of a slide.")
      .def("__len__", [](const Scores& self) { return self.patches.scores.rows(); })
      .def("__repr__",
           [](const Scores& self) {
             return fmt::format("Scores('{}', {} patches, {})", self.slide_id,
                                self.patches.scores.rows(), self.patches.scores.classes.text());
           })
      .def("__arrow_c_stream__", scores_stream, nb::arg("requested_schema") = nb::none(),
           "Positions and probabilities (prob_<Class>) as a table of Arrow.")
      .def_ro("slide_id", &Scores::slide_id)
      .def_prop_ro("classes", [](const Scores& self) { return self.patches.scores.classes.names; })
      .def_prop_ro("values", score_values, "n x c, 0-1, float32: a column for each class.")
      .def_prop_ro("x_px", column(&ScoredPatches::x_px), "Left edges, level-0 px.")
      .def_prop_ro("y_px", column(&ScoredPatches::y_px), "Top edges, level-0 px.")
      .def_prop_ro("extent_px",
                   [](const Scores& self) {
                     return std::pair(self.patches.width_px, self.patches.height_px);
                   })
      .def_prop_ro(
          "slide_score",
          [](const Scores& self) { return heatmap::slide_score(self.patches.scores); },
          "The last class's highest score of 20 patches, its mean over all choices of 20; NaN "
          "without patches.")
      .def("save", save_scores, nb::arg("path"), "As lamella score --out.")
      .def_static("load", load_scores, nb::arg("path"));
}

Scores score_features(const storage::FeatureFile& features, nb::handle model) {
  return make_scores(features.plan,
                     classifier::score_patches(features.features, model_of(model).classifier));
}

using Positions = nb::ndarray<const int64_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

// What to score of a slide.
struct Where {
  verbs::ScoreSlideOptions options;
  std::optional<std::vector<patch::Position>> positions;  // instead of the grid
};

Where where_of(const std::optional<Positions>& positions, nb::kwargs given) {
  Where where;
  set_options(where.options, given, "score");
  where.options.validate();
  if (!positions) return where;
  if (where.options.grid.stride_px || where.options.grid.region_px) {
    throw Error(ErrorCode::kInvalidArgument,
                "found positions and options of a grid, expected one of them");
  }
  if (where.options.damage.skips()) {
    throw Error(ErrorCode::kInvalidArgument,
                "found positions and `on_damage` skip; every position gets a score, or none does");
  }
  where.positions.emplace();
  for (size_t i = 0; i < positions->shape(0); ++i) {
    where.positions->push_back({positions->data()[2 * i], positions->data()[2 * i + 1]});
  }
  return where;
}

std::shared_ptr<LoadedEncoder> encoder_for(const model::Model& model, nb::handle given,
                                           const Call& call) {
  if (given.is_none()) {
    if (model.encoder.folder.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("the model's encoder '{}' is a Python object; give it: encoder=...",
                              model.encoder.name));
    }
    return call.run([&](const Context& context) {
      return std::make_shared<LoadedEncoder>(model.encoder, model.precision, context.threads);
    });
  }
  return nb::cast<std::shared_ptr<LoadedEncoder>>(given);
}

Scores score_slide(nb::handle slide, nb::handle given_model, const Where& where,
                   const std::optional<std::string>& slide_id, std::optional<double> slide_mpp,
                   nb::handle encoder, const Call& call) {
  const auto opened = slide_of(slide, slide_mpp);
  const model::Model model = model_of(given_model);
  const auto loaded = encoder_for(model, encoder, call);
  verbs::SlideScores result = call.run([&](const Context& context) {
    const auto id = slide_id_of(*opened, slide_id);
    if (where.positions) {
      const auto lock = loaded->use();
      return verbs::score_positions(opened, id, model, *where.positions, loaded->encoder(),
                                    context);
    }
    const auto mask = verbs::tissue_mask(where.options.tissue, where.options.mask,
                                         where.options.damage.on_damage, *opened, context);
    const auto lock = loaded->use();
    return verbs::score_slide(opened, id, model, where.options, mask, loaded->encoder(), context);
  });
  return make_scores(std::move(result.plan), std::move(result.scores));
}

std::vector<verbs::NamedScores> named_scores(nb::list scores) {
  std::vector<verbs::NamedScores> named;
  for (nb::handle item : scores) {
    const Scores value = nb::isinstance<Scores>(item)
                             ? nb::cast<Scores&>(item)
                             : load_scores(nb::cast<std::filesystem::path>(item));
    named.push_back({value.slide_id, value.source, value.patches});
  }
  return named;
}

std::vector<std::string> paths_of(nb::list items) {
  std::vector<std::string> paths;
  for (nb::handle item : items) paths.push_back(nb::cast<std::filesystem::path>(item).string());
  return paths;
}

// What was given as a file.
report::EvaluatedFiles evaluated_files(nb::list scores, nb::list truth, nb::list slides) {
  report::EvaluatedFiles files;
  for (nb::handle item : scores) {
    if (!nb::isinstance<Scores>(item)) {
      files.scores.push_back(nb::cast<std::filesystem::path>(item).string());
    }
  }
  for (nb::handle item : truth) {
    if (!nb::isinstance<patch::PatchPlan>(item)) {
      files.truth.push_back(nb::cast<std::filesystem::path>(item).string());
    }
  }
  files.slides = paths_of(slides);
  return files;
}

std::string evaluate_json(nb::list scores, nb::list truth, nb::handle groups, nb::handle model,
                          nb::list against, const std::string& report, nb::list slides) {
  const Call call(std::nullopt, nb::none());
  const std::vector<verbs::NamedScores> named = named_scores(scores);
  const std::vector<verbs::NamedScores> other = named_scores(against);
  const report::EvaluatedFiles files = evaluated_files(scores, truth, slides);
  const ClassTable classes = named.empty() ? ClassTable{} : named.front().patches.scores.classes;
  std::vector<std::variant<std::string, patch::PatchPlan>> given;
  for (nb::handle item : truth) {
    if (nb::isinstance<patch::PatchPlan>(item)) {
      given.emplace_back(nb::cast<patch::PatchPlan&>(item));
    } else {
      given.emplace_back(nb::cast<std::filesystem::path>(item).string());
    }
  }
  verbs::EvaluateOptions options;
  options.patients = patients_of(groups);
  if (!model.is_none()) options.thresholds = verbs::thresholds_of(model_of(model), "");
  const verbs::FilesEvaluation made = call.run([&](const Context& context) {
    std::vector<verbs::Truth> truths;
    for (const auto& one : given) {
      if (const auto* plan = std::get_if<patch::PatchPlan>(&one)) {
        truths.push_back({"", *plan});
        continue;
      }
      for (verbs::Truth& read : verbs::read_truth(std::get<std::string>(one), classes, context)) {
        truths.push_back(std::move(read));
      }
    }
    verbs::FilesEvaluation evaluated =
        verbs::evaluate_against(named, truths, other, options, context);
    if (!report.empty()) {
      const auto& [all, patients, details] = evaluated.evaluation;
      report::write_report(report::evaluation_document(all, details, files), "", report, context);
    }
    return evaluated;
  });
  const verbs::Evaluation& evaluation = made.evaluation;
  nlohmann::json object = {{"all", evaluation.all}};
  for (const auto& [patient, metrics] : evaluation.patients) object["patient " + patient] = metrics;
  for (const auto& [name, differences] : made.differences) {
    object["differences"][name] = differences;
  }
  return object.dump();
}

}  // namespace

Scores make_scores(patch::PatchPlan plan, feature::ScoreMatrix scores) {
  Scores result;
  result.slide_id = plan.slide_id;
  result.source = plan.slide_path;
  result.patches = heatmap::scored_patches(plan, scores);
  result.plan = std::make_shared<const patch::PatchPlan>(std::move(plan));
  return result;
}

void bind_score(nb::module_& module) {
  bind_scores(module);
  const OptionList& list = verbs::ScoreSlideOptions::table().list();
  const std::string signature =
      "def score(slide: Features | Slide | str | os.PathLike, model: Model | str | os.PathLike, *, "
      "positions: numpy.typing.NDArray[numpy.int64] | None = None, "
      "encoder: Encoder | None = None" +
      keywords_of(list) +
      ", slide_id: str | None = None, slide_mpp: float | None = None, threads: int | None = None, "
      "progress: object = None) -> Scores";
  const std::string text =
      "Gives every patch the probability of each class: of Features, or of a slide (a Slide or a "
      "path), a grid over whose tissue is encoded, or the patches at positions (n x 2: left and "
      "top edges, level-0 px), in their order. encoder: the model's, loaded before." +
      docs_of(list);
  module.def(
      "score",
      [](nb::object slide, nb::object model, std::optional<Positions> positions, nb::object encoder,
         std::optional<std::string> slide_id, std::optional<double> slide_mpp,
         std::optional<int> threads, nb::object progress, nb::kwargs given) {
        const Where where = where_of(positions, given);
        if (nb::isinstance<storage::FeatureFile>(slide)) {
          return score_features(nb::cast<storage::FeatureFile&>(slide), model);
        }
        return score_slide(slide, model, where, slide_id, slide_mpp, encoder,
                           Call(threads, std::move(progress)));
      },
      nb::arg("slide"), nb::arg("model"), nb::kw_only(), nb::arg("positions") = nb::none(),
      nb::arg("encoder") = nb::none(), nb::arg("slide_id") = nb::none(),
      nb::arg("slide_mpp") = nb::none(), nb::arg("threads") = nb::none(),
      nb::arg("progress") = nb::none(), nb::arg("options"), nb::sig(signature.c_str()),
      text.c_str());
  module.def("evaluate_json", evaluate_json, nb::arg("scores"), nb::arg("truth"),
             nb::arg("groups").none(), nb::arg("model").none(), nb::arg("against"),
             nb::arg("report"), nb::arg("slides"));
}

}  // namespace lamella::python
