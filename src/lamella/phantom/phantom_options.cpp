// SPDX-License-Identifier: Apache-2.0
// What may be asked of phantoms.
#include "lamella/phantom/phantom.h"

namespace lamella::phantom {

namespace {

OptionValue size_value(const PhantomOptions& options) {
  return std::vector<double>{static_cast<double>(options.size_px.width),
                             static_cast<double>(options.size_px.height)};
}

void put_size(PhantomOptions& options, const OptionValue& value) {
  std::vector<double> sides;
  put_value(value, sides);
  options.size_px = {static_cast<int64_t>(sides.at(0)), static_cast<int64_t>(sides.at(1))};
}

}  // namespace

const OptionTable<PhantomOptions>& PhantomOptions::table() {
  static const auto kTable =
      OptionTable<PhantomOptions>()
          .row("slides", &PhantomOptions::slides,
               {.help = "number of slides", .least = 1, .most = 10000})
          .row("patients", &PhantomOptions::patients,
               {.help = "number of patients; 0: one a slide", .least = 0})
          .row("size_px", OptionKind::kNumbers,
               {.help = "size at level 0: W,H",
                .unit = "px",
                .least = 256,
                .most = 300000,
                .count = 2,
                .whole = true},
               size_value, put_size)
          .row("mpp", &PhantomOptions::mpp,
               {.help = "scale at level 0", .unit = "µm/px", .least = 0.1, .most = 10})
          .row("tile_px", &PhantomOptions::tile_px,
               {.help = "side of the stored tiles, a multiple of 16",
                .unit = "px",
                .least = 16,
                .most = 4096})
          .row("jpeg_quality", &PhantomOptions::jpeg_quality,
               {.help = "quality of the stored JPEG", .least = 1, .most = 100})
          .row(
              "tissue_scale", &PhantomOptions::tissue_scale,
              {.help = "sides of the tissue, of what they are otherwise", .least = 0.05, .most = 1})
          .row("sparse", &PhantomOptions::sparse,
               {.help = "do not store tiles without tissue: they read as white"})
          .row("test_fraction", &PhantomOptions::test_fraction,
               {.help = "of the patients, the last ones, that are for testing",
                .least = 0,
                .most = 1})
          .row("seed", &PhantomOptions::seed,
               {.help = "the same seed gives the same bytes", .least = 0});
  return kTable;
}

}  // namespace lamella::phantom
