// SPDX-License-Identifier: Apache-2.0
// What pathologists drew, in level-0 px. Plain data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/io/text_file.h"

namespace lamella::annotation {

struct SlideFrame;  // outline_bounds.h

struct Polygon {
  std::string name;
  std::string group;         // "" when ungrouped
  std::vector<PointF> ring;  // level-0 px, in drawing order, not closed, at least 3 points
  std::vector<std::vector<PointF>> holes = {};  // rings cut out of it
};

struct AnnotationSet {
  std::string path;  // where it was read from
  std::vector<Polygon> polygons;
  std::vector<std::string> groups;  // declared or used, in order of appearance, each once
  std::vector<std::string> notes;   // what was adapted or left out, for the record
};

// Outlines of a file of any format (formats.h), told apart by content: what has no area is left out
// (noted), an annotation of several parts is a polygon for each, and the curves of splines and
// ellipses are straight lines (noted). `frame` is the slide's, for formats that count from its
// centre. Errors kNotFound, kIo; kFormat with the place, what was found and what was expected;
// kInvalidArgument: the format needs the slide.
AnnotationSet read_annotations(const std::string& path, const SlideFrame* frame = nullptr);
// The same of text in memory, of the format of that name or told by content; `path` is what errors
// name.
AnnotationSet parse_annotations(std::string_view text, const std::string& path,
                                const std::string& format = {}, const SlideFrame* frame = nullptr);

// Polygons and groups in the format of that name, e.g. "asap". Error kIo; those of its writer.
// Gives what the format cannot say.
std::vector<std::string> write_annotations(const AnnotationSet& set, const std::string& format,
                                           const std::string& path);

// One row of NCRF's centre list.
struct Centre {
  std::string slide_id;  // as given in the file
  double x_px = 0;       // level-0 px
  double y_px = 0;
  int line = 0;
};

// "slide,x,y" lines, parted by commas, semicolons or tabs, without a header; or with one that names
// the columns, in any order and among others (left out, and noted). "." is the decimal point
// whatever the locale, and a comma where no comma parts the fields.
// Error kFormat with file, line, column, found and expected.
std::vector<Centre> read_ncrf_centres(const std::string& path, io::Notes notes = nullptr);

// The centres whose slide id equals `slide_id` without regard to case.
std::vector<Centre> centres_of(const std::vector<Centre>& centres, const std::string& slide_id);

}  // namespace lamella::annotation
