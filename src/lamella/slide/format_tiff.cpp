// SPDX-License-Identifier: Apache-2.0
// Plain TIFF, pyramidal or not, that no vendor claims.
#include <string>

#include "lamella/base/error.h"
#include "lamella/slide/formats_internal.h"
#include "lamella/slide/tiff_layout_internal.h"
#include "lamella/slide/tiff_slide_internal.h"

namespace lamella::slide {

namespace {

// Vendors whose TIFFs mean more than their directories say; they are OpenSlide's.
bool is_vendors(const TiffFile& tiff) {
  const TiffDirectory& first = tiff.directories.front();
  const auto contains = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  return contains(first.make, "Hamamatsu") || first.software.starts_with("Philips") ||
         first.software.starts_with("MedScan") || first.software.starts_with("ARGOS") ||
         contains(first.description, "leica-microsystems.com/scn") ||
         contains(first.xmp, "iScan") ||
         (contains(first.description, "level=") && contains(first.description, "mag="));
}

bool detect(const Candidate& candidate) { return candidate.tiff && !is_vendors(*candidate.tiff); }

std::string describe_levels(const TiffFile& file, const TiffLayout& layout, size_t image) {
  const TiffImage& chosen = layout.images[image];
  std::string text = layout.kind;
  if (chosen.levels.front().directories.size() > 1) text += ", red, green and blue as pages";
  if (chosen.levels.size() < 2) return text;
  return text + (chosen.levels[1].facts(file).parent ? ", levels in SubIFDs" : ", levels as pages");
}

std::shared_ptr<const Slide> open(const Candidate& candidate) {
  const TiffFile& tiff = *candidate.tiff;
  const TiffDirectory& first = tiff.directories.front();
  SlideInfo info;
  info.path = candidate.path();
  info.format = "tiff";
  if (!first.description.empty()) info.properties["tiff.ImageDescription"] = first.description;
  if (!first.software.empty()) info.properties["tiff.Software"] = first.software;
  if (!first.make.empty()) info.properties["tiff.Make"] = first.make;
  TiffLayout layout = find_layout(tiff);
  try {
    info.image = choose_image(tiff, candidate.image, layout);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), info.path);
  }
  info.layout = describe_levels(tiff, layout, info.image);
  for (const TiffImage& image : layout.images) {
    info.images.push_back({image.name, image.levels.front().facts(tiff).size_px,
                           static_cast<int>(image.levels.size())});
  }
  TiffImage& chosen = layout.images[info.image];
  info.objective_power = chosen.objective_power;
  info.warnings = std::move(layout.warnings);
  settle_mpp(info,
             {candidate.mpp, chosen.mpp, mpp_from_resolution(chosen.levels.front().facts(tiff))});
  return make_tiff_slide(candidate, {std::move(chosen.levels), std::move(layout.associated), false},
                         std::move(info));
}

}  // namespace

extern const Format kTiffFormat;
const Format kTiffFormat = {"TIFF and BigTIFF, pyramidal or not", ".tif .tiff", &detect, &open};

}  // namespace lamella::slide
