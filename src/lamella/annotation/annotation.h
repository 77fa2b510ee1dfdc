// SPDX-License-Identifier: Apache-2.0
// What pathologists drew, in level-0 px. Plain data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::annotation {

struct Polygon {
  std::string name;
  std::string group;         // "" when ungrouped
  std::vector<PointF> ring;  // level-0 px, in drawing order, not closed, at least 3 points
};

struct AnnotationSet {
  std::string path;  // where it was read from
  std::vector<Polygon> polygons;
  std::vector<std::string> groups;  // declared or used, in order of appearance, each once
  std::vector<std::string> notes;   // what was adapted or left out, for the record
};

// ASAP XML. Type Polygon and Rectangle; Spline: its control points are joined by straight lines
// (noted); Dot, PointSet, Measurement and None carry no area and are left out (noted). Points are
// sorted by Order; a closing point equal to the first is dropped. A group that is used but not
// declared is taken and noted.
// Error kFormat with file, line, column, found and expected: malformed XML, another root element,
// an unknown Type, a missing, non-numeric or absurd (beyond 1e9 px) coordinate, fewer than three
// points.
AnnotationSet parse_asap_xml(std::string_view text, const std::string& path);

// NCRF's JSON: {"positive": [{"name", "vertices": [[x, y], ...]}], "negative": [...]}; the groups
// are "positive" and "negative". Error kFormat as above, with the place in the document.
AnnotationSet parse_ncrf_json(std::string_view text, const std::string& path);

// Either of them, told apart by the first character. kNotFound, kIo from reading the file.
AnnotationSet read_annotations(const std::string& path);

// Polygons and groups as ASAP reads them (every group used is declared). Error kIo.
void write_asap_xml(const AnnotationSet& set, const std::string& path);

// One row of NCRF's centre list.
struct Centre {
  std::string slide_id;  // as given in the file
  double x_px = 0;       // level-0 px
  double y_px = 0;
  int line = 0;
};

// "slide,x,y" lines without header; a header line (its second and third field are words with an x
// and a y) is recognised and skipped. "." is the decimal point whatever the locale.
// Error kFormat with file, line, column, found and expected.
std::vector<Centre> read_ncrf_centres(const std::string& path);

// The centres whose slide id equals `slide_id` without regard to case.
std::vector<Centre> centres_of(const std::vector<Centre>& centres, const std::string& slide_id);

}  // namespace lamella::annotation
