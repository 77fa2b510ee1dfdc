// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "call.h"
#include "lamella/encoder/encoder.h"
#include "lamella/study/option_keys.h"
#include "lamella/study/plan_study.h"
#include "lamella/study/run_study.h"
#include "values.h"

namespace lamella::python {

namespace {

using study::SlideEntry;
using study::Study;
using study::StudyPiece;

void bind_pieces(nb::module_& module) {
  nb::class_<SlideEntry>(module, "SlideEntry", "A line of a study's slides table.")
      .def_ro("slide_id", &SlideEntry::slide_id)
      .def_ro("path", &SlideEntry::path)
      .def_ro("patient_id", &SlideEntry::patient_id)
      .def_prop_ro("role", [](const SlideEntry& self) { return std::string(to_string(self.role)); })
      .def_ro("annotations", &SlideEntry::annotations)
      .def_ro("mpp", &SlideEntry::mpp);
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
      .def_ro("encoder", &Study::encoder)
      .def_prop_ro("precision",
                   [](const Study& self) {
                     return std::string(encoder::to_string(self.encoding.precision));
                   })
      .def_prop_ro("features_dtype",
                   [](const Study& self) {
                     return std::string(storage::to_string(self.encoding.features_dtype));
                   })
      .def("slides", [](const Study& self) { return study::read_slides_table(self.slides_table); })
      .def(
          "mpp",
          [](const Study& self, const std::vector<SlideEntry>& slides) {
            return Call({}, nb::none()).run([&](const Context& context) {
              return study::study_mpp(self, slides, context);
            });
          },
          nb::arg("slides"), "The scale of the model, from the training slides.")
      .def(
          "plan_slide",
          [](const Study& self, const encoder::EncoderInfo& encoder, const SlideEntry& slide,
             std::optional<double> model_mpp, std::optional<int> threads) {
            return Call(threads, nb::none()).run([&](const Context& context) {
              return study::plan_study_slide(self, encoder, slide, model_mpp, context);
            });
          },
          nb::arg("encoder"), nb::arg("slide"), nb::arg("model_mpp").none(), nb::kw_only(),
          nb::arg("threads") = nb::none(),
          "The pieces of one slide; their plans are written where run finds them.");
}

}  // namespace

void bind_study(nb::module_& module) {
  bind_pieces(module);
  module.def(
      "run_json",
      [](const std::filesystem::path& study, const std::vector<std::string>& overrides,
         bool full_hash, std::optional<int> threads, nb::object progress) {
        return Call(threads, std::move(progress)).run([&](const Context& context) {
          return to_json(study::run_study(study::read_study(study.string(), overrides),
                                          {.full_hash = full_hash}, context))
              .dump();
        });
      },
      nb::arg("study"), nb::arg("overrides"), nb::arg("full_hash"), nb::arg("threads").none(),
      nb::arg("progress").none());
  module.def("options_json", [] { return study::all_options().dump(); });
  module.def("encoder_search_path", encoder::encoder_search_path,
             "Folders in which encoders are looked for by name.");
}

}  // namespace lamella::python
