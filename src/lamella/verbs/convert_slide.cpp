// SPDX-License-Identifier: Apache-2.0
// Slides out: JPEG tiles are copied as they are stored, levels that are missing are made.
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/imagefile/slide_tiff.h"
#include "lamella/io/files.h"
#include "lamella/slide/stored_tiles.h"
#include "lamella/verbs/convert_kinds_internal.h"

namespace lamella::verbs {

namespace {

void add_pictures(const slide::Slide& slide, imagefile::SlideTiff& tiff) {
  for (const std::string& name : slide.info().associated_images) {
    tiff.pictures.push_back(slide.read_associated_image(name));
    tiff.picture_names.push_back(name);
  }
}

// The levels from the finest on whose tiles can be copied.
void add_copied(const slide::Slide& slide, const slide::StoredTileSource& source,
                imagefile::SlideTiff& tiff) {
  const auto& levels = slide.info().levels;
  for (int level = 0; level < static_cast<int>(levels.size()); ++level) {
    std::optional<slide::StoredTiles> stored = source.stored_tiles(level);
    if (!stored) return;
    const slide::LevelInfo& facts = levels[static_cast<size_t>(level)];
    tiff.levels.push_back({facts.size_px,
                           {facts.tile_px, std::move(stored->tables), stored->ycbcr,
                            stored->subsampling_x, stored->subsampling_y},
                           [&source, level](int64_t column, int64_t row) {
                             return source.read_stored_tile(level, {column, row});
                           }});
  }
}

std::string description_of(const slide::Slide& slide, const imagefile::SlideTiff& tiff,
                           const std::string& name, bool ome) {
  const slide::SlideInfo& info = slide.info();
  if (!ome) {
    std::string text = "lamella " LAMELLA_VERSION;
    if (info.mpp) text += fmt::format("\nMPP = {}", (info.mpp->x + info.mpp->y) / 2);
    return text;
  }
  OmeImage image{
      .name = name, .type = "uint8", .size_px = info.size_px(), .channels = 3, .mpp = info.mpp};
  for (size_t i = 0; i < tiff.pictures.size(); ++i) {
    image.pictures.emplace_back(tiff.picture_names[i], SizePx{tiff.pictures[i].view().width,
                                                              tiff.pictures[i].view().height});
  }
  return ome_xml(image);
}

// Level 0 is encoded anew where its tiles cannot be copied.
void write_encoded(const slide::Slide& slide, const std::string& out, const ConvertOptions& options,
                   const std::string& description) {
  imagefile::TiffOptions tiff;
  tiff.jpeg_quality = options.jpeg_quality;
  tiff.mpp = slide.info().mpp;
  tiff.description = description;
  imagefile::write_pyramid_tiff(out, slide.info().size_px(), tiff,
                                [&](const RectPx& rect, const MutableImageView& to) {
                                  copy_pixels(slide::read_region(slide, 0, rect).view(), to);
                                });
}

}  // namespace

Converted convert_slide(const ConvertJob& job, const Context& context) {
  const slide::Slide& slide = *job.slide;
  const slide::SlideInfo& info = slide.info();
  const std::string name = to_lower(job.out);
  const bool ome =
      job.options.to == "ome-tiff" || name.ends_with(".ome.tif") || name.ends_with(".ome.tiff");
  Converted converted{job.in, job.out, info.format, ome ? "OME-TIFF" : "TIFF", {}, info.warnings};
  imagefile::SlideTiff tiff;
  tiff.made_quality = job.options.jpeg_quality;
  tiff.mpp = info.mpp;
  tiff.levels_as_sub_ifds = ome;
  if (job.options.keep_pictures) {
    add_pictures(slide, tiff);
  } else if (!info.associated_images.empty()) {
    converted.warnings.push_back(
        fmt::format("left out, as they may name the patient: {} "
                    "(`keep_pictures` keeps them)",
                    join(info.associated_images, ", ")));
  }
  const auto* source = slide::stored_tiles_of(slide);
  if (source) add_copied(slide, *source, tiff);
  if (tiff.levels.empty()) {
    converted.warnings.push_back(
        fmt::format("its tiles ({}) are no JPEG tiles of a TIFF: all levels are encoded anew as "
                    "JPEG of quality {}",
                    info.levels.front().compression, job.options.jpeg_quality));
    if (ome) {
      throw Error(ErrorCode::kUnsupported,
                  "OME-TIFF is written of JPEG tiles that can be copied; write a .tiff of this "
                  "slide",
                  job.in);
    }
    write_encoded(slide, job.out, job.options, description_of(slide, tiff, io::stem(job.in), ome));
    return converted;
  }
  const int last = static_cast<int>(tiff.levels.size()) - 1;
  if (last + 1 < static_cast<int>(info.levels.size())) {
    converted.warnings.push_back(
        fmt::format("levels from {} on cannot be copied and are made anew", last + 1));
  }
  tiff.icc = source->icc_profile();
  tiff.fill = [&](size_t level, const RectPx& rect, const MutableImageView& to) {
    context.cancel.check();
    copy_pixels(slide::read_region(slide, static_cast<int>(level), rect).view(), to);
  };
  tiff.description = description_of(slide, tiff, io::stem(job.in), ome);
  imagefile::write_slide_tiff(tiff, job.out);
  slide.require_unchanged();
  converted.counts = {{"levels copied", static_cast<double>(tiff.levels.size())},
                      {"levels made", static_cast<double>(imagefile::made_levels(tiff).size())},
                      {"pictures", static_cast<double>(tiff.pictures.size())}};
  return converted;
}

}  // namespace lamella::verbs
