// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <set>

#include "lamella/base/text.h"
#include "lamella/slide/ome_xml_internal.h"
#include "lamella/slide/tiff_pictures_internal.h"

namespace lamella::slide {

namespace {

bool is_page(const TiffFile& file, size_t index) {
  const TiffDirectory& facts = file.directories[index];
  const bool mask = (facts.subfile_type & FILETYPE_MASK) != 0;
  return !facts.parent && facts.problem.empty() && !mask;
}

bool is_grey(const TiffDirectory& facts) {
  return facts.samples == 1 && facts.photometric != PHOTOMETRIC_PALETTE;
}

std::vector<size_t> sub_directories(const TiffFile& file, size_t page) {
  std::vector<size_t> found;
  for (size_t i = 0; i < file.directories.size(); ++i) {
    const TiffDirectory& facts = file.directories[i];
    if (facts.parent == page && facts.problem.empty()) found.push_back(i);
  }
  std::ranges::stable_sort(found, std::greater(), [&](size_t i) {
    return file.directories[i].size_px.width * file.directories[i].size_px.height;
  });
  return found;
}

// A picture of one page or three, with its SubIFDs as levels.
TiffImage make_picture(const TiffFile& file, std::vector<size_t> pages) {
  TiffImage picture;
  picture.page = pages.front();
  picture.reduced = (file.directories[picture.page].subfile_type & FILETYPE_REDUCEDIMAGE) != 0;
  std::vector<std::vector<size_t>> subs;
  for (const size_t page : pages) subs.push_back(sub_directories(file, page));
  picture.levels.push_back({std::move(pages)});
  for (size_t k = 0; k < subs.front().size(); ++k) {
    TiffLevel next;
    for (const auto& sub : subs) {
      if (sub.size() == subs.front().size()) next.directories.push_back(sub[k]);
    }
    const bool complete = next.directories.size() == subs.size();
    if (complete && can_follow(file, picture.levels.front(), picture.levels.back(), next)) {
      picture.levels.push_back(std::move(next));
    }
  }
  return picture;
}

void name_pages(const TiffFile& file, std::vector<TiffImage>& pictures) {
  for (TiffImage& picture : pictures) {
    if (!picture.name.empty()) continue;
    picture.name = associated_name(file.directories[picture.page].description);
    if (picture.name.empty()) picture.name = fmt::format("page {}", picture.page);
  }
}

enum class Colours { kNone, kByName, kByColour };

// Whether three channels are called red, green and blue, or coloured so and called nothing else, or
// nothing is said of any.
Colours red_green_blue(const std::vector<OmeChannel>& channels) {
  constexpr std::array<std::string_view, 3> kNames = {"red", "green", "blue"};
  constexpr std::array<uint32_t, 3> kColours = {0xff0000ff, 0x00ff00ff, 0x0000ffff};
  if (channels.size() != 3) return Colours::kNone;
  const auto silent = [](const OmeChannel& each) { return each.name.empty() && !each.colour; };
  const bool uncoloured = std::ranges::all_of(channels, silent);
  bool named = true, coloured = true;
  for (size_t c = 0; c < 3; ++c) {
    const std::string name = to_lower(channels[c].name);
    named = named && (name == kNames[c] || name == kNames[c].substr(0, 1));
    coloured = coloured && name.empty() && !channels[c].fluorescent &&
               (uncoloured || channels[c].colour == kColours[c]);
  }
  return named ? Colours::kByName : coloured ? Colours::kByColour : Colours::kNone;
}

std::string channel_names(const std::vector<OmeChannel>& channels) {
  std::vector<std::string> names;
  for (const OmeChannel& channel : channels) {
    if (!channel.name.empty() && names.size() < 8) names.push_back(channel.name);
  }
  return names.empty() ? std::string() : " (" + join(names, ", ") + ")";
}

std::string channels_refusal(size_t count, const std::string& names) {
  return fmt::format(
      "{} channels{} stored as pages of their own, as fluorescence is; expected one brightfield "
      "picture in RGB",
      count, names);
}

std::string planes_refusal(int64_t focal_planes, int64_t time_points) {
  return fmt::format("{} focal planes and {} time points; expected one picture", focal_planes,
                     time_points);
}

bool same_sizes(const TiffFile& file, const std::vector<size_t>& pages) {
  return std::ranges::all_of(pages, [&](size_t page) {
    const TiffDirectory &facts = file.directories[page], &first = file.directories[pages.front()];
    return facts.size_px == first.size_px && facts.tile_px == first.tile_px && is_grey(facts);
  });
}

// Three grey pages as one picture, unless `by_name` is false and it is dark as fluorescence is.
TiffImage merge(const TiffFile& file, const std::vector<size_t>& pages, bool by_name,
                const std::string& names) {
  if (!same_sizes(file, pages)) {
    TiffImage picture = make_picture(file, {pages.front()});
    picture.refusal = channels_refusal(pages.size(), names);
    return picture;
  }
  TiffImage picture = make_picture(file, pages);
  const bool decodable = unsupported_reason(file.directories[pages.front()]).empty();
  if (!by_name && decodable && !is_bright(file, picture.levels.back())) {
    picture.refusal = channels_refusal(pages.size(), names);
  }
  return picture;
}

// The picture of one <Image>; nullopt if its pages are not in the file.
std::optional<TiffImage> ome_picture(const TiffFile& file, const OmeImage& ome) {
  std::vector<size_t> pages;
  for (const auto& page : ome.pages) {
    if (page && *page < file.directories.size() && is_page(file, *page)) pages.push_back(*page);
  }
  if (pages.empty()) return std::nullopt;
  const std::string names = channel_names(ome.channels);
  const Colours colours = red_green_blue(ome.channels);
  const bool channels = ome.pages.size() > 1;
  const bool rgb = pages.size() == 3 && colours != Colours::kNone;
  TiffImage picture = rgb ? merge(file, pages, colours == Colours::kByName, names)
                          : make_picture(file, {pages.front()});
  if (channels && !rgb) picture.refusal = channels_refusal(ome.pages.size(), names);
  if (ome.focal_planes > 1 || ome.time_points > 1) {
    picture.refusal = planes_refusal(ome.focal_planes, ome.time_points);
  }
  picture.name = ome.name;
  picture.mpp = ome.mpp;
  picture.objective_power = ome.objective_power;
  return picture;
}

// All pages that a picture takes, also those of further planes that it refuses.
void claim(const TiffImage& picture, const OmeImage& ome, std::set<size_t>& claimed) {
  for (const size_t page : picture.levels.front().directories) claimed.insert(page);
  for (const auto& page : ome.pages) {
    if (page) claimed.insert(*page);
  }
  if (ome.focal_planes <= 1 && ome.time_points <= 1) return;
  const auto planes = static_cast<int64_t>(ome.pages.size());
  const int64_t most =
      std::min<int64_t>(ome.focal_planes, 4096) * std::min<int64_t>(ome.time_points, 4096) * planes;
  for (int64_t i = 0; i < std::min<int64_t>(most, 4096); ++i) {
    claimed.insert(picture.page + static_cast<size_t>(i));
  }
}

TiffPictures by_ome(const TiffFile& file) {
  TiffPictures found{"OME-TIFF", {}, {}};
  std::set<size_t> claimed;
  const std::string& text = file.directories.front().description;
  for (const OmeImage& ome : read_ome_xml(text, file.directories.size())) {
    if (!ome.other_file.empty()) {
      found.warnings.push_back(fmt::format("image '{}' of the OME-XML lies in another file ({})",
                                           ome.name, ome.other_file));
      continue;
    }
    auto picture = ome_picture(file, ome);
    if (!picture || claimed.contains(picture->page)) continue;
    claim(*picture, ome, claimed);
    const SizePx& size = file.directories[picture->page].size_px;
    if (ome.size_px != size) {
      found.warnings.push_back(
          fmt::format("image '{}' is {} x {} px by its OME-XML and {} x {} px by its TIFF "
                      "directory, which is taken",
                      ome.name, ome.size_px.width, ome.size_px.height, size.width, size.height));
    }
    found.pictures.push_back(std::move(*picture));
  }
  if (found.pictures.empty()) {
    found.warnings.push_back("its OME-XML names no image of this file and is left out");
  }
  for (size_t i = 0; i < file.directories.size(); ++i) {
    if (is_page(file, i) && !claimed.contains(i)) {
      found.pictures.push_back(make_picture(file, {i}));
    }
  }
  return found;
}

// The value of "key=value" on a line of ImageJ's description, or "".
std::string imagej_value(const std::string& text, const std::string& key) {
  const std::string wanted = "\n" + key + "=";
  const size_t at = text.find(wanted);
  if (at == std::string::npos) return {};
  const size_t start = at + wanted.size();
  return std::string(trim(text.substr(start, text.find('\n', start) - start)));
}

// µm/px by ImageJ's unit, which the TIFF's resolution is per.
std::optional<Mpp> imagej_mpp(const TiffDirectory& facts) {
  const std::string unit = imagej_value(facts.description, "unit");
  const double um = unit == "micron" || unit == "um" || unit == "\\u00B5m" || unit == "\u00b5m" ? 1
                    : unit == "nm" ? 1e-3
                    : unit == "mm" ? 1e3
                    : unit == "cm" ? 1e4
                                   : 0;
  if (um == 0 || !(facts.x_resolution > 0) || !(facts.y_resolution > 0)) return {};
  return Mpp{um / facts.x_resolution, um / facts.y_resolution};
}

TiffPictures by_imagej(const TiffFile& file) {
  TiffPictures found{"ImageJ", {}, {}};
  const TiffDirectory& first = file.directories.front();
  const auto count = [&](const char* key) {
    return parse_int(imagej_value(first.description, key)).value_or(1);
  };
  std::vector<size_t> pages;
  for (size_t i = 0; i < file.directories.size(); ++i) {
    if (is_page(file, i)) pages.push_back(i);
  }
  const int64_t channels = count("channels"), slices = count("slices"), frames = count("frames");
  const bool planes = slices > 1 || frames > 1;
  if (!planes && channels == 3 && pages.size() == 3) {
    found.pictures.push_back(merge(file, pages, false, ""));
  } else if (channels > 1 || planes) {
    // Large stacks have one directory for all.
    found.pictures.push_back(make_picture(file, {pages.front()}));
    found.pictures.back().refusal = planes ? planes_refusal(slices, frames)
                                           : channels_refusal(static_cast<size_t>(channels), "");
  } else {
    for (const size_t page : pages) found.pictures.push_back(make_picture(file, {page}));
  }
  found.pictures.front().mpp = imagej_mpp(first);
  return found;
}

}  // namespace

TiffPictures find_pictures(const TiffFile& file) {
  TiffPictures found;
  const std::string& description = file.directories.front().description;
  if (is_ome_xml(description)) {
    found = by_ome(file);
  } else if (description.starts_with("ImageJ=") && is_page(file, 0)) {
    found = by_imagej(file);
  } else {
    found.kind = "TIFF pages";
    for (size_t i = 0; i < file.directories.size(); ++i) {
      if (is_page(file, i)) found.pictures.push_back(make_picture(file, {i}));
    }
  }
  name_pages(file, found.pictures);
  return found;
}

}  // namespace lamella::slide
