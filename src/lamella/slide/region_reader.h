// SPDX-License-Identifier: Apache-2.0
// Plan-first, tile-once reading: a request names all its regions, so each stored tile is decoded
// once and released when no later region needs it.
//
// Not shareable: one RegionReader belongs to one caller, which may give it several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/error.h"
#include "lamella/base/image.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

struct ReadRequest {
  int level = 0;
  std::vector<RectPx> regions;  // px of `level`; any order; may overlap and reach outside
  // Regions are px of reduced_level(level, reduction), whose tiles are decoded at that size.
  int reduction = 1;
};

struct ReadOptions {
  // Decoded tiles held for later regions; besides them, each thread has one in flight. If it is too
  // small for the request, tiles are decoded more than once.
  int64_t tile_budget_bytes = int64_t{256} << 20;
  void validate() const;
};

struct RegionFailure {
  size_t region = 0;    // index into ReadRequest::regions
  std::string message;  // file, tile and cause
  ErrorCode code = ErrorCode::kCorrupt;
};

class RegionReader {
 public:
  // Error kInvalidArgument if there is no such level or reduction or a region's sides are not
  // in 1..2^31-1.
  RegionReader(std::shared_ptr<const Slide> slide, ReadRequest request, ReadOptions options = {});
  // Of a slide that outlives the reader.
  RegionReader(const Slide& slide, ReadRequest request, ReadOptions options = {});
  ~RegionReader();
  RegionReader(RegionReader&&) noexcept;

  // A permutation of [0, regions): the order in which regions are delivered. Depends on the
  // request, the options and the slide's layout only.
  std::span<const uint32_t> order() const;

  // Fills the next out.size() regions in that order; out[k] must have the size of its region and
  // three channels (Error kInvalidArgument, also beyond the last region).
  // A region whose tile cannot be decoded is reported in the result and its pixels are
  // unspecified; all other regions are right. Reading itself going wrong (kIo) is such a failure
  // too. Error kInterrupted if the context is cancelled.
  std::vector<RegionFailure> read_next(std::span<const MutableImageView> out,
                                       const Context& context);

  // For tests and benchmarks: tiles decoded so far (or tried in vain), and the most bytes that
  // tiles held and in flight took.
  int64_t tiles_decoded() const;
  int64_t peak_tile_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lamella::slide
