// SPDX-License-Identifier: Apache-2.0
// Pictures for notebooks, and the verb map.
#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>

#include "call.h"
#include "lamella/annotation/annotation.h"
#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/verbs/check_plan.h"
#include "lamella/verbs/slide_map.h"
#include "options.h"
#include "values.h"

namespace lamella::python {

namespace {

verbs::SlideMap map_verb(nb::handle slide, const Scores& scores,
                         const std::optional<std::filesystem::path>& annotations,
                         verbs::MapSlideOptions options,
                         const std::optional<std::filesystem::path>& out, const Call& call) {
  const auto opened = slide_of(slide, {});
  options.map.overlay.title = scores.slide_id;
  return call.run([&](const Context& context) {
    verbs::require_same_slide(scores.patches.slide, opened->info(), scores.source);
    if (annotations) {
      options.map.overlay.outlines =
          verbs::read_outlines(annotations->string(), opened->info(), context);
    }
    auto drawn =
        verbs::draw_slide_map(*opened,
                              heatmap::make_heatmap(scores.patches, opened->info().size_px(),
                                                    options.map.overlay.shown_class),
                              options, context);
    if (out) verbs::write_slide_map(drawn, out->string());
    return drawn;
  });
}

void bind_map(nb::module_& module) {
  using verbs::SlideMap;
  nb::class_<SlideMap>(module, "HeatMap", "Scores on the plan's grid; NaN: not looked at.")
      .def_prop_ro(
          "values",
          [](nb::handle self) {
            const auto& map = nb::cast<SlideMap&>(self).map;
            return Array<const float, nb::ndim<2>>(
                map.values.data(),
                {static_cast<size_t>(map.rows), static_cast<size_t>(map.columns)}, self);
          },
          "rows x columns float32.")
      .def_prop_ro(
          "shown", [](const SlideMap& self) { return self.map.shown; },
          "The class, or \"most likely\": then values are numbers of classes.")
      .def_prop_ro(
          "origin_px",
          [](const SlideMap& self) {
            return std::pair(self.map.origin_x_px, self.map.origin_y_px);
          },
          "Top-left of the first cell, level-0 px.")
      .def_prop_ro(
          "cell_px",
          [](const SlideMap& self) { return std::pair(self.map.cell_x_px, self.map.cell_y_px); })
      .def_prop_ro(
          "overlay", [](const SlideMap& self) { return to_array(self.overlay); },
          "The picture over the slide, height x width x 3 uint8.")
      .def(
          "save_tiff",
          [](const SlideMap& self, const std::filesystem::path& path) {
            heatmap::write_heatmap_tiff(self.map, self.mpp, path.string());
          },
          nb::arg("path"))
      .def("__repr__",
           [](const SlideMap& self) {
             return fmt::format("HeatMap({} x {} cells)", self.map.columns, self.map.rows);
           })
      .def("_repr_png_", [](const SlideMap& self) { return png_bytes(self.overlay); });
  const OptionList& list = verbs::MapSlideOptions::table().list();
  const std::string signature =
      "def map(slide: Slide | str | os.PathLike, scores: Scores, *, "
      "annotations: str | os.PathLike | None = None" +
      keywords_of(list) +
      ", out: str | os.PathLike | None = None, threads: int | None = None, "
      "progress: object = None) -> HeatMap";
  const std::string text =
      "Draws scores as a heat-map over the slide; with out, also OUT.png and OUT.tiff." +
      docs_of(list);
  module.def(
      "map",
      [](nb::object slide, const Scores& scores, std::optional<std::filesystem::path> annotations,
         std::optional<std::filesystem::path> out, std::optional<int> threads, nb::object progress,
         nb::kwargs given) {
        verbs::MapSlideOptions options;
        set_options(options, given, "map");
        return map_verb(slide, scores, annotations, options, out,
                        Call(threads, std::move(progress)));
      },
      nb::arg("slide"), nb::arg("scores"), nb::kw_only(), nb::arg("annotations") = nb::none(),
      nb::arg("out") = nb::none(), nb::arg("threads") = nb::none(),
      nb::arg("progress") = nb::none(), nb::arg("options"), nb::sig(signature.c_str()),
      text.c_str());
}

}  // namespace

nb::bytes png_bytes(const Image& image) {
  std::vector<uint8_t> bytes;
  {
    const nb::gil_scoped_release release;
    bytes = imagefile::encode_png(image.view());
  }
  return nb::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void bind_pictures(nb::module_& module) {
  module.def(
      "encode_png",
      [](const nb::ndarray<const uint8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>& pixels) {
        if (pixels.shape(2) != 1 && pixels.shape(2) != 3) {
          throw Error(ErrorCode::kInvalidArgument,
                      fmt::format("found {} channels, expected 1 or 3", pixels.shape(2)));
        }
        const int width = static_cast<int>(pixels.shape(1));
        const int channels = static_cast<int>(pixels.shape(2));
        const ImageView view{pixels.data(), width, static_cast<int>(pixels.shape(0)), channels,
                             static_cast<ptrdiff_t>(width) * channels};
        const auto bytes = imagefile::encode_png(view);
        return nb::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      },
      nb::arg("pixels"), "PNG of height x width x 1 or 3 uint8.");
  bind_map(module);
}

}  // namespace lamella::python
