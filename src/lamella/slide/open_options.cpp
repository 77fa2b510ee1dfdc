// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/open_options.h"

namespace lamella::slide {

const OptionTable<OpenOptions>& open_table() {
  using Backend = OpenOptions::Backend;
  static const auto kTable =
      OptionTable<OpenOptions>()
          .row("slide_mpp", &OpenOptions::mpp,
               {.help = "scale of the slide at level 0, wins over the file's",
                .unit = "µm/px",
                .least = kMinPlausibleMpp,
                .most = kMaxPlausibleMpp,
                .otherwise = "the file's"})
          .row("image", &OpenOptions::image,
               {.help = "which image of a file that holds several: number or name",
                .otherwise = "the one that is the slide"})
          .row("fetch_to", &OpenOptions::fetch_to,
               {.help = "folder for copies of slides in object stores that cannot be read there",
                .otherwise = "no copy is made"})
          .choice("backend", &OpenOptions::backend,
                  {.help = "what reads the slide: lamella itself or OpenSlide"},
                  {{"auto", Backend::kAuto},
                   {"lamella", Backend::kLamella},
                   {"openslide", Backend::kOpenSlide}});
  return kTable;
}

}  // namespace lamella::slide
