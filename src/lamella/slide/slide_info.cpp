// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/slide_info.h"

namespace lamella::slide {

std::string_view to_string(MppSource source) {
  switch (source) {
    case MppSource::kNone:
      return "none";
    case MppSource::kVendor:
      return "vendor";
    case MppSource::kResolutionTags:
      return "resolution tags";
    case MppSource::kUser:
      return "user";
  }
  return "none";
}

int level_for_downsample(const SlideInfo& info, double downsample) {
  int best = 0;
  for (size_t level = 1; level < info.levels.size(); ++level) {
    const LevelInfo& candidate = info.levels[level];
    const double mean = (candidate.downsample_x + candidate.downsample_y) / 2;
    if (mean <= downsample * 1.01) best = static_cast<int>(level);
  }
  return best;
}

}  // namespace lamella::slide
