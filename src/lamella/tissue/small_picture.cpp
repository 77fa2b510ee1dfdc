// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/slide/region_reader.h"
#include "lamella/tissue/small_picture_internal.h"

namespace lamella::tissue {

namespace {

constexpr int64_t kBlockPx = 1024;          // side of a block in level px, about
constexpr int64_t kBudgetBytes = 64 << 20;  // level pixels of the blocks held at once

// One axis of the picture: pixel i covers level px [i * scale, (i + 1) * scale).
struct Axis {
  int64_t level_size;
  int64_t size;
  double scale() const { return static_cast<double>(level_size) / static_cast<double>(size); }
  int64_t block() const {
    return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(kBlockPx) / scale()));
  }
  int64_t first_level_px(int64_t i) const {
    return static_cast<int64_t>(std::floor(static_cast<double>(i) * scale()));
  }
  int64_t end_level_px(int64_t i) const {
    return std::min(level_size, static_cast<int64_t>(std::ceil(static_cast<double>(i) * scale())));
  }
};

// Length of [from, from + scale) that lies in level px `px`.
double overlap(double from, double scale, int64_t px) {
  const double begin = static_cast<double>(px);
  return std::max(0.0, std::min(from + scale, begin + 1) - std::max(from, begin));
}

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

// What one picture pixel takes of the level along one axis.
struct Tap {
  int64_t first = 0;          // level px
  std::vector<double> parts;  // length of each level px from `first` that it covers
};

std::vector<Tap> make_taps(const Axis& axis) {
  std::vector<Tap> taps(static_cast<size_t>(axis.size));
  for (int64_t i = 0; i < axis.size; ++i) {
    Tap& tap = taps[static_cast<size_t>(i)];
    const double from = static_cast<double>(i) * axis.scale();
    tap.first = static_cast<int64_t>(std::floor(from));
    for (int64_t px = tap.first; px < axis.level_size; ++px) {
      const double part = overlap(from, axis.scale(), px);
      if (part <= 0) break;
      tap.parts.push_back(part);
    }
  }
  return taps;
}

struct Taps {
  std::vector<Tap> x, y;
  double area = 1;  // level px of a picture pixel
};

// Adds weight * (each picture pixel's sum of one level row) to `sums`.
void add_row(const uint8_t* row, const Block& block, const std::vector<Tap>& taps, double weight,
             std::vector<double>& sums) {
  for (int64_t i = 0; i < block.target.width; ++i) {
    const Tap& tap = taps[static_cast<size_t>(block.target.x + i)];
    const uint8_t* pixel = row + 3 * (tap.first - block.region.x);
    double* sum = sums.data() + 3 * i;
    for (const double part : tap.parts) {
      for (int c = 0; c < 3; ++c) sum[c] += weight * part * pixel[c];
      pixel += 3;
    }
  }
}

void shrink(const Image& level, const Block& block, const Taps& taps, Image& out) {
  std::vector<double> sums(static_cast<size_t>(block.target.width) * 3);
  for (int64_t j = 0; j < block.target.height; ++j) {
    std::fill(sums.begin(), sums.end(), 0.0);
    const Tap& tap = taps.y[static_cast<size_t>(block.target.y + j)];
    int64_t row = tap.first - block.region.y;
    for (const double part : tap.parts) {
      add_row(level.row(static_cast<int>(row++)), block, taps.x, part, sums);
    }
    uint8_t* to = out.row(static_cast<int>(block.target.y + j)) + 3 * block.target.x;
    for (size_t i = 0; i < sums.size(); ++i) {
      to[i] = static_cast<uint8_t>(std::clamp(std::floor(sums[i] / taps.area + 0.5), 0.0, 255.0));
    }
  }
}

}  // namespace

Image read_small_picture(const std::shared_ptr<const slide::Slide>& slide, int level, SizePx size,
                         const Context& context) {
  const slide::LevelInfo& whole = slide->info().levels.at(static_cast<size_t>(level));
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
  const Taps taps = as_it_is ? Taps{} : Taps{make_taps(x), make_taps(y), x.scale() * y.scale()};
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
        shrink(held[at], blocks[order[begin + at]], taps, picture);
      });
    }
    begin += held.size();
    context.report("tissue", static_cast<int64_t>(begin), static_cast<int64_t>(order.size()),
                   "blocks");
  }
  return picture;
}

}  // namespace lamella::tissue
