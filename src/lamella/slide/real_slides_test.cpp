// SPDX-License-Identifier: Apache-2.0
// The real slides: our own reading beside OpenSlide's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/region_reader.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {
namespace {

std::string data_folder() {
  const char* set = std::getenv("LAMELLA_TEST_DATA");
  return set && *set ? set : LAMELLA_SOURCE_DIR "/../shared/data";
}

std::string data_file(const std::string& name) { return data_folder() + "/" + name; }

#define REQUIRE_DATA(name)                                                  \
  if (!std::filesystem::exists(data_file(name))) {                          \
    GTEST_SKIP() << data_file(name) << " is absent; set LAMELLA_TEST_DATA"; \
  }
#define REQUIRE_OPENSLIDE() \
  if (!openslide_library().library) GTEST_SKIP() << openslide_version()

OpenOptions by(OpenOptions::Backend backend) {
  OpenOptions options;
  options.backend = backend;
  return options;
}

struct RealSlide {
  const char* name;
  int tolerance;
  int count;
};

void PrintTo(const RealSlide& slide, std::ostream* out) { *out << slide.name; }

class BesideOpenSlide : public testing::TestWithParam<RealSlide> {};

int largest_difference(const Image& a, const Image& b) {
  int largest = a.bytes().size() == b.bytes().size() ? 0 : 256;
  for (size_t i = 0; i < a.bytes().size() && largest < 256; ++i) {
    largest = std::max(largest, std::abs(int{a.bytes()[i]} - int{b.bytes()[i]}));
  }
  return largest;
}

TEST_P(BesideOpenSlide, RandomRegionsOfLevel0) {
  REQUIRE_DATA(GetParam().name);
  REQUIRE_OPENSLIDE();
  const std::string path = data_file(GetParam().name);
  const auto ours = open_slide(path, by(OpenOptions::Backend::kLamella));
  const auto theirs = open_slide(path, by(OpenOptions::Backend::kOpenSlide));
  ASSERT_EQ(ours->info().size_px(), theirs->info().size_px());
  ASSERT_EQ(ours->info().levels.size(), theirs->info().levels.size());
  const SizePx size = ours->info().size_px();

  Random random(7);
  ReadRequest request;
  for (int i = 0; i < GetParam().count; ++i) {
    const int64_t side = 1 + static_cast<int64_t>(random.below(150));
    // Borders and the outside are as likely as they can be without being the rule.
    request.regions.push_back(
        {static_cast<int64_t>(random.below(static_cast<uint64_t>(size.width + 200))) - 150,
         static_cast<int64_t>(random.below(static_cast<uint64_t>(size.height + 200))) - 150, side,
         1 + static_cast<int64_t>(random.below(150))});
  }
  RegionReader our_reader(ours, request), their_reader(theirs, request);
  Context context;
  context.threads = 2;
  std::vector<uint32_t> position(request.regions.size());
  std::vector<Image> expected(request.regions.size());
  for (const uint32_t region : their_reader.order()) {
    Image& image = expected[region];
    image = Image(static_cast<int>(request.regions[region].width),
                  static_cast<int>(request.regions[region].height), 3, 7);
    const MutableImageView view = image.view();
    ASSERT_TRUE(their_reader.read_next(std::span(&view, 1), context).empty());
  }
  for (const uint32_t region : our_reader.order()) {
    const RectPx& rect = request.regions[region];
    Image image(static_cast<int>(rect.width), static_cast<int>(rect.height), 3, 99);
    const MutableImageView view = image.view();
    ASSERT_TRUE(our_reader.read_next(std::span(&view, 1), context).empty());
    ASSERT_LE(largest_difference(image, expected[region]), GetParam().tolerance)
        << rect.x << "," << rect.y << " " << rect.width << "x" << rect.height;
  }
}

INSTANTIATE_TEST_SUITE_P(Slides, BesideOpenSlide,
                         testing::Values(RealSlide{"slides/CMU-1-Small-Region.svs", 0, 1000},
                                         RealSlide{"slides/boxes.tiff", 0, 1000},
                                         RealSlide{"slides/small.svs", 0, 100},
                                         RealSlide{"idc/idc_14082.tif", 0, 1000},
                                         RealSlide{"idc/idc_14306.tif", 0, 1000},
                                         RealSlide{"slides/tcga-cr-7395-01a-01-ts1.svs", 1, 1000}));

}  // namespace
}  // namespace lamella::slide
