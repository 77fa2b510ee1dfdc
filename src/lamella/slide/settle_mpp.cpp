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

}  // namespace lamella::slide
