// SPDX-License-Identifier: Apache-2.0
// The reader beside the plain loop, on a slide made of arithmetic that counts what is decoded.
#include "lamella/slide/region_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/slide/region_order_internal.h"

namespace lamella::slide {
namespace {

uint8_t pixel_at(int64_t x, int64_t y, int c) {
  return static_cast<uint8_t>((x * 31 + y * 17 + c * 5 + x * y) % 251);
}

class ArithmeticSlide final : public Slide {
 public:
  ArithmeticSlide(SizePx size, SizePx tile) : Slide(make_info(size, tile)) {
    columns = (size.width + tile.width - 1) / tile.width;
    const int64_t rows = (size.height + tile.height - 1) / tile.height;
    counts = std::vector<std::atomic<int>>(static_cast<size_t>(columns * rows));
  }
  std::unique_ptr<TileDecoder> make_decoder() const override {
    return std::make_unique<TileDecoder>();
  }
  void read_tile(int, TileIndex tile, TileDecoder&, const MutableImageView& out) const override {
    ++counts[static_cast<size_t>(tile.row * columns + tile.column)];
    if (on_read) on_read(tile);
    fill_pixels(out, 77);  // a failing tile leaves rubbish
    if (bad.contains({tile.column, tile.row})) {
      throw Error(ErrorCode::kCorrupt, "tile " + std::to_string(tile.column) + " is bad", "x");
    }
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x) {
        for (int c = 0; c < 3; ++c) {
          out.row(y)[3 * x + c] =
              pixel_at(tile.column * out.width + x, tile.row * out.height + y, c);
        }
      }
    }
  }
  Image read_associated_image(const std::string&) const override { return {}; }

  int most_decodes() const {
    int most = 0;
    for (const auto& count : counts) most = std::max(most, count.load());
    return most;
  }

  int64_t columns = 0;
  mutable std::vector<std::atomic<int>> counts;
  std::set<std::pair<int64_t, int64_t>> bad;
  std::function<void(TileIndex)> on_read;

 private:
  static SlideInfo make_info(SizePx size, SizePx tile) {
    SlideInfo info;
    info.path = "arithmetic";
    info.levels = {{size, 1, 1, tile, "none"}};
    return info;
  }
};

// What a region must show, pixel by pixel.
Image plain(const SizePx& size, const RectPx& rect) {
  Image image(static_cast<int>(rect.width), static_cast<int>(rect.height), 3, 255);
  for (int64_t y = 0; y < rect.height; ++y) {
    for (int64_t x = 0; x < rect.width; ++x) {
      const int64_t sx = rect.x + x, sy = rect.y + y;
      if (sx < 0 || sy < 0 || sx >= size.width || sy >= size.height) continue;
      for (int c = 0; c < 3; ++c) image.row(static_cast<int>(y))[3 * x + c] = pixel_at(sx, sy, c);
    }
  }
  return image;
}

struct Outcome {
  std::vector<Image> images;  // by region
  std::vector<RegionFailure> failures;
  int64_t decoded = 0, peak_bytes = 0;
};

struct Call {
  int threads = 1;
  size_t batch = 7;
  int64_t budget = int64_t{256} << 20;
};

Outcome read_all(std::shared_ptr<const Slide> slide, const std::vector<RectPx>& regions,
                 const Call& call) {
  RegionReader reader(std::move(slide), {0, regions}, {call.budget});
  Outcome outcome;
  outcome.images.resize(regions.size());
  Context context;
  context.threads = call.threads;
  const auto order = reader.order();
  for (size_t at = 0; at < order.size(); at += call.batch) {
    std::vector<MutableImageView> views;
    for (size_t k = at; k < std::min(order.size(), at + call.batch); ++k) {
      const RectPx& rect = regions[order[k]];
      Image& image = outcome.images[order[k]];
      image = Image(static_cast<int>(rect.width), static_cast<int>(rect.height), 3, 3);
      views.push_back(image.view());
    }
    const auto failures = reader.read_next(views, context);
    outcome.failures.insert(outcome.failures.end(), failures.begin(), failures.end());
  }
  outcome.decoded = reader.tiles_decoded();
  outcome.peak_bytes = reader.peak_tile_bytes();
  return outcome;
}

constexpr SizePx kSize = {1003, 777};
constexpr SizePx kTile = {64, 48};
constexpr int64_t kTileBytes = 64 * 48 * 3;

std::vector<RectPx> dense_regions(int64_t side, int64_t stride) {
  std::vector<RectPx> regions;
  for (int64_t y = 0; y < kSize.height; y += stride) {
    for (int64_t x = 0; x < kSize.width; x += stride) regions.push_back({x, y, side, side});
  }
  return regions;
}

