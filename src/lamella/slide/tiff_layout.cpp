// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/slide/tiff_layout_internal.h"
#include "lamella/slide/tiff_pictures_internal.h"

namespace lamella::slide {

namespace {

int64_t area(const TiffFile& file, const TiffImage& image) {
  const SizePx& size = image.levels.front().facts(file).size_px;
  return size.width * size.height;
}

// Pictures are compared at most so often: a pyramid needs a look for each level.
constexpr int kMostLooks = 64;

bool is_decodable(const TiffFile& file, const TiffDirectory& facts) {
  return unsupported_reason(facts).empty() && unsupported_tiles(file, facts).empty();
}

// Whether the picture is the next level of the image. Its flag is believed; without one it must be
// stored alike and show the same.
bool continues(const TiffFile& file, const TiffImage& image, const TiffImage& picture,
               int& looks_left) {
  const TiffLevel& next = picture.levels.front();
  // A flagged copy has no copies of its own.
  if ((image.reduced && image.page > 0) ||
      image.levels.front().directories.size() != next.directories.size() ||
      !image.refusal.empty() || !picture.refusal.empty() ||
      !can_follow(file, image.levels.front(), image.levels.back(), next)) {
    return false;
  }
  if (picture.reduced) return true;
  const TiffLevel& last = image.levels.back();
  const TiffDirectory &above = last.facts(file), &facts = next.facts(file);
  if (above.tiled != facts.tiled || !is_decodable(file, above) || !is_decodable(file, facts) ||
      looks_left == 0) {
    return false;
  }
  --looks_left;
  return same_picture(file, last, next);
}

// Pictures that are levels of larger ones are joined to them; a flagged copy to the nearest page
// before it.
std::vector<TiffImage> join_levels(const TiffFile& file, std::vector<TiffImage> pictures) {
  std::ranges::stable_sort(pictures, std::greater(),
                           [&](const TiffImage& each) { return area(file, each); });
  std::vector<TiffImage> images;
  int looks_left = kMostLooks;
  for (TiffImage& picture : pictures) {
    TiffImage* parent = nullptr;
    for (TiffImage& image : images) {
      const bool nearer = !parent || (image.page < picture.page && image.page > parent->page);
      if (nearer && continues(file, image, picture, looks_left)) parent = &image;
    }
    if (!parent) {
      images.push_back(std::move(picture));
      continue;
    }
    for (TiffLevel& level : picture.levels) {
      if (can_follow(file, parent->levels.front(), parent->levels.back(), level)) {
        parent->levels.push_back(std::move(level));
      }
    }
  }
  std::ranges::sort(images, {}, &TiffImage::page);
  return images;
}

std::string describe(const TiffFile& file, const std::vector<TiffImage>& images, size_t index) {
  const TiffImage& image = images[index];
  const SizePx& size = image.levels.front().facts(file).size_px;
  return fmt::format("{} '{}' of {} x {} px in {} levels", index, image.name, size.width,
                     size.height, image.levels.size());
}

std::string describe_all(const TiffFile& file, const std::vector<TiffImage>& images) {
  constexpr size_t kMost = 8;
  std::vector<std::string> parts;
  for (size_t i = 0; i < std::min(images.size(), kMost); ++i) {
    parts.push_back(describe(file, images, i));
  }
  if (images.size() > kMost) parts.push_back(fmt::format("{} more", images.size() - kMost));
  return join(parts, "; ");
}

size_t wanted_image(const TiffFile& file, const std::string& wanted, const TiffLayout& layout) {
  const auto& images = layout.images;
  const auto named = std::ranges::find(images, wanted, &TiffImage::name);
  if (named != images.end()) return static_cast<size_t>(named - images.begin());
  const auto number = parse_int(wanted);
  if (number && *number >= 0 && *number < static_cast<int64_t>(images.size())) {
    return static_cast<size_t>(*number);
  }
  throw Error(ErrorCode::kNotFound, fmt::format("image '{}' was asked for; the file holds {}",
                                                wanted, describe_all(file, images)));
}

// A damaged directory that could be the slide itself.
void require_known(const TiffFile& file, const TiffImage& chosen) {
  for (size_t i = 0; i < file.directories.size(); ++i) {
    const TiffDirectory& facts = file.directories[i];
    if (facts.problem.empty() || facts.parent) continue;
    const bool smaller =
        facts.size_px.width > 0 && facts.size_px.width * facts.size_px.height < area(file, chosen);
    if (i > chosen.page && chosen.page == 0) continue;  // the first page is the slide as a rule
    if (smaller) continue;
    throw Error(ErrorCode::kCorrupt,
                fmt::format("is damaged or cut short: TIFF directory {}: {}", i, facts.problem));
  }
}

}  // namespace

bool same_proportions(const SizePx& full, const SizePx& size) {
  const auto low = [](int64_t whole, int64_t part) { return double(whole) / double(part + 1); };
  const auto high = [](int64_t whole, int64_t part) {
    return part > 1 ? double(whole) / double(part - 1) : double(whole) * 2;
  };
  constexpr double kTolerance = 1.01;
  return low(full.width, size.width) <= kTolerance * high(full.height, size.height) &&
         low(full.height, size.height) <= kTolerance * high(full.width, size.width);
}

bool can_follow(const TiffFile& file, const TiffLevel& first, const TiffLevel& last,
                const TiffLevel& next) {
  const TiffDirectory &full = first.facts(file), &facts = next.facts(file);
  const SizePx &above = last.facts(file).size_px, &size = facts.size_px;
  const bool smaller = size.width <= above.width && size.height <= above.height && !(size == above);
  const bool alike = (full.samples < 3) == (facts.samples < 3) && full.bits == facts.bits;
  return smaller && alike && same_proportions(full.size_px, size);
}

std::string problem_note(const TiffFile& file) {
  size_t count = 0, first = 0;
  for (size_t i = 0; i < file.directories.size(); ++i) {
    if (file.directories[i].problem.empty()) continue;
    if (count++ == 0) first = i;
  }
  if (count == 0) return {};
  return fmt::format("{} TIFF directories cannot be relied on and are left out (directory {}: {})",
                     count, first, file.directories[first].problem);
}

std::string associated_name(const std::string& name) {
  const std::string text = to_lower(name.substr(0, 256));
  const auto says = [&](const char* word) { return text.find(word) != std::string::npos; };
  if (says("label") || says("barcode")) return "label";
  if (says("macro") || says("overview")) return "macro";
  return says("thumbnail") ? "thumbnail" : "";
}

TiffLayout find_layout(const TiffFile& file) {
  TiffPictures found = find_pictures(file);
  TiffLayout layout{found.kind, join_levels(file, std::move(found.pictures)), {}, found.warnings};
  if (std::string note = problem_note(file); !note.empty()) {
    layout.warnings.push_back(std::move(note));
  }
  // A flagged copy of something that the file does not hold is no image of its own.
  std::erase_if(layout.images, [&](const TiffImage& image) {
    const bool stray = image.reduced && layout.images.size() > 1 && image.page > 0;
    if (stray) layout.associated.emplace("thumbnail", image.page);
    return stray;
  });
  return layout;
}

size_t choose_image(const TiffFile& file, const std::string& wanted, TiffLayout& layout) {
  const auto& images = layout.images;
  if (images.empty()) throw Error(ErrorCode::kUnsupported, "holds no picture");
  size_t chosen = 0;
  if (!wanted.empty()) {
    chosen = wanted_image(file, wanted, layout);
  } else {
    std::vector<size_t> order;
    for (size_t i = 0; i < images.size(); ++i) {
      if (associated_name(images[i].name).empty()) order.push_back(i);
    }
    if (order.empty()) order.push_back(0);
    std::ranges::stable_sort(order, std::greater(),
                             [&](size_t i) { return area(file, images[i]); });
    chosen = order.front();
    require_known(file, images[chosen]);
    // What cannot be read is not ambiguous.
    const bool decodable = unsupported_reason(images[chosen].levels.front().facts(file)).empty();
    if (decodable && order.size() > 1 &&
        2 * area(file, images[order[1]]) > area(file, images[chosen])) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("holds {} images and it is not clear which is the slide ({}); say "
                              "which by its number or name (`image`)",
                              images.size(), describe_all(file, images)));
    }
    if (order.size() > 1) {
      layout.warnings.push_back(fmt::format("holds {} images ({}); image {} is taken",
                                            images.size(), describe_all(file, images), chosen));
    }
  }
  for (size_t i = 0; i < images.size(); ++i) {
    const std::string name = associated_name(images[i].name);
    const TiffLevel& level = images[i].levels.front();
    if (i == chosen || name.empty() || level.directories.size() > 1) continue;
    layout.associated.emplace(name, level.directories.front());
  }
  if (!images[chosen].refusal.empty()) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("image '{}' has {}", images[chosen].name, images[chosen].refusal));
  }
  return chosen;
}

}  // namespace lamella::slide
