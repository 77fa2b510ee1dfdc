// SPDX-License-Identifier: Apache-2.0
// From one format of annotations to another, a shape at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lamella/annotation/formats.h"
#include "lamella/base/context.h"

namespace lamella::annotation {

struct ConvertShapesOptions {
  std::string from = {};         // a format's name; "": told by content
  std::string to = {};           // a format's name; "": told by the name of the output
  bool refuse_crossing = false;  // rings that cross themselves are an error, not repaired
};

struct ConvertedShapes {
  std::string from, to;  // titles of the formats
  int64_t annotations = 0, outlines = 0, holes = 0, lines = 0, points = 0;
  double area_px = 0;              // of all outlines less their holes, level-0 px²
  std::vector<std::string> notes;  // what was adapted, left out, or cannot be said
};

// The format that `path` is to be written in. Error kInvalidArgument: neither `to` nor the name
// says it, with the formats that it may be.
const AnnotationFormat& target_format(const std::string& to, const std::string& path);

// Areas are written valid and right-handed (repair.h), all else as it is; memory does not grow with
// the file. With a frame, outlines must lie on the slide (check_bounds).
// Errors: those of the reader and the writer; kMismatch: the outlines lie elsewhere;
// kFormat: a ring that crosses itself where that is refused. No output is left then.
ConvertedShapes convert_shapes(const std::string& in, const std::string& out,
                               const ConvertShapesOptions& options, const SlideFrame* frame,
                               const Context& context);

}  // namespace lamella::annotation
