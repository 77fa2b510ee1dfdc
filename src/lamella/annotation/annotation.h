// SPDX-License-Identifier: Apache-2.0
// What pathologists drew, in level-0 px. Plain data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/io/text_file.h"

namespace lamella::annotation {

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

// ASAP XML. Type Polygon and Rectangle; Spline: its control points are joined by straight lines
// (noted); Dot, PointSet, Measurement, None and outlines of fewer than three points carry no area
// and are left out (noted). Points are sorted by Order; a closing point equal to the first is
// dropped. A group that is used but not declared is taken and noted.
// Error kFormat with file, line, column, found and expected: malformed XML, another root element,
// an unknown Type, a missing, non-numeric or absurd (beyond 1e9 px) coordinate.
AnnotationSet parse_asap_xml(std::string_view text, const std::string& path);

// NCRF's JSON: {"positive": [{"name", "vertices": [[x, y], ...]}], "negative": [...]}; the groups
// are "positive" and "negative". Outlines of fewer than three points are left out (noted). Error
// kFormat as above, with the place in the document.
AnnotationSet parse_ncrf_json(std::string_view text, const std::string& path);

// GeoJSON as QuPath exports it, level-0 px: a FeatureCollection, a list of features, or one. The
// group is the classification (its name; the names of a derived class joined by ": "), "" where
// there is none. Polygon and MultiPolygon (a polygon for each part), with their holes; what has no
// area is left out (noted). Error kFormat as above.
AnnotationSet parse_geojson(std::string_view text, const std::string& path);

// Any of them, told apart by content. kNotFound, kIo from reading the file; kFormat: none of them.
AnnotationSet read_annotations(const std::string& path);

// Polygons and groups as ASAP reads them (every group used is declared). Error kIo;
// kInvalidArgument: a polygon has a hole, which ASAP XML cannot say.
void write_asap_xml(const AnnotationSet& set, const std::string& path);

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
