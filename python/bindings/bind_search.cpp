// SPDX-License-Identifier: Apache-2.0
#include "bind_search.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "call.h"
#include "lamella/search/search_study.h"
#include "values.h"

namespace lamella::python {

namespace {

using search::StartedSearch;
using search::TrialJob;
using search::TrialResult;
using study::Study;

// A job travels as the text of its study; a result with all that the choice looks at: of a fold its
// figures held out, log loss and AUC, of what was pooled the plans and the scores on them.
using Figure = std::optional<double>;
using Texts = std::vector<std::string>;
using TrialState = std::tuple<std::string, Texts, std::string, std::optional<std::string>,
                              std::string, std::string, Figure, Figure, Figure, int64_t, double>;
using JobState = std::tuple<size_t, TrialState, std::string, std::string, Texts, std::string,
                            std::string, std::map<std::string, int>, std::string, std::string>;
using FoldState = std::tuple<std::string, Texts, Texts, double, Figure, Figure, Figure, Figure>;
using PooledState = std::tuple<nb::bytes, std::vector<std::string>, std::vector<float>>;
using ResultState = std::tuple<size_t, TrialState, std::vector<FoldState>,
                               std::map<std::string, int>, std::vector<PooledState>>;

TrialState state_of(const record::SearchTrial& trial) {
  return {trial.name,     trial.set, trial.status, trial.error,   trial.run_id, trial.output,
          trial.log_loss, trial.auc, trial.lambda, trial.patches, trial.seconds};
}

record::SearchTrial trial_of(const TrialState& state) {
  record::SearchTrial trial;
  std::tie(trial.name, trial.set, trial.status, trial.error, trial.run_id, trial.output,
           trial.log_loss, trial.auc, trial.lambda, trial.patches, trial.seconds) = state;
  return trial;
}

JobState state_of(const TrialJob& job) {
  const auto& source = job.study.source;
  return {job.place,
          state_of(job.trial),
          source.text,
          source.path,
          source.overrides,
          source.folder,
          job.options.trial_of.value().search,
          job.options.fold_of,
          job.options.tissue_output,
          job.encoder_sha256};
}

TrialJob job_of(const JobState& state) {
  const auto& [place, trial, text, path, overrides, folder, search, fold_of, tissue, sha256] =
      state;
  TrialJob job{
      place, trial_of(trial), study::parse_study(text, path, overrides, folder), {}, sha256};
  job.options.trial_of = record::TrialOf{search, job.trial.name, false};
  job.options.fold_of = fold_of;
  job.options.tissue_output = tissue;
  return job;
}

ResultState state_of(const TrialResult& result) {
  const verbs::SplitEvaluation& turn = result.in_turn;
  std::vector<FoldState> folds;
  for (const verbs::SplitFold& fold : turn.folds) {
    folds.emplace_back(fold.name, fold.patients, fold.slides, fold.lambda, fold.held_out_log_loss,
                       fold.held_out_auc, fold.metrics.log_loss, fold.metrics.macro_auc);
  }
  std::vector<PooledState> pooled;
  for (size_t k = 0; k < turn.truths.size(); ++k) {
    const feature::ScoreMatrix& scores = turn.scores[k].patches.scores;
    pooled.emplace_back(bytes_of(storage::plan_to_bytes(turn.truths[k].plan)), scores.classes.names,
                        scores.values);
  }
  return {result.place, state_of(result.trial), std::move(folds), turn.fold_of, std::move(pooled)};
}

TrialResult result_of(const ResultState& state) {
  const auto& [place, trial, folds, fold_of, pooled] = state;
  TrialResult result{place, trial_of(trial), {}};
  for (const FoldState& one : folds) {
    verbs::SplitFold& fold = result.in_turn.folds.emplace_back();
    std::tie(fold.name, fold.patients, fold.slides, fold.lambda, fold.held_out_log_loss,
             fold.held_out_auc, fold.metrics.log_loss, fold.metrics.macro_auc) = one;
  }
  result.in_turn.fold_of = fold_of;
  for (const auto& [plan_bytes, classes, values] : pooled) {
    const patch::PatchPlan plan = storage::plan_from_bytes(text_of(plan_bytes));
    feature::ScoreMatrix scores;
    scores.classes.names = classes;
    scores.values = values;
    result.in_turn.scores.push_back(
        {plan.slide_id, plan.slide_id, heatmap::scored_patches(plan, scores)});
    result.in_turn.truths.push_back({plan.slide_id, plan});
  }
  return result;
}

void bind_trials(nb::module_& module) {
  nb::class_<TrialResult>(module, "TrialResult", "What came of a trial of a search.")
      .def_prop_ro("status", [](const TrialResult& self) { return self.trial.status; })
      .def_prop_rw(
          "error", [](const TrialResult& self) { return self.trial.error; },
          [](TrialResult& self, const std::string& text) { self.trial.error = text; })
      .def_prop_ro("log_loss", [](const TrialResult& self) { return self.trial.log_loss; })
      .def_prop_ro("auc", [](const TrialResult& self) { return self.trial.auc; })
      .def_prop_ro("seconds", [](const TrialResult& self) { return self.trial.seconds; })
      .def("__getstate__", [](const TrialResult& self) { return state_of(self); })
      .def("__setstate__", [](TrialResult& self, const ResultState& state) {
        new (&self) TrialResult(result_of(state));
      });
  nb::class_<TrialJob>(module, "TrialJob", "A trial of a search, to be made anywhere; it pickles.")
      .def_prop_ro("name", [](const TrialJob& self) { return self.trial.name; })
      .def(
          "run",
          [](const TrialJob& self, std::optional<int> threads) {
            return Call(threads, nb::none()).run([&](const Context& context) {
              return search::run_trial(self, context);
            });
          },
          nb::kw_only(), nb::arg("threads") = nb::none(), "One that fails has a result, too.")
      .def(
          "failed",
          [](const TrialJob& self, const std::string& error) {
            TrialResult result{self.place, self.trial, {}};
            result.trial.status = "failed";
            result.trial.error = error;
            return result;
          },
          nb::arg("error"), "Where it could not be made at all.")
      .def("__getstate__", [](const TrialJob& self) { return state_of(self); })
      .def("__setstate__",
           [](TrialJob& self, const JobState& state) { new (&self) TrialJob(job_of(state)); });
}

}  // namespace

void bind_search(nb::module_& module) {
  using Client = std::map<std::string, std::string>;
  bind_trials(module);
  module.def(
      "search_json",
      [](const Study& study, const Client& client, std::optional<int> threads,
         nb::object progress) {
        const mlflow::CallingClient calling = calling_client(client);
        return Call(threads, std::move(progress)).run([&](const Context& context) {
          return to_json(search::search_study(study, calling, context)).dump();
        });
      },
      nb::arg("study"), nb::arg("client"), nb::arg("threads").none(), nb::arg("progress").none());
  nb::class_<StartedSearch>(module, "StartedSearch", "A search whose trials are made elsewhere.")
      .def(
          "__init__",
          [](StartedSearch* self, const Study& study, const Client& client) {
            const mlflow::CallingClient calling = calling_client(client);
            Call({}, nb::none()).run([&](const Context& context) {
              new (self) StartedSearch(study, calling, context);
            });
          },
          nb::arg("study"), nb::arg("client"))
      .def(
          "begin",
          [](StartedSearch& self) {
            return Call({}, nb::none()).run([&](const Context& context) {
              return self.begin(context);
            });
          },
          "The next trial; None: none before another has ended, or none at all.")
      .def(
          "end",
          [](StartedSearch& self, const TrialResult& result) {
            Call({}, nb::none()).run([&](const Context& context) { self.end(result, context); });
          },
          nb::arg("result"))
      .def("chosen", &StartedSearch::chosen,
           "The study that finish_json runs, whose pieces may be made before; None: no trial was "
           "done.")
      .def(
          "finish_json",
          [](StartedSearch& self, std::optional<int> threads) {
            return Call(threads, nb::none()).run([&](const Context& context) {
              return to_json(self.finish(context)).dump();
            });
          },
          nb::arg("threads") = nb::none(), "The choice, and the whole run of what was chosen.")
      .def(
          "fail",
          [](StartedSearch& self, const std::string& message, bool interrupted) {
            Call({}, nb::none()).run([&](const Context& context) {
              self.fail(message, interrupted, context);
            });
          },
          nb::arg("message"), nb::arg("interrupted"));
}

}  // namespace lamella::python
