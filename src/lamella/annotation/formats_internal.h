// SPDX-License-Identifier: Apache-2.0
// The formats of annotations: one file and one line of the table each.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lamella/annotation/annotation.h"

namespace lamella::annotation {

struct AnnotationFormat {
  std::string_view name;
  bool (*detect)(std::string_view text);  // cheap; a damaged file of the format is still its own
  AnnotationSet (*read)(std::string_view text, const std::string& path);
};

std::span<const AnnotationFormat> annotation_formats();

// Name of the first element of an XML text, "" if it begins with none.
std::string_view xml_root(std::string_view text);
// '{' or '[' of a JSON text, '\0' if it begins otherwise.
char json_bracket(std::string_view text);

}  // namespace lamella::annotation
