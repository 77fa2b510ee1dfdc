// SPDX-License-Identifier: Apache-2.0
// The verbs that make one model or encoder of another: export, calibrate, quantize.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <nlohmann/json.hpp>

#include "call.h"
#include "lamella/verbs/calibrate_model.h"
#include "lamella/verbs/export_model.h"
#include "lamella/verbs/quantize_encoder.h"
#include "options.h"
#include "values.h"

namespace lamella::python {

namespace {

using Path = std::filesystem::path;

std::vector<std::string> texts_of(const std::vector<Path>& paths) {
  return {paths.begin(), paths.end()};
}

nb::object object_of(const nlohmann::json& json) {
  return nb::module_::import_("json").attr("loads")(json.dump());
}

nb::object export_verb(nb::handle model, const Path& out, nb::handle measure_on,
                       std::optional<double> slide_mpp, std::optional<int> threads,
                       nb::object progress) {
  verbs::ExportOptions options;
  options.out = out.string();
  if (!measure_on.is_none()) options.slide = slide_of(measure_on, slide_mpp);
  const model::Model wanted = model_of(model);
  const Call call(threads, std::move(progress));
  return object_of(verbs::to_json(call.run([&](const Context& context) {
    return verbs::export_model(wanted, options, context);
  }),
                                  options.out));
}

nb::object calibrate_verb(const Path& model, const std::vector<Path>& scores,
                          const std::vector<Path>& truth, const Path& out,
                          const std::optional<Path>& groups) {
  const verbs::CalibrateFiles files{model.string(), texts_of(scores), texts_of(truth),
                                    groups ? groups->string() : "", out.string()};
  const Call call(std::nullopt, nb::none());
  const model::Model made =
      call.run([&](const Context& context) { return verbs::calibrate_files(files, context); });
  return object_of(verbs::calibration_json(made, files.out));
}

void make_int8(const std::string& folder, const std::string& pictures, const std::string& out) {
  const nb::gil_scoped_acquire lock;
  nb::module_::import_("lamella.quantizing")
      .attr("quantize")(Path(folder), Path(pictures), Path(out));
}

nb::object quantize_verb(const Path& encoder, const std::vector<Path>& plans, const Path& out,
                         const std::string& name, std::optional<int> threads, nb::object progress,
                         const nb::kwargs& given) {
  verbs::QuantizeOptions options;
  set_options(options, given, "quantize");
  options.encoder = encoder.string();
  options.plans = texts_of(plans);
  options.out = out.string();
  options.name = name;
  const Call call(threads, std::move(progress));
  return object_of(verbs::to_json(call.run([&](const Context& context) {
    return verbs::quantize_encoder(options, make_int8, context);
  })));
}

void bind_quantize(nb::module_& module) {
  const OptionList& list = verbs::QuantizeOptions::table().list();
  const std::string signature =
      "def quantize(encoder: str | os.PathLike, "
      "plans: collections.abc.Sequence[str | os.PathLike], out: str | os.PathLike, *, "
      "name: str = ''" +
      keywords_of(list) +
      ", threads: int | None = None, progress: object = None) -> dict[str, object]";
  const std::string text =
      "An encoder in 8-bit whole numbers, calibrated and judged on patches of these plans; `out` "
      "is the folder to make. Needs the packages nncf and onnx. Returns what it is worth." +
      docs_of(list);
  module.def("quantize", quantize_verb, nb::arg("encoder"), nb::arg("plans"), nb::arg("out"),
             nb::kw_only(), nb::arg("name") = "", nb::arg("threads") = nb::none(),
             nb::arg("progress") = nb::none(), nb::arg("options"), nb::sig(signature.c_str()),
             text.c_str());
}

}  // namespace

void bind_made_models(nb::module_& module) {
  module.def("export", export_verb, nb::arg("model"), nb::arg("out"), nb::kw_only(),
             nb::arg("measure_on") = nb::none(), nb::arg("slide_mpp") = nb::none(),
             nb::arg("threads") = nb::none(), nb::arg("progress") = nb::none(),
             nb::sig("def export(model: Model | str | os.PathLike, out: str | os.PathLike, *, "
                     "measure_on: Slide | str | os.PathLike | None = None, "
                     "slide_mpp: float | None = None, threads: int | None = None, "
                     "progress: object = None) -> dict[str, object]"),
             "A model as one ONNX file, patch in, probability out. measure_on: a slide, on whose "
             "tissue its probabilities are compared with the model's own.");
  module.def(
      "calibrate", calibrate_verb, nb::arg("model"), nb::arg("scores"), nb::arg("truth"),
      nb::arg("out"), nb::kw_only(), nb::arg("groups") = nb::none(),
      nb::sig("def calibrate(model: str | os.PathLike, "
              "scores: collections.abc.Sequence[str | os.PathLike], "
              "truth: collections.abc.Sequence[str | os.PathLike], "
              "out: str | os.PathLike, *, groups: str | os.PathLike | None = None) "
              "-> dict[str, object]"),
      "Fits a model's probabilities to labels of the site where it is used; the model folder "
      "`out` holds both calibrations. groups: table of slide_id, patient_id.");
  bind_quantize(module);
}

}  // namespace lamella::python
