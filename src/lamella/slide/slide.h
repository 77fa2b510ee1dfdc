// SPDX-License-Identifier: Apache-2.0
// A slide: immutable after opening, shareable by threads; no setters. Pixels are 8-bit RGB,
// composited over white; outside the slide is white.
//
// A backend offers one thing: decode one stored tile. Regions are put together from tiles by
// RegionReader (region_reader.h), once for all backends.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/image.h"
#include "lamella/io/read_plan.h"
#include "lamella/slide/slide_info.h"

namespace lamella::slide {

struct TileIndex {
  int64_t column = 0;
  int64_t row = 0;
  bool operator==(const TileIndex&) const = default;
};

// A decoder's own memory, one per thread; backends derive their own.
class TileDecoder {
 public:
  virtual ~TileDecoder() = default;
};

class Slide {
 public:
  virtual ~Slide() = default;

  const SlideInfo& info() const { return info_; }

  virtual std::unique_ptr<TileDecoder> make_decoder() const = 0;

  // Decodes one tile of `level` into `out`, RGB, which is tile_px in size, or the tile_px of
  // reduced_level(level, r): the tile is then decoded at 1 / r of its size. Parts beyond the
  // level's edge are white. A tile that the file leaves out (length 0) is white.
  // Error kCorrupt (also for a decoder's warning), kUnsupported, kIo; the message names the tile.
  virtual void read_tile(int level, TileIndex tile, TileDecoder& decoder,
                         const MutableImageView& out) const = 0;

  // As read_tile, and fails whenever that does, but only `part` (px of `out`, within it, not empty)
  // need be right; the rest of `out` is unspecified. For a backend that can do less work then.
  virtual void read_tile_part(int level, TileIndex tile, const RectPx& part, TileDecoder& decoder,
                              const MutableImageView& out) const {
    static_cast<void>(part);
    read_tile(level, tile, decoder, out);
  }

  // A hint that these tiles will be read soon; may begin to fetch their bytes, neighbours in the
  // file together. Never waits or fails.
  virtual void will_need(int level, std::span<const TileIndex> tiles) const {
    static_cast<void>(level), static_cast<void>(tiles);
  }

  // Announces the tiles that will be read, each once, in that order. The plan must not outlive the
  // slide; null where nothing is won by it.
  virtual std::unique_ptr<io::ReadPlan> plan_reads(int level,
                                                   std::span<const TileIndex> tiles) const {
    static_cast<void>(level), static_cast<void>(tiles);
    return nullptr;
  }

  // Error kMismatch if the file has been written to since it was opened (as far as can be told, see
  // io::ByteSource): what was made of it belongs to no fingerprint.
  virtual void require_unchanged() const {}

  // Error kNotFound if there is none of that name.
  virtual Image read_associated_image(const std::string& name) const = 0;

 protected:
  explicit Slide(SlideInfo info) : info_(std::move(info)) {}
  SlideInfo info_;
};

struct OpenOptions {
  // µm/px at level 0, wins over the file's; within kMinPlausibleMpp to kMaxPlausibleMpp.
  std::optional<double> mpp;
  std::string image =
      {};  // number or name, where a TIFF holds several; "": the one that is the slide
  enum class Backend { kAuto, kLamella, kOpenSlide } backend = Backend::kAuto;
  // Folder for a copy of a slide that lies in a store and cannot be read there; "": none is made.
  std::string fetch_to = {};
};

// A file, or an object at an address (io/address.h).
// TIFF and Aperio SVS directly, everything else by OpenSlide (loaded at run time; files alone, so
// an object needs `fetch_to`). What was adapted is in info().warnings. Error kNotFound (also of an
// image), kInvalidArgument (mpp, or one that is 8 times the file's or more), kUnsupported (what was
// found, which formats are read), kCorrupt, kIo.
std::shared_ptr<const Slide> open_slide(const std::string& path, const OpenOptions& options = {});

// Reads one rectangle (px of `level`, may reach outside: white). Plain and slow; for many
// rectangles use RegionReader. Checks that the rectangle is at most Image::kMaxImageBytes.
Image read_region(const Slide& slide, int level, const RectPx& rect_level_px);

// The whole slide at most `max_px` on its longer side, area-resampled from the fit level.
Image read_thumbnail(const Slide& slide, int max_px, int threads = 1);

// "openslide 4.0.1 (path)" or what is missing; for doctor.
std::string openslide_version();

// Which formats are read, and by what.
struct FormatSupport {
  std::string format;   // "Hamamatsu"
  std::string files;    // ".ndpi .vms .vmu"
  std::string backend;  // "lamella" or "openslide 4.0.1"; "" if it is not read here
  std::string missing;  // then: what is needed, and how to get it
};
std::vector<FormatSupport> format_support();

}  // namespace lamella::slide
