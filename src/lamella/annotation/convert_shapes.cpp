// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/convert_shapes.h"

#include <fmt/format.h>

#include <optional>

#include "lamella/annotation/left_out_internal.h"
#include "lamella/annotation/repair.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::annotation {

namespace {

// Repairs what it is given, counts it and passes it on.
class Pipe final : public ShapeSink {
 public:
  Pipe(const io::TextStream& text, ShapeWriter& writer, const ConvertShapesOptions& options,
       const SlideFrame* frame, const Context& context)
      : text_(text), writer_(writer), options_(options), context_(context), repair_(text.path()) {
    if (frame) bounds_.emplace(*frame);
  }

  void declare(const ShapeGroup& group) override { writer_.declare(group); }

  void take(Shape&& shape) override {
    constexpr int64_t kTold = 10'000;
    if (counts.annotations % kTold == 0) {
      context_.cancel.check();
      context_.report("convert " + text_.path(), text_.read(), text_.size(), "bytes");
    }
    if (shape.kind == ShapeKind::kAreas && !repair(shape)) return;
    ++counts.annotations;
    for (const Area& area : shape.areas) {
      ++counts.outlines;
      counts.holes += static_cast<int64_t>(area.holes.size());
      counts.area_px += area_of(area);
      if (bounds_) bounds_->add(area.ring);
    }
    counts.lines += static_cast<int64_t>(shape.lines.size());
    counts.points += static_cast<int64_t>(shape.points.size());
    writer_.take(std::move(shape));
  }

  // What was adapted on the way.
  void finish() {
    adapted_.note(counts.notes);
    if (!bounds_) return;
    for (std::string& warning : bounds_->finish(text_.path())) {
      counts.notes.push_back(std::move(warning));
    }
  }

  ConvertedShapes counts;

 private:
  bool repair(Shape& shape) {
    std::vector<Area> areas;
    for (Area& area : shape.areas) {
      AreaRepair::Outcome outcome = repair_.repair(std::move(area));
      if (outcome.repeated) {
        adapted_.add("has points that stand twice in a row: dropped",
                     "have points that stand twice in a row: dropped", shape.label());
      }
      if (outcome.crossed) {
        if (options_.refuse_crossing) {
          throw Error(ErrorCode::kFormat,
                      fmt::format("annotation '{}' ({}): found a ring that crosses itself or a "
                                  "hole that leaves its outline, expected none (`crossing` is "
                                  "refuse)",
                                  shape.label(), shape.place),
                      text_.path());
        }
        adapted_.add("has rings that cross: parted where they do",
                     "have rings that cross: parted where they do", shape.label());
        shape.ellipse = shape.rectangle = false;
      }
      if (outcome.areas.empty()) adapted_.add_without_area(shape.label());
      std::move(outcome.areas.begin(), outcome.areas.end(), std::back_inserter(areas));
    }
    shape.areas = std::move(areas);
    return !shape.areas.empty();
  }

  const io::TextStream& text_;
  ShapeWriter& writer_;
  const ConvertShapesOptions& options_;
  const Context& context_;
  AreaRepair repair_;
  LeftOut adapted_;
  std::optional<BoundsCheck> bounds_;
};

}  // namespace

const AnnotationFormat& target_format(const std::string& to, const std::string& path) {
  if (!to.empty()) return annotation_format(to);
  if (const AnnotationFormat* format = format_of_name(path)) return *format;
  std::vector<std::string> names;
  for (const AnnotationFormat& format : annotation_formats()) names.emplace_back(format.name);
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("the name says no format of its own; give `to`, one of {}", join(names, ", ")),
      path);
}

ConvertedShapes convert_shapes(const std::string& in, const std::string& out,
                               const ConvertShapesOptions& options, const SlideFrame* frame,
                               const Context& context) {
  std::vector<std::string> notes, losses;
  io::TextStream text(in, &notes);
  const AnnotationFormat& from =
      options.from.empty() ? require_format(text) : annotation_format(options.from);
  const AnnotationFormat& to = target_format(options.to, out);
  const auto writer = to.write(out, {.frame = frame, .notes = &losses});
  Pipe pipe(text, *writer, options, frame, context);
  from.read(text, {.frame = frame, .notes = &notes}, pipe);
  pipe.finish();
  writer->finish();
  ConvertedShapes& counts = pipe.counts;
  if (counts.annotations == 0) notes.push_back("holds no annotation");
  counts.from = from.title;
  counts.to = to.title;
  counts.notes.insert(counts.notes.begin(), notes.begin(), notes.end());
  counts.notes.insert(counts.notes.end(), losses.begin(), losses.end());
  return std::move(counts);
}

}  // namespace lamella::annotation
