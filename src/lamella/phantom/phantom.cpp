// SPDX-License-Identifier: Apache-2.0
#include "lamella/phantom/phantom.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <opencv2/imgproc.hpp>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/base/random.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/csv.h"
#include "lamella/io/files.h"
#include "lamella/phantom/painter_internal.h"

namespace lamella::phantom {

namespace {

int patient_count(const PhantomOptions& options) {
  return options.patients == 0 ? options.slides : options.patients;
}

// The last patients are test; with two patients or more both roles have one, if asked for at all.
int test_patient_count(const PhantomOptions& options) {
  const int patients = patient_count(options);
  if (options.test_fraction == 0 || patients < 2) return 0;
  const auto wanted = static_cast<int>(std::lround(options.test_fraction * patients));
  return std::clamp(wanted, 1, patients - 1);
}

PhantomSlide name_slide(const std::string& folder, const PhantomOptions& options, int index) {
  const int patients = patient_count(options);
  const auto patient = static_cast<int>(int64_t{index} * patients / options.slides);
  PhantomSlide slide;
  slide.slide_id = fmt::format("phantom_{:02}", index + 1);
  slide.patient_id = fmt::format("patient_{:02}", patient + 1);
  slide.role = patient >= patients - test_patient_count(options) ? "test" : "train";
  slide.path = io::resolve(folder, slide.slide_id + ".tif");
  slide.annotation_path = io::resolve(folder, slide.slide_id + ".xml");
  return slide;
}

annotation::AnnotationSet outlines(const Layout& layout, const PhantomOptions& options) {
  annotation::AnnotationSet set;
  set.groups = {"Tumor"};
  for (size_t i = 0; i < layout.nests.size(); ++i) {
    std::vector<cv::Point2f> ring, simple;
    for (const PointF& p : layout.nests[i].outline_um(256)) {
      ring.emplace_back(static_cast<float>(p.x / options.mpp),
                        static_cast<float>(p.y / options.mpp));
    }
    cv::approxPolyDP(ring, simple, 1.0, true);
    annotation::Polygon polygon{
        .name = fmt::format("nest {}", i + 1), .group = "Tumor", .ring = {}};
    for (const cv::Point2f& p : simple) {
      // A tenth of a pixel is finer than any hand.
      polygon.ring.push_back({std::round(p.x * 10.0) / 10, std::round(p.y * 10.0) / 10});
    }
    set.polygons.push_back(std::move(polygon));
  }
  return set;
}

int64_t columns_of_tiles(const PhantomOptions& options) {
  return (options.size_px.width + options.tile_px - 1) / options.tile_px;
}

int64_t rows_of_tiles(const PhantomOptions& options) {
  return (options.size_px.height + options.tile_px - 1) / options.tile_px;
}

// Paints a row of tiles at once, in parallel, and hands its tiles out.
class RowPainter {
 public:
  RowPainter(const Painter& painter, const PhantomOptions& options, const Context& context,
             int slide_index)
      : painter_(painter),
        options_(options),
        context_(context),
        slide_index_(slide_index),
        columns_(columns_of_tiles(options)),
        rows_(rows_of_tiles(options)),
        band_(static_cast<int>(options.size_px.width), options.tile_px, 3),
        planes_(static_cast<size_t>(std::max(1, context.threads))) {}

  void operator()(const RectPx& rect, const MutableImageView& out) {
    if (rect.x == 0) paint_row(rect.y, rect.height);
    copy_pixels(crop(ImageView(band_.view()), {rect.x, 0, rect.width, rect.height}), out);
  }

