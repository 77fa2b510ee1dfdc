// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/slide/box_filter_internal.h"
#include "lamella/slide/region_reader.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

namespace {

SizePx thumbnail_size(const SizePx& full, int max_px) {
  const int64_t longer = std::max(full.width, full.height);
  if (longer <= max_px) return full;
  const auto side = [&](int64_t px) {
    const double scaled = static_cast<double>(px) * max_px / static_cast<double>(longer);
    return std::max<int64_t>(1, std::llround(scaled));
  };
  return {side(full.width), side(full.height)};
}

}  // namespace

Image read_thumbnail(const Slide& slide, int max_px, int threads) {
  const SlideInfo& info = slide.info();
  if (max_px < 1) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("a thumbnail of at most {} px was asked for; expected at least 1", max_px),
        info.path);
  }
  SizePx to = thumbnail_size(info.size_px(), max_px);
  const double downsample = static_cast<double>(info.size_px().width) / to.width;
  const int level = level_for_downsample(
      info, std::min(downsample, static_cast<double>(info.size_px().height) / to.height));
  const LevelInfo& whole = info.levels[static_cast<size_t>(level)];
  const int reduction = reduction_to(whole, to);
  const LevelInfo facts = reduced_level(whole, reduction);
  // The fit level may be a little coarser than asked for; a thumbnail is never enlarged.
  to = {std::min(to.width, facts.size_px.width), std::min(to.height, facts.size_px.height)};

  ReadRequest request{level, {}, reduction};
  const int64_t band_px = std::min(facts.tile_px.height, facts.size_px.height);
  for (int64_t y = 0; y < facts.size_px.height; y += band_px) {
    request.regions.push_back(
        {0, y, facts.size_px.width, std::min(band_px, facts.size_px.height - y)});
  }
  Image band(static_cast<int>(facts.size_px.width), static_cast<int>(band_px));
  RegionReader reader(slide, request);
  BoxFilter filter(facts.size_px, to);
  Context context;
  context.threads = threads;
  for (const RectPx& region : request.regions) {
    const MutableImageView rows = crop(band.view(), {0, 0, region.width, region.height});
    const auto failures = reader.read_next(std::span(&rows, 1), context);
    if (!failures.empty()) throw Error(failures.front().code, failures.front().message);
    filter.add_rows(rows);
  }
  return filter.take();
}

}  // namespace lamella::slide
