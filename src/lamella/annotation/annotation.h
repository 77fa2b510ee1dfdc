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
  std::string group;           // "" when ungrouped
  std::vector<PointF> ring;    // level-0 px, in drawing order, not closed, at least 3 points
};

struct AnnotationSet {
  std::string path;                 // where it was read from
  std::vector<Polygon> polygons;
  std::vector<std::string> groups;  // declared or used, in order of appearance, each once
  std::vector<std::string> notes;   // what was adapted or left out, for the record
};

// ASAP XML (formats: Polygon, Spline (its control points are joined by straight lines; noted),
// Rectangle; Dot, PointSet and Measurement carry no area and are noted). Points are sorted by
// Order. Error kFormat with file, line and column on malformed XML, a missing or non-numeric
// coordinate, or fewer than three points.
AnnotationSet read_asap_xml(const std::string& path);
AnnotationSet parse_asap_xml(std::string_view text, const std::string& path);

void write_asap_xml(const AnnotationSet& set, const std::string& path);

// One row of NCRF's centre list.
struct Centre {
  std::string slide_id;  // as given in the file
  double x_px = 0;       // level-0 px
  double y_px = 0;
  int line = 0;
};

// "slide,x,y" lines without header; a header line is recognised and skipped.
// Error kFormat with file, line, column, found and expected.
std::vector<Centre> read_ncrf_centres(const std::string& path);

// The centres whose slide id equals `slide_id` without regard to case.
std::vector<Centre> centres_of(const std::vector<Centre>& centres, const std::string& slide_id);

}  // namespace lamella::annotation
