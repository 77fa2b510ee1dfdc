// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/slide/formats_internal.h"

namespace lamella::slide {

namespace {

// A copy reduced by 2 or 4 that kept its tags is common, so the user's word must count against the
// file's; an objective's power given as mpp, or a lost digit, is further off.
constexpr double kAbsurdRatio = 8;
// Scanners with one objective differ by less, also those with a lens that doubles.
constexpr double kDoubtfulRatio = 1.8;
constexpr double kLargestGlassMm = 130;  // of whole-organ sections

bool plausible(const Mpp& mpp) {
  return std::min(mpp.x, mpp.y) >= kMinPlausibleMpp && std::max(mpp.x, mpp.y) <= kMaxPlausibleMpp;
}

double mean(const Mpp& mpp) { return (mpp.x + mpp.y) / 2; }

// How often the smaller is in the larger.
double ratio(double a, double b) { return std::max(a, b) / std::min(a, b); }

void check_user(SlideInfo& info, double user) {
  if (!plausible({user, user})) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("an mpp of {:g} was given; expected µm per pixel at level 0, {:g} to "
                            "{:g}",
                            user, kMinPlausibleMpp, kMaxPlausibleMpp),
                info.path);
  }
  if (!info.mpp) return;
  const double file = mean(*info.mpp), factor = ratio(user, file);
  if (factor >= kAbsurdRatio) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("an mpp of {:g} was given and the file says {:g} ({}), {:.3g} times "
                            "as much or as little; expected µm per pixel at level 0, not the "
                            "objective's power",
                            user, file, to_string(info.mpp_source), factor),
                info.path);
  }
  if (factor > 1.05) {
    info.warnings.push_back(
        fmt::format("an mpp of {:g} was given and is taken; the file says "
                    "{:g} ({})",
                    user, file, to_string(info.mpp_source)));
  }
}

}  // namespace

void settle_mpp(SlideInfo& info, const MppSources& sources) {
  const auto& [user, vendor, resolution] = sources;
  const bool tags = resolution && plausible(*resolution);
  if (vendor && plausible(*vendor)) {
    info.mpp = vendor;
    info.mpp_source = MppSource::kVendor;
    if (tags && ratio(mean(*vendor), mean(*resolution)) > 1.1) {
      info.warnings.push_back(
          fmt::format("its description says {:g} µm/px, which is taken, and "
                      "its resolution tags {:g} µm/px",
                      mean(*vendor), mean(*resolution)));
    }
  } else if (tags) {
    info.mpp = resolution;
    info.mpp_source = MppSource::kResolutionTags;
  }
  if (!user) return;
  check_user(info, *user);
  info.mpp = Mpp{*user, *user};
  info.mpp_source = MppSource::kUser;
}

void doubt_mpp(SlideInfo& info) {
  if (!info.mpp) return;
  const double mpp = mean(*info.mpp);
  const SizePx size = info.size_px();
  const double longer_mm = std::max(static_cast<double>(size.width) * info.mpp->x,
                                    static_cast<double>(size.height) * info.mpp->y) /
                           1000;
  if (longer_mm > kLargestGlassMm) {
    info.warnings.push_back(
        fmt::format("at {:g} µm/px ({}) the slide is {:.0f} mm long, more than a glass is ({:g} mm "
                    "at most); is "
                    "the mpp right?",
                    mpp, to_string(info.mpp_source), longer_mm, kLargestGlassMm));
  }
  if (!info.objective_power) return;
  const double by_power = 10 / *info.objective_power;
  if (ratio(mpp, by_power) >= kDoubtfulRatio) {
    info.warnings.push_back(fmt::format(
        "its scale is {:g} µm/px ({}), and its objective of {:g}x makes about {:g} µm/px; is the "
        "mpp right?",
        mpp, to_string(info.mpp_source), *info.objective_power, by_power));
  }
}

}  // namespace lamella::slide