std::vector<RectPx> random_regions(int count) {
  Random random(5);
  std::vector<RectPx> regions;
  for (int i = 0; i < count; ++i) {
    regions.push_back({static_cast<int64_t>(random.below(1300)) - 150,
                       static_cast<int64_t>(random.below(1100)) - 150,
                       1 + static_cast<int64_t>(random.below(140)),
                       1 + static_cast<int64_t>(random.below(140))});
  }
  regions.push_back({-50, -50, 1200, 900});  // the whole slide
  regions.push_back(regions.front());        // twice the same
  regions.push_back({-500, 10, 20, 20});     // wholly outside
  return regions;
}

TEST(RegionReader, EqualsPlainLoopForAnyThreadsBatchAndBudget) {
  for (const auto& regions : {dense_regions(50, 50), dense_regions(100, 70), random_regions(200)}) {
    for (const Call& call : {Call{1, 1}, Call{2, 7}, Call{5, 64}, Call{2, 1000}, Call{1, 3, 0},
                             Call{5, 9, 2 * kTileBytes}}) {
      const auto slide = std::make_shared<ArithmeticSlide>(kSize, kTile);
      const Outcome outcome = read_all(slide, regions, call);
      EXPECT_TRUE(outcome.failures.empty());
      for (size_t i = 0; i < regions.size(); ++i) {
        ASSERT_TRUE(outcome.images[i] == plain(kSize, regions[i]))
            << "region " << i << ", " << call.threads << " threads";
      }
    }
  }
}

TEST(RegionReader, EqualsReadRegion) {
  const auto slide = std::make_shared<ArithmeticSlide>(kSize, kTile);
  const auto regions = random_regions(100);
  const Outcome outcome = read_all(slide, regions, {2, 10});
  for (size_t i = 0; i < regions.size(); ++i) {
    ASSERT_TRUE(outcome.images[i] == read_region(*slide, 0, regions[i]));
  }
}

TEST(RegionReader, DecodesEachTileOnceWhateverTheBatch) {
  for (const auto& regions : {dense_regions(50, 50), dense_regions(100, 70), random_regions(200)}) {
    for (const Call& call : {Call{1, 1}, Call{2, 7}, Call{5, 500}}) {
      const auto slide = std::make_shared<ArithmeticSlide>(kSize, kTile);
      const Outcome outcome = read_all(slide, regions, call);
      EXPECT_EQ(slide->most_decodes(), 1);
      EXPECT_EQ(outcome.decoded, 16 * 17);  // all tiles: ceil(1003 / 64) x ceil(777 / 48)
    }
  }
}

TEST(RegionReader, StaysWithinTheBudgetAndDecodesAgainIfItMust) {
  // Regions of 100 px at a stride of 70 in tiles of 64 x 48: a row of regions needs up to 4 rows
  // of 16 tiles, more than 20 tiles can hold without strips.
  const auto regions = dense_regions(100, 70);
  int64_t decoded_with_one_thread = 0;
  for (const int threads : {1, 3}) {
    const auto slide = std::make_shared<ArithmeticSlide>(kSize, kTile);
    const Outcome outcome = read_all(slide, regions, {threads, 4, 20 * kTileBytes});
    EXPECT_LE(outcome.peak_bytes, (20 + threads) * kTileBytes);
    EXPECT_GT(outcome.decoded, 16 * 17);
    EXPECT_LT(outcome.decoded, 3 * 16 * 17);
    if (threads == 1) decoded_with_one_thread = outcome.decoded;
    EXPECT_EQ(outcome.decoded, decoded_with_one_thread);
    int64_t total = 0;
    for (const auto& count : slide->counts) total += count;
    EXPECT_EQ(total, outcome.decoded);
  }
}

TEST(RegionReader, DenseReadingHoldsAFewRowsOfTilesOnly) {
  const auto slide = std::make_shared<ArithmeticSlide>(SizePx{640, 9600}, SizePx{64, 64});
  std::vector<RectPx> regions;
  for (int64_t y = 0; y < 9600; y += 50) {
    for (int64_t x = 0; x < 640; x += 50) regions.push_back({x, y, 50, 50});
  }
  const Outcome outcome = read_all(slide, regions, {1, 13});
  EXPECT_EQ(outcome.decoded, 10 * 150);
  EXPECT_LE(outcome.peak_bytes, int64_t{4} * 10 * 64 * 64 * 3);
}

