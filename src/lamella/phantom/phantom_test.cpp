// SPDX-License-Identifier: Apache-2.0
#include "lamella/phantom/phantom.h"

#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "lamella/annotation/coverage.h"
#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/io/csv.h"
#include "lamella/io/files.h"
#include "lamella/phantom/painter_internal.h"

namespace lamella::phantom {
namespace {

PhantomOptions small_options() {
  PhantomOptions options;
  options.slides = 1;
  options.size_px = {900, 700};
  options.mpp = 1.0;
  return options;
}

class PhantomTest : public ::testing::Test {
 protected:
  void SetUp() override { folder_ = new_folder(); }
  void TearDown() override {
    for (const auto& folder : folders_) std::filesystem::remove_all(folder);
  }
  std::string new_folder() {
    std::string pattern = ::testing::TempDir() + "lamella_phantom_XXXXXX";
    folders_.push_back(::mkdtemp(pattern.data()));
    return folders_.back();
  }
  std::vector<std::string> folders_;
  std::string folder_;
  Context context_;
};

std::string bytes_of(const std::string& path) { return io::read_text_file(path); }

double shoelace(const std::vector<PointF>& ring) {
  double sum = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const PointF &a = ring[i], &b = ring[(i + 1) % ring.size()];
    sum += a.x * b.y - b.x * a.y;
  }
  return std::abs(sum) / 2;
}

TEST_F(PhantomTest, SameSeedSameBytesForAnyThreadsAndNeighbours) {
  PhantomOptions options = small_options();
  options.slides = 2;
  context_.threads = 1;
  make_phantom(folder_, options, context_);
  const std::string other = new_folder();
  context_.threads = 2;
  options.slides = 3;
  make_phantom(other, options, context_);
  for (const char* name : {"/phantom_01.tif", "/phantom_01.xml", "/phantom_02.tif"}) {
    EXPECT_EQ(bytes_of(folder_ + name), bytes_of(other + name)) << name;
  }
  EXPECT_NE(bytes_of(folder_ + "/phantom_01.tif"), bytes_of(folder_ + "/phantom_02.tif"));
  options.seed = 2;
  options.slides = 1;
  make_phantom(other, options, context_);
  EXPECT_NE(bytes_of(folder_ + "/phantom_01.tif"), bytes_of(other + "/phantom_01.tif"));
}

TEST_F(PhantomTest, TilesAgreeAtTheirSeams) {
  // Painted whole and painted in tiles must be the same picture.
  const Painter painter(make_layout(5, 6, {512, 512}, 0.5), 0.5);
  DyePlanes planes;
  Image whole(512, 512, 3), tiled(512, 512, 3);
  painter.paint({0, 0, 512, 512}, planes, whole.view());
  for (int64_t y = 0; y < 512; y += 128) {
    for (int64_t x = 0; x < 512; x += 128) {
      painter.paint({x, y, 128, 128}, planes, crop(tiled.view(), {x, y, 128, 128}));
    }
  }
  int64_t different = 0;
  for (size_t i = 0; i < whole.bytes().size(); ++i) {
    different += std::abs(whole.bytes()[i] - tiled.bytes()[i]) > 1;
  }
  // Rounding of a coordinate may move a texel here and there.
  EXPECT_LT(different, 512 * 512 * 3 / 1000);
}

TEST_F(PhantomTest, SparseSlidesLeaveOutGlassAndNothingElse) {
  PhantomOptions options = small_options();
  options.size_px = {3000, 2600};
  options.tissue_scale = 0.25;
  const std::string other = new_folder();
  make_phantom(folder_, options, context_);
  options.sparse = true;
  context_.threads = 2;
  make_phantom(other, options, context_);
  EXPECT_EQ(bytes_of(folder_ + "/phantom_01.xml"), bytes_of(other + "/phantom_01.xml"));
  TIFF* whole = TIFFOpen((folder_ + "/phantom_01.tif").c_str(), "r");
  TIFF* sparse = TIFFOpen((other + "/phantom_01.tif").c_str(), "r");
  ASSERT_TRUE(whole && sparse);
  TIFFSetField(whole, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  std::vector<uint8_t> tile(static_cast<size_t>(TIFFTileSize(whole)));
  int left_out = 0, stored = 0;
  for (uint32_t i = 0; i < TIFFNumberOfTiles(sparse); ++i) {
    if (TIFFGetStrileByteCount(sparse, i) > 0) {
      EXPECT_EQ(TIFFGetStrileByteCount(sparse, i), TIFFGetStrileByteCount(whole, i));
      ++stored;
      continue;
    }
    ++left_out;
    ASSERT_GT(TIFFReadEncodedTile(whole, i, tile.data(), TIFFTileSize(whole)), 0);
    EXPECT_GT(*std::min_element(tile.begin(), tile.end()), 225) << "tile " << i << " is no glass";
  }
  EXPECT_GT(left_out, 40);
  EXPECT_GT(stored, 4);
  TIFFClose(whole);
  TIFFClose(sparse);
}

TEST_F(PhantomTest, SmallTissueHasNestsInIt) {
  for (const double scale : {0.05, 0.1, 0.5}) {
    const Layout layout = make_layout(11, 12, {20000, 20000}, 0.5, scale);
    EXPECT_GE(layout.nests.size(), 3u) << scale;
    double nests = 0;
    for (const Blob& nest : layout.nests) nests += nest.area_um2();
    EXPECT_GT(nests / layout.tissue_um2, 0.08) << scale;
    EXPECT_LT(nests / layout.tissue_um2, 0.35) << scale;
    EXPECT_LT(layout.tissue_um2, 1e8 * scale * scale) << scale;
  }
}

TEST_F(PhantomTest, LevelsAndTags) {
  make_phantom(folder_, small_options(), context_);
  TIFF* tiff = TIFFOpen((folder_ + "/phantom_01.tif").c_str(), "r");
  ASSERT_NE(tiff, nullptr);
  const std::vector<SizePx> levels = {{900, 700}, {450, 350}, {225, 175}};
  ASSERT_EQ(TIFFNumberOfDirectories(tiff), 3);
  for (uint16_t i = 0; i < 3; ++i) {
    TIFFSetDirectory(tiff, i);
    uint32_t width = 0, height = 0;
    float resolution = 0;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &resolution);
    EXPECT_EQ((SizePx{width, height}), levels[i]);
    EXPECT_NEAR(resolution, 1e4 / (1 << i), 0.01);  // px per cm at 1.0 µm/px
  }
  TIFFSetDirectory(tiff, 0);
  char* description = nullptr;
  ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description), 1);
  EXPECT_NE(std::string(description).find("synthetic"), std::string::npos);
  TIFFClose(tiff);
}

