// SPDX-License-Identifier: Apache-2.0
// Aperio SVS: a TIFF whose tiled directories are the levels; the second directory, stored in
// strips, is the thumbnail; label and macro are named in the second line of their description.
#include <string>

#include "lamella/base/text.h"
#include "lamella/slide/formats_internal.h"
#include "lamella/slide/tiff_slide_internal.h"

namespace lamella::slide {

namespace {

bool detect(const Candidate& candidate) {
  if (!candidate.tiff) return false;
  const TiffDirectory& first = candidate.tiff->directories.front();
  return first.tiled && first.description.starts_with("Aperio");
}

// "label" of "Aperio Image Library v11.2.1 \nlabel 387x463".
std::string name_in_description(const std::string& description) {
  const size_t line = description.find('\n');
  if (line == std::string::npos) return {};
  const std::string_view second = trim(std::string_view(description).substr(line + 1));
  const std::string word = to_lower(second.substr(0, second.find_first_of(" \t\r\n|")));
  return word == "label" || word == "macro" ? word : std::string();
}

// "Header|Key = value|Key = value".
void add_properties(const std::string& description, SlideInfo& info) {
  info.properties["tiff.ImageDescription"] = description;
  size_t start = description.find('|');
  while (start != std::string::npos) {
    const size_t end = description.find('|', start + 1);
    const std::string_view pair =
        std::string_view(description)
            .substr(start + 1, end == std::string::npos ? end : end - start - 1);
    if (const size_t equals = pair.find('='); equals != pair.npos) {
      const std::string key(trim(pair.substr(0, equals)));
      if (!key.empty()) info.properties["aperio." + key] = trim(pair.substr(equals + 1));
    }
    start = end;
  }
}

std::shared_ptr<const Slide> open(const Candidate& candidate) {
  const TiffFile& tiff = *candidate.tiff;
  TiffLayout layout;
  layout.levels = pyramid_levels(tiff);
  for (size_t i = 1; i < tiff.directories.size(); ++i) {
    const TiffDirectory& directory = tiff.directories[i];
    if (directory.tiled) continue;
    std::string name = name_in_description(directory.description);
    if (name.empty() && i == 1) name = "thumbnail";
    if (!name.empty()) layout.associated.emplace(name, i);
  }
  SlideInfo info;
  info.format = "aperio";
  add_properties(tiff.directories.front().description, info);
  std::optional<Mpp> vendor;
  if (const auto found = info.properties.find("aperio.MPP"); found != info.properties.end()) {
    if (const auto mpp = parse_double(found->second)) vendor = Mpp{*mpp, *mpp};
  }
  settle_mpp(info, candidate.mpp, vendor, mpp_from_resolution(tiff.directories.front()));
  return make_tiff_slide(candidate, std::move(layout), std::move(info));
}

}  // namespace

const Format kAperioFormat = {"aperio", &detect, &open};

}  // namespace lamella::slide