TEST(RegionReader, ABadTileFailsExactlyTheRegionsThatNeedItAndIsTriedOnce) {
  for (const int threads : {1, 4}) {
    for (const int64_t budget : {int64_t{0}, int64_t{1} << 30}) {
      const auto slide = std::make_shared<ArithmeticSlide>(kSize, kTile);
      slide->bad = {{5, 5}, {0, 0}};
      const auto regions = dense_regions(50, 50);
      const Outcome outcome = read_all(slide, regions, {threads, 6, budget});
      std::set<size_t> failed, expected;
      for (const RegionFailure& failure : outcome.failures) {
        failed.insert(failure.region);
        EXPECT_NE(failure.message.find("is bad"), std::string::npos);
        EXPECT_EQ(failure.code, ErrorCode::kCorrupt);
      }
      for (size_t i = 0; i < regions.size(); ++i) {
        const bool touches = !intersect(regions[i], {320, 240, 64, 48}).empty() ||
                             !intersect(regions[i], {0, 0, 64, 48}).empty();
        if (touches) expected.insert(i);
        ASSERT_TRUE(touches || outcome.images[i] == plain(kSize, regions[i]));
      }
      EXPECT_EQ(failed, expected);
      EXPECT_EQ(outcome.failures.size(), expected.size());
      EXPECT_EQ(slide->counts[5 * 16 + 5], 1);
    }
  }
}

TEST(RegionReader, OrderIsAPermutationThatDoesNotDependOnThreads) {
  const auto regions = random_regions(300);
  const auto slide = std::make_shared<ArithmeticSlide>(kSize, kTile);
  const RegionReader reader(slide, {0, regions});
  std::vector<uint32_t> sorted(reader.order().begin(), reader.order().end());
  std::ranges::sort(sorted);
  std::vector<uint32_t> all(regions.size());
  std::iota(all.begin(), all.end(), 0u);
  EXPECT_EQ(sorted, all);
}

TEST(RegionReader, CancellingEndsTheCallAndReadingCanGoOn) {
  const auto slide = std::make_shared<ArithmeticSlide>(kSize, kTile);
  Context context;
  int reads = 0;
  slide->on_read = [&](TileIndex) {
    if (++reads == 3) context.cancel.request();
  };
  const std::vector<RectPx> regions = {{0, 0, 640, 480}};
  RegionReader reader(slide, {0, regions});
  Image image(640, 480);
  const MutableImageView view = image.view();
  try {
    reader.read_next(std::span(&view, 1), context);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  }
  EXPECT_EQ(reads, 3);
  slide->on_read = nullptr;
  EXPECT_TRUE(reader.read_next(std::span(&view, 1), Context()).empty());
  EXPECT_TRUE(image == plain(kSize, regions[0]));
}

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(RegionReader, RefusesWhatMakesNoSense) {
  const auto slide = std::make_shared<ArithmeticSlide>(kSize, kTile);
  const auto make = [&](int level, RectPx region) {
    return code_of([&] { RegionReader(slide, {level, {region}}); });
  };
  EXPECT_EQ(make(1, {0, 0, 5, 5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make(-1, {0, 0, 5, 5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make(0, {0, 0, 0, 5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make(0, {0, 0, 5, -1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make(0, {INT64_MIN, 0, 5, 5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make(0, {0, INT64_MAX, 5, 5}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] {
              RegionReader(slide, {0, {{0, 0, 5, 5}}}, {-1});
            }),
            ErrorCode::kInvalidArgument);

  RegionReader reader(slide, {0, {{0, 0, 5, 5}}});
  Image wrong(5, 6), right(5, 5);
  const std::vector<MutableImageView> one_wrong = {wrong.view()};
  const std::vector<MutableImageView> too_many = {right.view(), right.view()};
  EXPECT_EQ(code_of([&] { reader.read_next(one_wrong, {}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { reader.read_next(too_many, {}); }), ErrorCode::kInvalidArgument);
}

TEST(RegionOrder, GoesDownStripsAsWideAsTheBudgetAllows) {
  LevelInfo level;
  level.size_px = {400, 300};
  level.tile_px = {100, 100};
  const std::vector<RectPx> regions = {
      {310, 10, 50, 50}, {10, 210, 50, 50}, {10, 10, 50, 50}, {110, 10, 50, 50}, {10, 5, 50, 50}};
  // Each region lies in one tile. Plenty of tiles: row by row; within a tile by y, then x.
  EXPECT_EQ(order_regions(level, regions, 100), (std::vector<uint32_t>{4, 2, 3, 0, 1}));
  // Four tiles over (1 + 1) rows: strips of two columns.
  EXPECT_EQ(order_regions(level, regions, 4), (std::vector<uint32_t>{4, 2, 3, 1, 0}));
  // None: strips of one column.
  EXPECT_EQ(order_regions(level, regions, 0), (std::vector<uint32_t>{4, 2, 1, 3, 0}));
}

}  // namespace
}  // namespace lamella::slide