TEST_F(PhantomTest, PolygonsLieInTheSlideAndCoverTheirShare) {
  for (const uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    const Layout layout = make_layout(derive_seed(seed, "a"), seed, {6000, 4500}, 0.5);
    double tumour = 0;
    ASSERT_GE(layout.nests.size(), 3u) << seed;
    for (const Blob& nest : layout.nests) {
      const auto ring = nest.outline_um(256);
      tumour += shoelace(ring);
      EXPECT_NEAR(nest.area_um2(), shoelace(ring), 0.01 * shoelace(ring));
      for (const PointF& p : ring) {
        ASSERT_TRUE(p.x > 0 && p.y > 0 && p.x < 3000 && p.y < 2250);
      }
    }
    EXPECT_GT(tumour / layout.tissue_um2, 0.15) << seed;
    EXPECT_LT(tumour / layout.tissue_um2, 0.35) << seed;
    EXPECT_GT(layout.tissue_um2, 0.3 * 3000 * 2250) << seed;
  }
}

TEST_F(PhantomTest, TumourIsDarkerAndBluerThanTheTissueRoundIt) {
  for (const uint64_t seed : {11u, 12u, 13u}) {
    const Layout layout = make_layout(seed, seed + 100, {1600, 1200}, 1.0);
    const Painter painter(layout, 1.0);
    DyePlanes planes;
    Image image(1600, 1200, 3);
    painter.paint({0, 0, 1600, 1200}, planes, image.view());
    double tumour[3] = {}, normal[3] = {}, glass[3] = {};
    int64_t counts[3] = {};
    for (int y = 0; y < 1200; y += 2) {
      for (int x = 0; x < 1600; x += 2) {
        const double tissue = layout.tissue_depth_um(x, y), nest = layout.nest_depth_um(x, y);
        const bool is_tumour = nest > 0, is_normal = tissue > 30 && nest < -10;
        const bool is_glass = tissue < -40;
        double* sum = is_tumour ? tumour : is_normal ? normal : is_glass ? glass : nullptr;
        if (sum == nullptr) continue;
        ++counts[is_tumour ? 0 : is_normal ? 1 : 2];
        for (int c = 0; c < 3; ++c) sum[c] += image.row(y)[3 * x + c];
      }
    }
    for (int64_t count : counts) ASSERT_GT(count, 1000) << seed;
    for (int c = 0; c < 3; ++c) {
      tumour[c] /= double(counts[0]);
      normal[c] /= double(counts[1]);
      glass[c] /= double(counts[2]);
    }
    EXPECT_LT(tumour[0] + tumour[1] + tumour[2], normal[0] + normal[1] + normal[2] - 90) << seed;
    EXPECT_GT(tumour[2] - tumour[0], normal[2] - normal[0] + 15) << seed;  // bluer
    EXPECT_GT(normal[0] - normal[1], 25) << seed;                          // pink
    EXPECT_GT(glass[0], 225) << seed;                                      // white but for the pen
  }
}

