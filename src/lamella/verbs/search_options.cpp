// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/search_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"

namespace lamella::verbs {

namespace {

template <typename T>
void refuse_twice(const char* name, std::vector<T> values) {
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  if (twice == values.end()) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("`{}`: found {} twice, expected each value once", name, *twice));
}

}  // namespace

const OptionTable<SearchOptions>& SearchOptions::table() {
  static const auto kTable =
      OptionTable<SearchOptions>()
          .choice("draw", &SearchOptions::draw,
                  {.help = "every combination of the lists, or random ones of them"},
                  {{"grid", SearchDraw::kGrid}, {"random", SearchDraw::kRandom}})
          .choice("by", &SearchOptions::by,
                  {.help = "what is best: of training rows that were held out"},
                  {{"log_loss", SearchBy::kLogLoss}, {"auc", SearchBy::kAuc}})
          .row("trials", &SearchOptions::trials,
               {.help = "combinations at most",
                .least = 1,
                .most = kMaxTrials,
                .otherwise = "all of a grid, 20 random ones"})
          .row("hours", &SearchOptions::hours,
               {.help = "no trial begins later than this after the first",
                .unit = "h",
                .least = 0,
                .above_least = true,
                .otherwise = "no limit"})
          .row("seed", &SearchOptions::seed, {.help = "seed of random ones", .least = 0})
          .row("encoder", &SearchOptions::encoder, {.help = "names or folders of encoders"})
          .row("mpp", &SearchOptions::mpp,
               {.help = "scales of patches", .unit = "µm/px", .least = 0.01, .most = 1000})
          .row("size_px", &SearchOptions::size_px,
               {.help = "sides of patches", .unit = "px", .least = 1, .most = 16384, .whole = true})
          .row("views", &SearchOptions::views,
               {.help = "fields of view of the encoder, in sides of the patch, as \"1,2\""})
          .row(
              "l1_ratio", &SearchOptions::l1_ratio,
              {.help = "parts of the penalty that are on absolute weights", .least = 0, .most = 1});
  return kTable;
}

bool SearchOptions::empty() const {
  return encoder.empty() && mpp.empty() && size_px.empty() && views.empty() && l1_ratio.empty();
}

void SearchOptions::validate() const {
  table().check(*this);
  refuse_twice("encoder", encoder);
  refuse_twice("mpp", mpp);
  refuse_twice("size_px", size_px);
  refuse_twice("views", views);
  refuse_twice("l1_ratio", l1_ratio);
}

}  // namespace lamella::verbs
