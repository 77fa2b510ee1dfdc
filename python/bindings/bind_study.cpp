// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "bind_search.h"
#include "call.h"
#include "lamella/encoder/encoder.h"
#include "lamella/report/run_report.h"
#include "lamella/study/option_keys.h"
#include "lamella/study/plan_study.h"
#include "lamella/study/run_study.h"
#include "values.h"

namespace lamella::python {

namespace {

using cohort::SlideEntry;
using study::SlideJob;
using study::Study;
using study::StudyPiece;

// A job travels as the text of its study, its line of the table and its rows of the lists.
using CentreState = std::tuple<double, double, int>;
using ListState = std::tuple<int, std::string, std::vector<CentreState>>;
using EntryState =
    std::tuple<std::string, std::string, std::string, int, std::string, std::optional<double>,
               std::string, std::string, std::map<std::string, double>, int>;
using JobState = std::tuple<std::string, std::string, std::vector<std::string>, std::string,
                            EntryState, std::vector<ListState>, std::optional<double>, std::string>;

JobState state_of(const SlideJob& job) {
  const SlideEntry& slide = job.slide;
  std::vector<ListState> lists;
  for (const patch::LabelledCentres& list : job.centres) {
    std::vector<CentreState> rows;
    for (const annotation::Centre& centre : list.centres) {
      rows.emplace_back(centre.x_px, centre.y_px, centre.line);
    }
    lists.emplace_back(list.label, list.path, std::move(rows));
  }
  return {job.study.source.text,
          job.study.source.path,
          job.study.source.overrides,
          job.study.source.folder,
          {slide.slide_id, slide.path, slide.patient_id, static_cast<int>(slide.role),
           slide.annotations, slide.mpp, slide.image, slide.mask, slide.tissue, slide.line},
          std::move(lists),
          job.model_mpp,
          job.tissue_output};
}

SlideJob job_of(const JobState& state) {
  const auto& [text, path, overrides, folder, entry, lists, mpp, tissue_output] = state;
  SlideJob job;
  job.study = study::parse_study(text, path, overrides, folder);
  SlideEntry& slide = job.slide;
  int role = 0;
  std::tie(slide.slide_id, slide.path, slide.patient_id, role, slide.annotations, slide.mpp,
           slide.image, slide.mask, slide.tissue, slide.line) = entry;
  slide.role = static_cast<cohort::Role>(role);
  slide.fetch_to = job.study.slides.fetch_to;
  for (const auto& [label, list_path, rows] : lists) {
    patch::LabelledCentres list;
    list.label = static_cast<int8_t>(label);
    list.path = list_path;
    for (const auto& [x_px, y_px, line] : rows) {
      list.centres.push_back({slide.slide_id, x_px, y_px, line});
    }
    job.centres.push_back(std::move(list));
  }
  job.model_mpp = mpp;
  job.tissue_output = tissue_output;
  return job;
}

void bind_pieces(nb::module_& module) {
  nb::class_<SlideEntry>(module, "SlideEntry", "A line of a study's slides table.")
      .def_ro("slide_id", &SlideEntry::slide_id)
      .def_ro("path", &SlideEntry::path)
      .def_ro("patient_id", &SlideEntry::patient_id)
      .def_prop_ro("role", [](const SlideEntry& self) { return std::string(to_string(self.role)); })
      .def_ro("annotations", &SlideEntry::annotations)
      .def_ro("mpp", &SlideEntry::mpp)
      .def(
          "slide",
          [](const SlideEntry& self) { return SlideHandle(self.path, cohort::open_options(self)); },
          nb::sig("def slide(self) -> Slide"), "To be opened as the study says.");
  nb::class_<StudyPiece>(module, "StudyPiece", "A plan of a study and where its features belong.")
      .def_ro("kind", &StudyPiece::kind)
      .def_ro("plan", &StudyPiece::plan)
      .def_ro("features_path", &StudyPiece::features_path)
      .def_ro("key", &StudyPiece::key)
      .def_ro("finished", &StudyPiece::finished);
  nb::class_<Study>(module, "Study", "A study file, read.")
      .def(
          "__init__",
          [](Study* self, const std::filesystem::path& path,
             const std::vector<std::string>& overrides) {
            new (self) Study(study::read_study(path.string(), overrides));
          },
          nb::arg("path"), nb::arg("overrides") = std::vector<std::string>{})
      .def_ro("name", &Study::name)
      .def_ro("output", &Study::output)
      .def_prop_ro("classes", [](const Study& self) { return self.classes().names; })
      .def_prop_ro("encoder", [](const Study& self) { return self.encoder.name; })
      .def_prop_ro("precision",
                   [](const Study& self) {
                     return std::string(encoder::to_string(self.encoder.options.precision));
                   })
      .def_prop_ro("features_dtype",
                   [](const Study& self) {
                     return std::string(storage::to_string(self.encoder.options.features_dtype));
                   })
      .def_prop_ro("on_damage",
                   [](const Study& self) {
                     return std::string(self.plans.damage.skips() ? "skip" : "fail");
                   })
      .def("slides", [](const Study& self) { return study::slides_of(self); })
      .def(
          "jobs",
          [](const Study& self, const std::vector<SlideEntry>& slides,
             const std::string& tissue_output) {
            return Call({}, nb::none()).run([&](const Context& context) {
              std::vector<SlideJob> jobs = study::slide_jobs(self, slides, context);
              for (SlideJob& job : jobs) job.tissue_output = tissue_output;
              return jobs;
            });
          },
          nb::arg("slides"), nb::arg("tissue_output") = "",
          "What workers need to plan each slide; it pickles, and reads no file of the study "
          "again.");
  nb::class_<SlideJob>(module, "SlideJob", "One slide of a study, to be planned anywhere.")
      .def_ro("slide", &SlideJob::slide)
      .def_ro("model_mpp", &SlideJob::model_mpp)
      .def(
          "plan",
          [](const SlideJob& self, const encoder::EncoderInfo& encoder,
             std::optional<int> threads) {
            return Call(threads, nb::none()).run([&](const Context& context) {
              return study::plan_slide_job(self, encoder, context);
            });
          },
          nb::arg("encoder"), nb::kw_only(), nb::arg("threads") = nb::none(),
          "The pieces of the slide; their plans are written where run finds them.")
      .def(
          "finished",
          [](const SlideJob& self, const encoder::EncoderInfo& encoder) {
            return Call({}, nb::none()).run([&](const Context& context) {
              return study::slide_job_finished(self, encoder, context);
            });
          },
          nb::arg("encoder"), "Whether the features of all its pieces are there; plans nothing.")
      .def("__getstate__", state_of)
      .def("__setstate__",
           [](SlideJob& self, const JobState& state) { new (&self) SlideJob(job_of(state)); });
}

using Texts = std::map<std::string, std::string>;

study::RunOptions run_options(bool full_hash, const Texts& client) {
  return {.full_hash = full_hash, .client = calling_client(client)};
}

void bind_started_run(nb::module_& module) {
  using study::StartedRun;
  nb::class_<StartedRun>(module, "StartedRun",
                         "A run whose record is there, and whose pieces are made elsewhere first.")
      .def(
          "__init__",
          [](StartedRun* self, const Study& study, bool full_hash, const Texts& client) {
            const study::RunOptions options = run_options(full_hash, client);
            Call({}, nb::none()).run([&](const Context& context) {
              new (self) StartedRun(study, options, context);
            });
          },
          nb::arg("study"), nb::arg("full_hash"), nb::arg("client"))
      .def_prop_ro("run_folder", &StartedRun::run_folder)
      .def(
          "finish_json",
          [](StartedRun& self, const std::map<std::string, double>& elsewhere,
             std::optional<int> threads, nb::object progress) {
            return Call(threads, std::move(progress)).run([&](const Context& context) {
              return to_json(self.finish(elsewhere, context)).dump();
            });
          },
          nb::arg("elsewhere"), nb::arg("threads").none(), nb::arg("progress").none(),
          "elsewhere: seconds that went by before, by their step's name.")
      .def(
          "fail",
          [](StartedRun& self, const std::string& message, bool interrupted) {
            Call({}, nb::none()).run([&](const Context& context) {
              self.fail(message, interrupted, context);
            });
          },
          nb::arg("message"), nb::arg("interrupted"));
}

}  // namespace

mlflow::CallingClient calling_client(const Texts& client) {
  const auto text = [&](const char* key) {
    const auto found = client.find(key);
    return found == client.end() ? std::string() : found->second;
  };
  return {text("python"), text("tracking_uri"), text("active_run_id")};
}

void bind_study(nb::module_& module) {
  bind_pieces(module);
  bind_started_run(module);
  module.def(
      "run_json",
      [](const Study& study, bool full_hash, const Texts& client, std::optional<int> threads,
         nb::object progress) {
        const study::RunOptions options = run_options(full_hash, client);
        return Call(threads, std::move(progress)).run([&](const Context& context) {
          return to_json(study::run_study(study, options, context)).dump();
        });
      },
      nb::arg("study"), nb::arg("full_hash"), nb::arg("client"), nb::arg("threads").none(),
      nb::arg("progress").none());
  module.def(
      "report_run",
      [](const std::filesystem::path& folder, const std::string& out, std::optional<int> threads) {
        return Call(threads, nb::none()).run([&](const Context& context) {
          return report::report_run(folder.string(), out, context);
        });
      },
      nb::arg("folder"), nb::arg("out"), nb::arg("threads").none());
  module.def("options_json", [] { return study::all_options().dump(); });
  module.def("encoder_search_path", encoder::encoder_search_path,
             "Folders in which encoders are looked for by name.");
}

}  // namespace lamella::python
