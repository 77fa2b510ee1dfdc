// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <span>
#include <vector>

#include "lamella/base/area_mean.h"
#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/slide/region_reader.h"
#include "lamella/tissue/small_picture_internal.h"

namespace lamella::tissue {

namespace {

constexpr int64_t kBlockPx = 1024;          // side of a block in level px, about
constexpr int64_t kBudgetBytes = 64 << 20;  // level pixels of the blocks held at once

// One axis of the picture: pixel i covers level px [i level_size / size, (i + 1) level_size /
// size).
struct Axis {
  int64_t level_size;
  int64_t size;
  int64_t block() const { return std::max<int64_t>(1, kBlockPx * size / level_size); }
  int64_t first_level_px(int64_t i) const { return i * level_size / size; }
  int64_t end_level_px(int64_t i) const { return (i * level_size + size - 1) / size; }
};

struct Block {
  RectPx target;  // px of the picture
  RectPx region;  // px of the level
};

std::vector<Block> plan_blocks(const Axis& x, const Axis& y) {
  std::vector<Block> blocks;
  for (int64_t top = 0; top < y.size; top += y.block()) {
    const int64_t bottom = std::min(y.size, top + y.block());
    for (int64_t left = 0; left < x.size; left += x.block()) {
      const int64_t right = std::min(x.size, left + x.block());
      const int64_t rx = x.first_level_px(left), ry = y.first_level_px(top);
      blocks.push_back({{left, top, right - left, bottom - top},
                        {rx, ry, x.end_level_px(right) - rx, y.end_level_px(bottom) - ry}});
    }
  }
  return blocks;
}

struct Axes {
  AreaAxis x, y;
};

void shrink(const Image& level, const Block& block, const Axes& axes, Image& out) {
  const auto columns =
      std::span(axes.x.taps)
          .subspan(static_cast<size_t>(block.target.x), static_cast<size_t>(block.target.width));
  std::vector<uint64_t> row(3 * columns.size()), sums(row.size());
  for (int64_t j = 0; j < block.target.height; ++j) {
    std::ranges::fill(sums, uint64_t{0});
    const AreaTap& tap = axes.y.taps[static_cast<size_t>(block.target.y + j)];
    for (int32_t k = 0; k < tap.count; ++k) {
      sum_row(level.row(static_cast<int>(tap.first + k - block.region.y)), block.region.x, columns,
              axes.x.weights, row.data());
      const auto weight =
          static_cast<uint64_t>(axes.y.weights[static_cast<size_t>(tap.first_weight + k)]);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += weight * row[i];
    }
    const uint64_t area =
        static_cast<uint64_t>(tap.total) * static_cast<uint64_t>(columns.front().total);
    uint8_t* to = out.row(static_cast<int>(block.target.y + j)) + 3 * block.target.x;
    for (size_t i = 0; i < sums.size(); ++i) to[i] = rounded_mean(sums[i], area);
  }
}

}  // namespace

Image read_small_picture(const slide::Slide& slide, int level, SizePx size,
                         const Context& context) {
  const slide::LevelInfo& whole = slide.info().levels.at(static_cast<size_t>(level));
  slide::ReadRequest request;
  request.level = level;
  request.reduction = slide::reduction_to(whole, size);
  const SizePx level_size = slide::reduced_level(whole, request.reduction).size_px;
  const Axis x{level_size.width, size.width}, y{level_size.height, size.height};
  const std::vector<Block> blocks = plan_blocks(x, y);
  for (const Block& block : blocks) request.regions.push_back(block.region);
  slide::RegionReader reader(slide, std::move(request));
  const std::vector<uint32_t> order(reader.order().begin(), reader.order().end());

  Image picture(static_cast<int>(size.width), static_cast<int>(size.height), 3);
  const bool as_it_is = level_size == size;
  const Axes axes =
      as_it_is ? Axes{}
               : Axes{AreaAxis::whole(x.level_size, x.size), AreaAxis::whole(y.level_size, y.size)};
  for (size_t begin = 0; begin < order.size();) {
    std::vector<Image> held;
    std::vector<MutableImageView> views;
    int64_t bytes = 0;
    while (begin + held.size() < order.size() && (held.empty() || bytes < kBudgetBytes)) {
      const RectPx& region = blocks[order[begin + held.size()]].region;
      bytes += 3 * region.width * region.height;
      if (as_it_is) {
        held.emplace_back();
        views.push_back(crop(picture.view(), region));
      } else {
        held.emplace_back(static_cast<int>(region.width), static_cast<int>(region.height), 3);
        views.push_back(held.back().view());
      }
    }
    const std::vector<slide::RegionFailure> failures = reader.read_next(views, context);
    if (!failures.empty()) throw Error(ErrorCode::kCorrupt, failures.front().message);
    if (!as_it_is) {
      parallel_for(static_cast<int64_t>(held.size()), context.threads, [&](int64_t k, int) {
        const auto at = static_cast<size_t>(k);
        shrink(held[at], blocks[order[begin + at]], axes, picture);
      });
    }
    begin += held.size();
    context.report("tissue", static_cast<int64_t>(begin), static_cast<int64_t>(order.size()),
                   "blocks");
  }
  return picture;
}

}  // namespace lamella::tissue
