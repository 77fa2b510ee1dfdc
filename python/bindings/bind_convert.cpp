// SPDX-License-Identifier: Apache-2.0
// The verb convert.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "call.h"
#include "lamella/verbs/convert.h"
#include "options.h"
#include "values.h"

namespace lamella::python {

namespace {

nb::dict dict_of(const verbs::Converted& converted) {
  nb::dict result;
  result["in"] = converted.in;
  result["out"] = converted.out;
  result["from"] = converted.from;
  result["to"] = converted.to;
  result["warnings"] = converted.warnings;
  for (const auto& [what, count] : converted.counts) {
    if (what == "area_px") {
      result["area_px"] = count;
    } else {
      result[what.c_str()] = static_cast<int64_t>(count);
    }
  }
  return result;
}

}  // namespace

void bind_convert(nb::module_& module) {
  const OptionList& list = verbs::ConvertOptions::table().list();
  const std::string signature =
      "def convert(source: str | os.PathLike, out: str | os.PathLike, *, "
      "slide: str | os.PathLike | None = None, slide_mpp: float | None = None" +
      keywords_of(list) +
      ", threads: int | None = None, progress: object = None) -> dict[str, object]";
  const std::string text =
      "What one program wrote, as another reads it: annotations, scores, slides. Returns what was "
      "read and written, with counts and warnings." +
      docs_of(list);
  module.def(
      "convert",
      [](const std::filesystem::path& source, const std::filesystem::path& out,
         const std::optional<std::filesystem::path>& slide, std::optional<double> mpp,
         std::optional<int> threads, nb::object progress, nb::kwargs given) {
        verbs::ConvertOptions options;
        set_options(options, given, "convert");
        const Call call(threads, std::move(progress));
        slide::OpenOptions open;
        open.mpp = mpp;
        return dict_of(call.run([&](const Context& context) {
          auto converted = verbs::convert(source.string(), out.string(),
                                          slide ? slide->string() : "", open, options, context);
          for (const std::string& warning : converted.warnings) {
            context.warn(converted.in + ": " + warning);
          }
          return converted;
        }));
      },
      nb::arg("source"), nb::arg("out"), nb::kw_only(), nb::arg("slide") = nb::none(),
      nb::arg("slide_mpp") = nb::none(), nb::arg("threads") = nb::none(),
      nb::arg("progress") = nb::none(), nb::arg("options"), nb::sig(signature.c_str()),
      text.c_str());
}

}  // namespace lamella::python
