// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "call.h"
#include "lamella/patch/patch_extractor.h"
#include "lamella/verbs/plan_slide.h"
#include "options.h"
#include "values.h"

namespace lamella::python {

namespace {

using patch::PatchPlan;
using patch::PatchRow;
using Paths = std::vector<std::filesystem::path>;
using Centres = std::vector<std::pair<std::filesystem::path, std::string>>;
using Texts = std::vector<std::string>;
using Region = std::tuple<int64_t, int64_t, int64_t, int64_t>;

// One member of every row, as an array that shows the plan's own memory.
template <typename T>
auto column(T PatchRow::*member) {
  static_assert(sizeof(PatchRow) % sizeof(T) == 0);
  return [member](nb::handle self) {
    const PatchPlan& plan = nb::cast<PatchPlan&>(self);
    static const PatchRow none;
    const PatchRow* row = plan.rows.empty() ? &none : plan.rows.data();
    return view<const T>(&(row->*member), plan.rows.size(), self, sizeof(PatchRow) / sizeof(T));
  };
}

template <typename T>
ArrowColumn arrow_member(const PatchPlan& plan, const std::string& name, T PatchRow::*member) {
  std::vector<T> values;
  values.reserve(plan.rows.size());
  for (const PatchRow& row : plan.rows) values.push_back(row.*member);
  return arrow_column(name, std::move(values));
}

nb::capsule plan_stream(const PatchPlan& plan, nb::handle) {
  return arrow_stream(static_cast<int64_t>(plan.rows.size()), plan_columns(plan),
                      {{"slide_id", plan.slide_id}, {"slide_path", plan.slide_path}});
}

PatchPlan select(const PatchPlan& plan, const Array<const int64_t, nb::ndim<1>>& rows) {
  PatchPlan part = plan;
  part.rows.clear();
  part.rows.reserve(rows.shape(0));
  for (size_t i = 0; i < rows.shape(0); ++i) {
    const int64_t row = rows(i);
    if (row < 0 || static_cast<size_t>(row) >= plan.rows.size()) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("found row {}, expected 0 to {}", row, plan.rows.size() - 1));
    }
    part.rows.push_back(plan.rows[static_cast<size_t>(row)]);
  }
  return part;
}

auto tile_order(const PatchPlan& plan, nb::handle slide) {
  const patch::PatchExtractor extractor(slide_of(slide, {}), plan, {});
  const auto order = extractor.order();
  auto* kept = new std::vector<uint32_t>(order.begin(), order.end());
  const nb::capsule owner(kept,
                          [](void* p) noexcept { delete static_cast<std::vector<uint32_t>*>(p); });
  return view<uint32_t>(kept->data(), kept->size(), owner);
}

PatchPlan plan_verb(nb::handle slide, const verbs::PlanSlideOptions& options,
                    const std::optional<std::string>& slide_id, std::optional<double> slide_mpp,
                    const Call& call) {
  const auto opened = slide_of(slide, slide_mpp);
  return call.run([&](const Context& context) {
    return verbs::plan_slide(*opened, slide_id_of(*opened, slide_id), options, context);
  });
}

// (file, class) -> "FILE:CLASS"
std::vector<std::string> centre_words(const Centres& centers) {
  std::vector<std::string> words;
  for (const auto& [path, name] : centers) words.push_back(path.string() + ":" + name);
  return words;
}

verbs::PlanSlideOptions plan_options(const Centres& centers, const Paths& annotations,
                                     const nb::kwargs& given) {
  verbs::PlanSlideOptions options;
  set_options(options, given, "plan");
  options.centers = centre_words(centers);
  for (const auto& path : annotations) options.annotations.push_back(path.string());
  return options;
}

