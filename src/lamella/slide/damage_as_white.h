// SPDX-License-Identifier: Apache-2.0
// A slide whose damaged tiles are white: for overviews (masks, thumbnails), not for patches.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "lamella/io/read_plan.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

class DamageAsWhite final : public Slide {
 public:
  // `slide` must outlive it.
  explicit DamageAsWhite(const Slide& slide);

  // One sentence a level that had tiles which could not be decoded so far: how many, and why the
  // first of them. Does not depend on threads.
  std::vector<std::string> warnings() const;

  std::unique_ptr<TileDecoder> make_decoder() const override { return slide_.make_decoder(); }
  // Errors: those that are no damage (is_damage).
  void read_tile(int level, TileIndex tile, TileDecoder& decoder,
                 const MutableImageView& out) const override;
  void read_tile_part(int level, TileIndex tile, const RectPx& part, TileDecoder& decoder,
                      const MutableImageView& out) const override;
  void will_need(int level, std::span<const TileIndex> tiles) const override {
    slide_.will_need(level, tiles);
  }
  std::unique_ptr<io::ReadPlan> plan_reads(int level,
                                           std::span<const TileIndex> tiles) const override {
    return slide_.plan_reads(level, tiles);
  }
  void require_unchanged() const override { slide_.require_unchanged(); }
  Image read_associated_image(const std::string& name) const override {
    return slide_.read_associated_image(name);
  }

 private:
  template <typename Read>
  void read_or_white(int level, TileIndex tile, const MutableImageView& out,
                     const Read& read) const;

  const Slide& slide_;
  mutable std::mutex mutex_;                                                  // guards damaged_
  mutable std::map<std::tuple<int, int64_t, int64_t>, std::string> damaged_;  // level, row, column
};

}  // namespace lamella::slide
