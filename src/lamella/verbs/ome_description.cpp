// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/verbs/convert_kinds_internal.h"

namespace lamella::verbs {

namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&' || c == '<' || c == '>' || c == '"') {
      out += fmt::format("&#{};", static_cast<int>(c));
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    }
  }
  return out;
}

std::string image_xml(size_t number, const OmeImage& image) {
  std::string text = fmt::format(
      R"(<Image ID="Image:{0}" Name="{1}"><Pixels ID="Pixels:{0}" DimensionOrder="XYCZT" Type="{2}" )"
      R"(SizeX="{3}" SizeY="{4}" SizeZ="1" SizeC="{5}" SizeT="1")",
      number, escaped(image.name), image.type, image.size_px.width, image.size_px.height,
      image.channels);
  if (image.mpp) {
    text += fmt::format(
        R"( PhysicalSizeX="{}" PhysicalSizeXUnit="µm" PhysicalSizeY="{}" PhysicalSizeYUnit="µm")",
        image.mpp->x, image.mpp->y);
  }
  text +=
      fmt::format(R"(><Channel ID="Channel:{}:0" SamplesPerPixel="{}")", number, image.channels);
  if (!image.channel_name.empty()) text += " Name=\"" + escaped(image.channel_name) + "\"";
  return text + fmt::format(R"(/><TiffData IFD="{}" PlaneCount="1"/></Pixels></Image>)", number);
}

}  // namespace

std::string ome_xml(const OmeImage& image) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
      "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" Creator=\"lamella\">";
  text += image_xml(0, image);
  for (size_t i = 0; i < image.pictures.size(); ++i) {
    text += image_xml(i + 1, {.name = image.pictures[i].first,
                              .type = "uint8",
                              .size_px = image.pictures[i].second,
                              .channels = 3});
  }
  return text + "</OME>";
}

}  // namespace lamella::verbs
