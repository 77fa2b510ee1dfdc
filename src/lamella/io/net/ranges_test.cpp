// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/io/net/block_cache_internal.h"
#include "lamella/io/net/merge_ranges.h"
#include "lamella/io/net/range_plan_internal.h"

namespace lamella::io {
namespace {

using Ranges = std::vector<ByteRange>;

MergeOptions gaps_up_to(int64_t bytes, double waste = 10) {
  MergeOptions options;
  options.max_gap_bytes = bytes;
  options.max_waste = waste;
  return options;
}

TEST(MergeRanges, JoinsNeighboursInTheOrderOfTheirFirstReads) {
  EXPECT_EQ(merge_ranges(Ranges{}, {}), Ranges{});
  // 500 is read first; 0, 10 and 20 touch.
  EXPECT_EQ(merge_ranges(Ranges{{500, 10}, {10, 10}, {0, 10}, {20, 5}}, gaps_up_to(0)),
            (Ranges{{500, 10}, {0, 25}}));
  // Tiles that lie in one another, and one that comes twice.
  EXPECT_EQ(merge_ranges(Ranges{{0, 100}, {20, 10}, {0, 100}}, gaps_up_to(0)), (Ranges{{0, 100}}));
}

TEST(MergeRanges, TakesGapsUpToTheLimit) {
  const Ranges reads = {{0, 10}, {15, 10}, {31, 10}};
  EXPECT_EQ(merge_ranges(reads, gaps_up_to(5)), (Ranges{{0, 25}, {31, 10}}));
  EXPECT_EQ(merge_ranges(reads, gaps_up_to(6)), (Ranges{{0, 41}}));
}

TEST(MergeRanges, WastesNoMoreThanItMay) {
  // 30 bytes are needed, 20 % of them are 6: of the gaps 5 and 6 the smaller is taken.
  EXPECT_EQ(merge_ranges(Ranges{{0, 10}, {16, 10}, {31, 10}}, gaps_up_to(100, 0.2)),
            (Ranges{{0, 10}, {16, 25}}));
}

TEST(MergeRanges, AreNoLongerThanTheyMay) {
  MergeOptions options = gaps_up_to(100);
  options.max_range_bytes = 30;
  EXPECT_EQ(merge_ranges(Ranges{{0, 10}, {10, 10}, {20, 10}, {30, 10}}, options),
            (Ranges{{0, 30}, {30, 10}}));
  EXPECT_EQ(merge_ranges(Ranges{{0, 10}, {15, 10}, {26, 10}}, options),
            (Ranges{{0, 25}, {26, 10}}));
  EXPECT_EQ(merge_ranges(Ranges{{0, 50}}, options), (Ranges{{0, 50}}));
}

TEST(MergeRanges, JoinsWithinAWindowAlone) {
  MergeOptions options = gaps_up_to(0);
  options.first_window_bytes = 20;
  options.max_window_bytes = 40;
  // Windows of 20, 40 and 40 bytes; the last read touches the first, which is long gone by then.
  EXPECT_EQ(merge_ranges(Ranges{{10, 10}, {20, 10}, {30, 20}, {50, 20}, {0, 10}}, options),
            (Ranges{{10, 20}, {30, 40}, {0, 10}}));
}

// Transfers that nobody sends.
struct Fake {
  Ranges asked;
  std::vector<bool> urgent;
  RangePlan::Fetch fetch() {
    return [this](const ByteRange& range, bool now) {
      asked.push_back(range);
      urgent.push_back(now);
      return std::make_shared<Transfer>(TransferRequest{nullptr, nullptr, range, {}});
    };
  }
};

TEST(RangePlan, FetchesAheadWithinItsBudget) {
  const Ranges reads = {{0, 10}, {10, 10}, {40, 10}, {80, 10}};
  RangePlan plan(reads, Ranges{{0, 20}, {40, 10}, {80, 10}}, 30);
  Fake fake;
  plan.fetch_ahead(fake.fetch());
  EXPECT_EQ(fake.asked, (Ranges{{0, 20}, {40, 10}}));
  plan.used({0, 10});
  plan.fetch_ahead(fake.fetch());
  EXPECT_EQ(fake.asked.size(), 2u);  // 10-19 is still to be read
  plan.used({10, 4});
  plan.used({14, 6});
  plan.fetch_ahead(fake.fetch());
  EXPECT_EQ(fake.asked, (Ranges{{0, 20}, {40, 10}, {80, 10}}));
  EXPECT_EQ(fake.urgent, (std::vector<bool>{false, false, false}));
  // What was read is gone; what was not planned never was here.
  EXPECT_EQ(plan.find({0, 10}, fake.fetch()), nullptr);
  EXPECT_EQ(plan.find({30, 5}, fake.fetch()), nullptr);
  EXPECT_EQ(plan.find({45, 10}, fake.fetch()), nullptr);
  EXPECT_NE(plan.find({42, 3}, fake.fetch()), nullptr);
  EXPECT_EQ(fake.asked.size(), 3u);
}

TEST(RangePlan, BeginsAtOnceWhatIsReadBeforeItsTurn) {
  RangePlan plan(Ranges{{0, 10}, {40, 10}}, Ranges{{0, 10}, {40, 10}}, 10);
  Fake fake;
  plan.fetch_ahead(fake.fetch());
  EXPECT_NE(plan.find({40, 10}, fake.fetch()), nullptr);
  EXPECT_EQ(fake.asked, (Ranges{{0, 10}, {40, 10}}));
  EXPECT_EQ(fake.urgent, (std::vector<bool>{false, true}));
}

TEST(RangePlan, KeepsATileThatTwoPlacesShare) {
  RangePlan plan(Ranges{{0, 10}, {0, 10}}, Ranges{{0, 10}}, 100);
  Fake fake;
  plan.used({0, 10});
  EXPECT_NE(plan.find({0, 10}, fake.fetch()), nullptr);
  plan.used({0, 10});
  EXPECT_EQ(plan.find({0, 10}, fake.fetch()), nullptr);
}

TEST(BlockCache, AsksForMissingBlocksTogetherAndForgetsTheOldest) {
  constexpr int64_t kBlock = BlockCache::kBlockBytes;
  BlockCache cache(100 * kBlock + 5, 6 * kBlock);
  Fake fake;
  const auto fetch = [&](const ByteRange& range) { return fake.fetch()(range, true); };
  EXPECT_EQ(cache.get({10, 20}, fetch).size(), 1u);  // two blocks at least
  EXPECT_EQ(fake.asked, (Ranges{{0, 2 * kBlock}}));
  EXPECT_EQ(cache.get({kBlock - 1, 3 * kBlock}, fetch).size(), 2u);
  EXPECT_EQ(fake.asked.back(), (ByteRange{2 * kBlock, 2 * kBlock}));
  cache.get({100 * kBlock + 1, 4}, fetch);  // the end is shorter
  EXPECT_EQ(fake.asked.back(), (ByteRange{100 * kBlock, 5}));
  cache.get({50 * kBlock, 1}, fetch);  // beyond the budget: blocks 0 and 1 were used before others
  EXPECT_EQ(fake.asked.size(), 4u);
  cache.get({3 * kBlock, 1}, fetch);
  EXPECT_EQ(fake.asked.size(), 4u);
  cache.get({0, 1}, fetch);
  EXPECT_EQ(fake.asked.size(), 5u);
}

}  // namespace
}  // namespace lamella::io