void bind_plan_class(nb::module_& module) {
  nb::class_<PatchPlan>(module, "Plan",
                        "Positions of patches on one slide; the arrays show the plan's own memory.")
      .def("__len__", [](const PatchPlan& self) { return self.rows.size(); })
      .def("__repr__",
           [](const PatchPlan& self) {
             return fmt::format("Plan('{}', {} patches of {} px at level {})", self.slide_id,
                                self.rows.size(), self.spec.size_px, self.geometry.level);
           })
      .def_ro("slide_id", &PatchPlan::slide_id)
      .def_ro("slide_path", &PatchPlan::slide_path)
      .def_ro("slide_fingerprint", &PatchPlan::slide_fingerprint)
      .def_prop_ro("size_px", [](const PatchPlan& self) { return self.spec.size_px; })
      .def_prop_ro("level", [](const PatchPlan& self) { return self.geometry.level; })
      .def_prop_ro(
          "extent_px",
          [](const PatchPlan& self) {
            return std::pair(self.geometry.extent_x_px, self.geometry.extent_y_px);
          },
          "Width and height of a patch in level-0 px.")
      .def_prop_ro("effective_mpp",
                   [](const PatchPlan& self) { return self.geometry.effective_mpp; })
      .def_prop_ro(
          "classes", [](const PatchPlan& self) { return self.classes.names; },
          "What the labels mean, in the order of the columns of scores.")
      .def_ro("mpp_source", &PatchPlan::mpp_source)
      .def_ro("stride_px", &PatchPlan::stride_px)
      .def_ro("warnings", &PatchPlan::warnings)
      .def_prop_ro(
          "left_out",
          [](const PatchPlan& self) {
            std::vector<std::tuple<int64_t, int64_t, std::string>> left_out;
            for (const patch::LeftOut& each : self.left_out) {
              left_out.emplace_back(each.at.x_px, each.at.y_px, each.cause);
            }
            return left_out;
          },
          "Of features: (x_px, y_px, cause) of patches that could not be read; the cause is \"\" "
          "in a plan from a file.")
      .def_prop_ro("x_px", column(&PatchRow::x_px), "Left edges, level-0 px.")
      .def_prop_ro("y_px", column(&PatchRow::y_px), "Top edges, level-0 px.")
      .def_prop_ro("label", column(&PatchRow::label), "Index into classes, -1: none.")
      .def_prop_ro("tissue_fraction", column(&PatchRow::tissue_fraction))
      .def_prop_ro("inside_fraction", column(&PatchRow::inside_fraction))
      .def("__arrow_c_stream__", plan_stream, nb::arg("requested_schema") = nb::none(),
           "The rows as a table of Arrow, e.g. for pyarrow.table(plan).")
      .def("select", select, nb::arg("rows"), "The plan of these rows (int64), in their order.")
      .def("tile_order", tile_order, nb::arg("slide"),
           "The order of rows in which few stored tiles are alive at once, uint32.")
      .def(
          "save",
          [](const PatchPlan& self, const std::filesystem::path& path) {
            storage::write_plan(self, "", path.string());
          },
          nb::arg("path"), "As lamella plan --out.")
      .def_static(
          "load",
          [](const std::filesystem::path& path) { return storage::read_plan(path.string()); },
          nb::arg("path"))
      .def(
          "to_bytes", [](const PatchPlan& self) { return bytes_of(storage::plan_to_bytes(self)); },
          "The bytes of the plan file.")
      .def_static(
          "from_bytes",
          [](const nb::bytes& bytes) { return storage::plan_from_bytes(text_of(bytes)); },
          nb::arg("bytes"))
      .def("__getstate__",
           [](const PatchPlan& self) { return bytes_of(storage::plan_to_bytes(self)); })
      .def("__setstate__", [](PatchPlan& self, const nb::bytes& bytes) {
        new (&self) PatchPlan(storage::plan_from_bytes(text_of(bytes)));
      });
}

}  // namespace

std::vector<ArrowColumn> plan_columns(const PatchPlan& plan) {
  return {arrow_member(plan, "x_px", &PatchRow::x_px), arrow_member(plan, "y_px", &PatchRow::y_px),
          arrow_member(plan, "label", &PatchRow::label),
          arrow_member(plan, "tissue_fraction", &PatchRow::tissue_fraction),
          arrow_member(plan, "inside_fraction", &PatchRow::inside_fraction)};
}

void bind_plan(nb::module_& module) {
  bind_plan_class(module);
  const OptionList& list = verbs::PlanSlideOptions::table().list();
  const std::string signature =
      "def plan(slide: Slide | str | os.PathLike, *, "
      "centers: collections.abc.Sequence[tuple[str | os.PathLike, str]] = (), "
      "annotations: collections.abc.Sequence[str | os.PathLike] = ()" +
      keywords_of(list) +
      ", slide_id: str | None = None, slide_mpp: float | None = None, threads: int | None = None, "
      "progress: object = None) -> Plan";
  const std::string text =
      "Chooses where patches are cut from a slide (a Slide or a path): a grid over the tissue, or "
      "centers [(file, class)], or annotations and groups [\"GROUP:CLASS\"] of theirs; classes "
      "names all of them, in the order of the columns of scores." +
      docs_of(list);
  module.def(
      "plan",
      [](nb::object slide, const Centres& centers, const Paths& annotations,
         std::optional<std::string> slide_id, std::optional<double> slide_mpp,
         std::optional<int> threads, nb::object progress, nb::kwargs given) {
        const verbs::PlanSlideOptions options = plan_options(centers, annotations, given);
        return plan_verb(slide, options, slide_id, slide_mpp, Call(threads, std::move(progress)));
      },
      nb::arg("slide"), nb::kw_only(), nb::arg("centers") = Centres{},
      nb::arg("annotations") = Paths{}, nb::arg("slide_id") = nb::none(),
      nb::arg("slide_mpp") = nb::none(), nb::arg("threads") = nb::none(),
      nb::arg("progress") = nb::none(), nb::arg("options"), nb::sig(signature.c_str()),
      text.c_str());
  module.def(
      "check_plan_options",
      [](const Centres& centers, const Paths& annotations, nb::kwargs given) {
        plan_options(centers, annotations, given).validate();
      },
      nb::kw_only(), nb::arg("centers") = Centres{}, nb::arg("annotations") = Paths{},
      nb::arg("options"),
      nb::sig("def check_plan_options(*, "
              "centers: collections.abc.Sequence[tuple[str | os.PathLike, str]] = (), "
              "annotations: collections.abc.Sequence[str | os.PathLike] = (), **options: object) "
              "-> None"),
      "The errors of plan's options, before any slide is looked for.");
}

}  // namespace lamella::python
