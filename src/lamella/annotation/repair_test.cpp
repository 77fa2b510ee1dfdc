// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/repair.h"

#include <gtest/gtest.h>

#include "lamella/annotation/spline.h"

namespace lamella::annotation {
namespace {

// Shoelace, positive for a ring that goes round as RFC 7946 wants it.
double shoelace(const std::vector<PointF>& ring) {
  double twice = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const PointF &a = ring[i], &b = ring[(i + 1) % ring.size()];
    twice += a.x * b.y - b.x * a.y;
  }
  return twice / 2;
}

TEST(AreaRepair, ABowTieIsTwoTriangles) {
  AreaRepair repair("a");
  const auto outcome = repair.repair({{{0, 0}, {4, 4}, {4, 0}, {0, 4}}});
  EXPECT_TRUE(outcome.crossed);
  ASSERT_EQ(outcome.areas.size(), 2u);
  for (const Area& area : outcome.areas) EXPECT_DOUBLE_EQ(shoelace(area.ring), 4);
}

TEST(AreaRepair, GoodRingsKeepTheirPointsAndAreTurned) {
  AreaRepair repair("a");
  const Area area{{{0, 0}, {0, 8}, {8, 8}, {8, 0}}, {{{2, 2}, {6, 2}, {6, 6}, {2, 6}}}};
  const auto outcome = repair.repair(area);
  EXPECT_FALSE(outcome.crossed);
  EXPECT_FALSE(outcome.repeated);
  ASSERT_EQ(outcome.areas.size(), 1u);
  EXPECT_EQ(outcome.areas[0].ring, (std::vector<PointF>{{8, 0}, {8, 8}, {0, 8}, {0, 0}}));
  EXPECT_DOUBLE_EQ(shoelace(outcome.areas[0].ring), 64);
  EXPECT_DOUBLE_EQ(shoelace(outcome.areas[0].holes[0]), -16);
  EXPECT_DOUBLE_EQ(area_of(outcome.areas[0]), 48);
}

TEST(AreaRepair, RepeatedPointsAreDropped) {
  AreaRepair repair("a");
  const auto outcome = repair.repair({{{0, 0}, {0, 0}, {4, 0}, {4, 4}, {4, 4}, {0, 0}}});
  EXPECT_TRUE(outcome.repeated);
  ASSERT_EQ(outcome.areas.size(), 1u);
  EXPECT_EQ(outcome.areas[0].ring.size(), 3u);
  EXPECT_TRUE(repair.repair({{{0, 0}, {0, 0}, {1, 1}, {0, 0}}}).areas.empty());
  EXPECT_TRUE(repair.repair({{{0, 0}, {1, 1}, {2, 2}}}).areas.empty()) << "a line has no area";
}

TEST(AreaRepair, AHoleThatLeavesItsOutlineCutsIt) {
  AreaRepair repair("a");
  // The hole covers 2 x 4 px of the square.
  const auto outcome =
      repair.repair({{{0, 0}, {8, 0}, {8, 8}, {0, 8}}, {{{6, 2}, {12, 2}, {12, 6}, {6, 6}}}});
  EXPECT_TRUE(outcome.crossed);
  ASSERT_EQ(outcome.areas.size(), 1u);
  EXPECT_TRUE(outcome.areas[0].holes.empty());
  EXPECT_DOUBLE_EQ(area_of(outcome.areas[0]), 56);
}

TEST(AreaRepair, BoxesAreUnited) {
  AreaRepair repair("a");
  // A ring of eight cells of 2 px around an empty one, and a cell that stands alone.
  std::vector<RectF> boxes = {{20, 0, 2, 2}};
  for (int i = 0; i < 9; ++i) {
    if (i != 4) boxes.push_back({2.0 * (i % 3), 2.0 * (i / 3), 2, 2});
  }
  const auto areas = repair.unite(boxes);
  ASSERT_EQ(areas.size(), 2u);
  double sum = 0;
  size_t holes = 0;
  for (const Area& area : areas) {
    sum += area_of(area);
    holes += area.holes.size();
    EXPECT_GT(shoelace(area.ring), 0);
  }
  EXPECT_DOUBLE_EQ(sum, 36);
  EXPECT_EQ(holes, 1u);
}

TEST(BridgedRing, IsOneRingOfTheSameAreaAndComesBack) {
  const Area area{{{0, 0}, {10, 0}, {10, 10}, {0, 10}},
                  {{{2, 2}, {2, 4}, {4, 4}, {4, 2}}, {{6, 3}, {6, 8}, {8, 8}, {8, 3}}}};
  const std::vector<PointF> ring = bridged_ring(area);
  AreaRepair repair("a");
  const auto outcome = repair.repair({ring});
  ASSERT_EQ(outcome.areas.size(), 1u);
  EXPECT_EQ(outcome.areas[0].holes.size(), 2u);
  EXPECT_DOUBLE_EQ(area_of(outcome.areas[0]), 100 - 4 - 10);
}

TEST(Spline, GoesThroughItsPointsAndBulgesByHand) {
  const std::vector<PointF> ring = flatten_spline({{0, 0}, {4, 0}, {4, 4}, {0, 4}, {0, 4}, {0, 0}});
  ASSERT_EQ(ring.size(), 64u);
  EXPECT_EQ(ring[0], (PointF{0, 0}));
  EXPECT_EQ(ring[16], (PointF{4, 0}));
  // Equal distances: (9 (p1 + p2) - p0 - p3) / 16 half way from (0, 0) to (4, 0).
  EXPECT_NEAR(ring[8].x, 2, 1e-12);
  EXPECT_NEAR(ring[8].y, -0.5, 1e-12);
  EXPECT_EQ(flatten_spline({{0, 0}, {1, 1}}).size(), 2u);
}

}  // namespace
}  // namespace lamella::annotation