 private:
  void paint_row(int64_t top, int64_t height) {
    context_.cancel.check();
    const int64_t row = top / options_.tile_px;
    context_.report("phantom", (slide_index_ * rows_ + row) * columns_,
                    options_.slides * rows_ * columns_, "tiles");
    parallel_for(columns_, std::max(1, context_.threads), [&](int64_t column, int worker) {
      const int64_t x = column * options_.tile_px;
      const int64_t width = std::min<int64_t>(options_.tile_px, options_.size_px.width - x);
      const RectPx rect = {x, top, width, height};
      const MutableImageView out = crop(band_.view(), {x, 0, width, height});
      if (options_.sparse && painter_.is_glass(rect)) {
        for (int y = 0; y < out.height; ++y) {
          std::memset(out.row(y), 255, static_cast<size_t>(out.width) * 3);
        }
        return;
      }
      painter_.paint(rect, planes_[static_cast<size_t>(worker)], out);
    });
  }

  const Painter& painter_;
  const PhantomOptions& options_;
  const Context& context_;
  int64_t slide_index_;
  int64_t columns_;
  int64_t rows_;
  Image band_;
  std::vector<DyePlanes> planes_;
};

void write_table(const std::string& folder, const std::vector<PhantomSlide>& slides) {
  std::string text = "slide_id,path,patient_id,role,annotations\n";
  for (const PhantomSlide& slide : slides) {
    text +=
        fmt::format("{0},{0}.tif,{1},{2},{0}.xml\n", slide.slide_id, slide.patient_id, slide.role);
  }
  io::write_file_atomic(io::resolve(folder, "slides.csv"), text);
}

}  // namespace

void PhantomOptions::validate() const {
  table().check(*this);
  const auto require = [](bool good, const std::string& message) {
    if (!good) throw Error(ErrorCode::kInvalidArgument, message);
  };
  require(patients <= slides,
          fmt::format("`patients`: found {}, expected 0 (one a slide) to {}, the number of slides",
                      patients, slides));
  const double side_um = static_cast<double>(std::min(size_px.width, size_px.height)) * mpp;
  require(side_um >= 100, fmt::format("the slide's shorter side is {:.0f} µm ({} px at {} µm/px); "
                                      "nests and normal tissue need at least 100 µm",
                                      side_um, std::min(size_px.width, size_px.height), mpp));
  require(tile_px % 16 == 0,
          fmt::format("`tile_px`: found {}, expected a multiple of 16", tile_px));
  require(side_um * tissue_scale >= 100,
          fmt::format("`tissue_scale`: found {} on a slide of {:.0f} µm; nests and normal tissue "
                      "need at least 100 µm",
                      tissue_scale, side_um));
  require(test_fraction < 1,
          fmt::format("`test_fraction`: found {}, expected less than 1", test_fraction));
}

std::vector<PhantomSlide> make_phantom(const std::string& folder, const PhantomOptions& options,
                                       const Context& context) {
  options.validate();
  io::require_writable_folder(folder);
  std::vector<PhantomSlide> slides;
  for (int i = 0; i < options.slides; ++i) {
    const PhantomSlide slide = name_slide(folder, options, i);
    const Painter painter(make_layout(derive_seed(options.seed, slide.slide_id),
                                      derive_seed(options.seed, slide.patient_id), options.size_px,
                                      options.mpp, options.tissue_scale),
                          options.mpp);
    imagefile::TiffOptions tiff;
    tiff.tile_px = options.tile_px;
    tiff.jpeg_quality = options.jpeg_quality;
    tiff.mpp = Mpp{options.mpp, options.mpp};
    tiff.leave_out_white = options.sparse;
    tiff.description =
        "lamella phantom: synthetic, proves that code works, never that medicine does";
    RowPainter rows(painter, options, context, i);
    imagefile::write_pyramid_tiff(slide.path, options.size_px, tiff, std::ref(rows));
    annotation::write_annotations(outlines(painter.layout(), options), "asap",
                                  slide.annotation_path);
    slides.push_back(slide);
  }
  write_table(folder, slides);
  const int64_t tiles = rows_of_tiles(options) * columns_of_tiles(options) * options.slides;
  context.report("phantom", tiles, tiles, "tiles");
  return slides;
}

}  // namespace lamella::phantom
