// SPDX-License-Identifier: Apache-2.0
// Plain TIFF, pyramidal or not, that no vendor claims.
#include <string>

#include "lamella/slide/formats_internal.h"
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

std::shared_ptr<const Slide> open(const Candidate& candidate) {
  const TiffFile& tiff = *candidate.tiff;
  const TiffDirectory& first = tiff.directories.front();
  SlideInfo info;
  info.format = "tiff";
  if (!first.description.empty()) info.properties["tiff.ImageDescription"] = first.description;
  if (!first.software.empty()) info.properties["tiff.Software"] = first.software;
  if (!first.make.empty()) info.properties["tiff.Make"] = first.make;
  settle_mpp(info, candidate.mpp, std::nullopt, mpp_from_resolution(first));
  return make_tiff_slide(candidate, {pyramid_levels(tiff), {}}, std::move(info));
}

}  // namespace

const Format kTiffFormat = {"tiff", &detect, &open};

}  // namespace lamella::slide
