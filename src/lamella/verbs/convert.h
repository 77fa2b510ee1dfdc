// SPDX-License-Identifier: Apache-2.0
// The verb convert: what one program wrote, as another reads it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/slide/open_options.h"

namespace lamella::verbs {

struct ConvertOptions {
  std::string from;  // "": told by content
  std::string to;    // "": told by the name of the output
  std::string crossing = "repair";
  std::string scores_as = "tiles";  // or outlines, detections
  double threshold = 0.5;           // of outlines and detections
  std::string shown_class;          // of outlines, detections and heat-maps; "": the last
  bool keep_pictures = false;       // label, macro and thumbnail of a slide
  int jpeg_quality = 90;            // of what is encoded anew
  static const OptionTable<ConvertOptions>& table();
};

struct Converted {
  std::string in, out;
  std::string from, to;  // what they are: "ASAP XML"
  // What was written: {"annotations", 12}, {"holes", 3} ...
  std::vector<std::pair<std::string, double>> counts;
  std::vector<std::string> warnings;
};

// Annotations to another format (annotation::convert_shapes); scores to tiles, outlines or
// detections in such a format, to WSInfer's folder (`to` wsinfer) or to a heat-map (a name that
// ends in .tif or .tiff); a slide to a TIFF, or OME-TIFF (.ome.tif, .ome.tiff), whose JPEG tiles
// are copied as they are stored. `slide`, "" if none is given: what the positions belong to.
// Errors: those of annotation::convert_shapes, kMismatch: scores of another slide; kUnsupported.
// Warnings are in the result, and not said.
Converted convert(const std::string& in, const std::string& out, const std::string& slide,
                  const slide::OpenOptions& open, const ConvertOptions& options,
                  const Context& context);

// Where each input goes: to `out`, or, of several or where `out` is a folder (or ends with /), into
// it, named as the input with the extension of `to`. Error kInvalidArgument: two of one name;
// several into one file; an input that is its own output.
std::vector<std::string> outputs_of(const std::vector<std::string>& inputs, const std::string& out,
                                    const ConvertOptions& options);

}  // namespace lamella::verbs
