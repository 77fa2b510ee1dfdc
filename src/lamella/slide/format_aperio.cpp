// SPDX-License-Identifier: Apache-2.0
// Aperio SVS: a TIFF whose tiled directories are the levels; the second directory, stored in
// strips, is the thumbnail; label and macro are named in the second line of their description.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/slide/formats_internal.h"
#include "lamella/slide/tiff_layout_internal.h"
#include "lamella/slide/tiff_slide_internal.h"

namespace lamella::slide {

namespace {

bool detect(const Candidate& candidate) {
  if (!candidate.tiff) return false;
  const TiffDirectory& first = candidate.tiff->directories.front();
  return first.problem.empty() && first.tiled && first.description.starts_with("Aperio");
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

// Channels of fluorescence are tiled pages of one size; each for itself would pass as grey.
void require_one_picture(const TiffFile& tiff, const std::string& path) {
  const SizePx& full = tiff.directories.front().size_px;
  const auto as_large = std::ranges::count_if(tiff.directories, [&](const TiffDirectory& each) {
    return each.problem.empty() && !each.parent && each.tiled && each.size_px == full;
  });
  if (as_large <= 1) return;
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("holds {} pictures of {} x {} px, as channels of fluorescence are stored; "
                  "expected one brightfield picture",
                  as_large, full.width, full.height),
      path);
}

TiffParts find_parts(const TiffFile& tiff) {
  TiffParts parts;
  parts.renders_holes = true;
  parts.levels = {{{0}}};
  for (size_t i = 1; i < tiff.directories.size(); ++i) {
    const TiffDirectory& directory = tiff.directories[i];
    if (!directory.problem.empty() || directory.parent) continue;
    if (directory.tiled) {
      TiffLevel next{{i}};
      if (can_follow(tiff, parts.levels.front(), parts.levels.back(), next)) {
        parts.levels.push_back(std::move(next));
      }
      continue;
    }
    std::string name = name_in_description(directory.description);
    if (name.empty() && i == 1) name = "thumbnail";
    if (!name.empty()) parts.associated.emplace(name, i);
  }
  return parts;
}

std::optional<double> number(const SlideInfo& info, const char* name) {
  const auto found = info.properties.find(name);
  return found == info.properties.end() ? std::nullopt : parse_double(found->second);
}

std::shared_ptr<const Slide> open(const Candidate& candidate) {
  const TiffFile& tiff = *candidate.tiff;
  const TiffDirectory& first = tiff.directories.front();
  require_one_picture(tiff, candidate.path());
  TiffParts parts = find_parts(tiff);
  SlideInfo info;
  info.path = candidate.path();
  info.format = "aperio";
  info.layout = "Aperio";
  info.images = {{"slide", first.size_px, static_cast<int>(parts.levels.size())}};
  if (!candidate.image.empty() && candidate.image != "0" && candidate.image != "slide") {
    throw Error(ErrorCode::kNotFound,
                fmt::format("image '{}' was asked for; an Aperio slide holds one, 0 'slide'",
                            candidate.image),
                info.path);
  }
  if (std::string note = problem_note(tiff); !note.empty()) info.warnings.push_back(note);
  add_properties(first.description, info);
  std::optional<Mpp> vendor;
  if (const auto mpp = number(info, "aperio.MPP")) vendor = Mpp{*mpp, *mpp};
  if (const auto power = number(info, "aperio.AppMag"); power && *power > 0) {
    info.objective_power = power;
  }
  settle_mpp(info, {candidate.mpp, vendor, mpp_from_resolution(first)});
  return make_tiff_slide(candidate, std::move(parts), std::move(info));
}

}  // namespace

extern const Format kAperioFormat;
const Format kAperioFormat = {"Aperio", ".svs", &detect, &open};

}  // namespace lamella::slide
