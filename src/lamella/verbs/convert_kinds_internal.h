// SPDX-License-Identifier: Apache-2.0
// What convert can be given, a function each.
#pragma once

#include <memory>
#include <string>

#include "lamella/slide/slide.h"
#include "lamella/verbs/convert.h"

namespace lamella::verbs {

struct ConvertJob {
  std::string in, out;
  std::shared_ptr<const slide::Slide> slide;  // null if none was named
  ConvertOptions options;
};

bool is_scores(const std::string& path);
Converted convert_annotations(const ConvertJob& job, const Context& context);
Converted convert_scores(const ConvertJob& job, const Context& context);
// The slide is `in`.
Converted convert_slide(const ConvertJob& job, const Context& context);

// An OME-XML of one image; Type of pixels as OME names them ("float", "uint8").
struct OmeImage {
  std::string name, type;
  SizePx size_px;
  int channels = 1;
  std::string channel_name = {};
  std::optional<Mpp> mpp = {};
  std::vector<std::pair<std::string, SizePx>> pictures = {};  // RGB pages that follow
};
std::string ome_xml(const OmeImage& image);

}  // namespace lamella::verbs