TEST_F(PhantomTest, TableNamesFilesPatientsAndRoles) {
  PhantomOptions options = small_options();
  options.slides = 6;
  options.patients = 3;
  options.size_px = {300, 256};
  const auto slides = make_phantom(folder_, options, context_);
  const auto rows = io::read_csv(folder_ + "/slides.csv");
  ASSERT_EQ(rows.size(), 7u);
  EXPECT_EQ(rows[0].fields,
            (std::vector<std::string>{"slide_id", "path", "patient_id", "role", "annotations"}));
  const std::vector<std::string> patients = {"patient_01", "patient_01", "patient_02",
                                             "patient_02", "patient_03", "patient_03"};
  for (size_t i = 0; i < 6; ++i) {
    const auto& fields = rows[i + 1].fields;
    const std::string id = "phantom_0" + std::to_string(i + 1);
    const std::string role = i < 4 ? "train" : "test";  // a third of three patients: the last
    EXPECT_EQ(fields, (std::vector<std::string>{id, id + ".tif", patients[i], role, id + ".xml"}));
    EXPECT_EQ(slides[i].slide_id, id);
    EXPECT_EQ(slides[i].role, role);
    EXPECT_TRUE(io::exists(slides[i].path));
    const auto set = annotation::read_annotations(slides[i].annotation_path);
    const annotation::Coverage coverage(set, {"Tumor"}, {});
    EXPECT_GT(coverage.area(), 0.01 * 300 * 256);
    const RectF bounds = coverage.bounds();
    EXPECT_GE(bounds.x, 0);
    EXPECT_GE(bounds.y, 0);
    EXPECT_LE(bounds.x + bounds.width, 300);
    EXPECT_LE(bounds.y + bounds.height, 256);
  }
}

TEST_F(PhantomTest, DefaultRolesAreFourAndTwo) {
  PhantomOptions options = small_options();
  options.slides = 6;
  options.size_px = {256, 256};
  const auto slides = make_phantom(folder_, options, context_);
  std::set<std::string> patients;
  int test = 0;
  for (const auto& slide : slides) {
    patients.insert(slide.patient_id);
    test += slide.role == "test";
  }
  EXPECT_EQ(patients.size(), 6u);
  EXPECT_EQ(test, 2);
  options.slides = 1;
  EXPECT_EQ(make_phantom(folder_, options, context_)[0].role, "train");
  options.slides = 2;
  options.test_fraction = 0;
  EXPECT_EQ(make_phantom(folder_, options, context_)[1].role, "train");
}

TEST_F(PhantomTest, TinySlidesHaveBothClasses) {
  for (const uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
    for (const double mpp : {0.25, 0.5, 4.0}) {
      const Layout layout = make_layout(seed, seed, {512, 512}, mpp);
      double tumour = 0;
      for (const Blob& nest : layout.nests) tumour += nest.area_um2();
      EXPECT_GT(tumour, 0.1 * layout.tissue_um2) << seed << " " << mpp;
      EXPECT_LT(tumour, 0.4 * layout.tissue_um2) << seed << " " << mpp;
    }
  }
}

TEST_F(PhantomTest, ProgressAndCancel) {
  PhantomOptions options = small_options();
  options.slides = 2;
  int64_t last = -1, total = 0;
  context_.progress = [&](const Progress& progress) {
    EXPECT_GT(progress.done, last);
    last = progress.done;
    total = progress.total;
  };
  make_phantom(folder_, options, context_);
  EXPECT_EQ(total, 2 * 4 * 3);  // two slides of 4 x 3 tiles of 256 px
  EXPECT_EQ(last, total);

  const std::string other = new_folder();
  context_.progress = [&](const Progress& progress) {
    if (progress.done > 0) context_.cancel.request();
  };
  try {
    make_phantom(other, options, context_);
    FAIL() << "not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  }
  EXPECT_TRUE(std::filesystem::is_empty(other));
}

TEST_F(PhantomTest, BadOptions) {
  const auto refused = [&](auto change) {
    PhantomOptions options = small_options();
    change(options);
    try {
      make_phantom(folder_, options, context_);
    } catch (const Error& error) {
      return error.code() == ErrorCode::kInvalidArgument;
    }
    return false;
  };
  EXPECT_TRUE(refused([](auto& o) { o.slides = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.patients = 2; }));
  EXPECT_TRUE(refused([](auto& o) { o.patients = -1; }));
  EXPECT_TRUE(refused([](auto& o) { o.size_px = {255, 700}; }));
  EXPECT_TRUE(refused([](auto& o) { o.size_px = {700, 1000000}; }));
  EXPECT_TRUE(refused([](auto& o) { o.mpp = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.mpp = std::nan(""); }));
  EXPECT_TRUE(refused([](auto& o) {
    o.size_px = {300, 300};
    o.mpp = 0.2;
  }));
  EXPECT_TRUE(refused([](auto& o) { o.tile_px = 100; }));
  EXPECT_TRUE(refused([](auto& o) { o.jpeg_quality = 101; }));
  EXPECT_TRUE(refused([](auto& o) { o.test_fraction = 1; }));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  EXPECT_THROW(make_phantom("/proc/lamella", small_options(), context_), Error);
}

}  // namespace
}  // namespace lamella::phantom
