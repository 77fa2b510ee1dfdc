// SPDX-License-Identifier: Apache-2.0
// Every other format, by OpenSlide. Its slides have no tiles to speak of, so a grid of our own is
// laid over each level.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/slide/formats_internal.h"
#include "lamella/slide/openslide_grid_internal.h"
#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/tile_geometry_internal.h"

namespace lamella::slide {

namespace {

// An open OpenSlide handle, for one thread at a time.
class Handle {
 public:
  // Error kUnsupported if OpenSlide does not know the file, kCorrupt if it finds it damaged.
  Handle(const OpenSlideLibrary& api, const std::string& path) : api_(api), path_(path) {
    raw_ = api.open(path.c_str());
    if (!raw_) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("openslide {} does not recognise this file", api.get_version()),
                  path);
    }
    if (const char* cause = api_.get_error(raw_)) {
      const std::string text = cause;  // lives in the handle, which is closed now
      api_.close(raw_);
      throw Error(ErrorCode::kCorrupt, "openslide cannot open it: " + text, path);
    }
  }
  ~Handle() { api_.close(raw_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  openslide_handle* raw() const { return raw_; }
  const OpenSlideLibrary& api() const { return api_; }
  // OpenSlide's error, or "". It sticks to the handle.
  std::string error() const {
    const char* cause = api_.get_error(raw_);
    return cause ? cause : "";
  }
  void require_sound() const {
    if (const std::string cause = error(); !cause.empty()) {
      throw Error(ErrorCode::kCorrupt, "openslide: " + cause, path_);
    }
  }

 private:
  const OpenSlideLibrary& api_;
  std::string path_;
  openslide_handle* raw_ = nullptr;
};

// Premultiplied ARGB over white; `stride` pixels from row to row.
void composite(const uint32_t* argb, int64_t stride, const MutableImageView& out) {
  for (int y = 0; y < out.height; ++y, argb += stride) {
    uint8_t* to = out.row(y);
    for (int x = 0; x < out.width; ++x, to += 3) {
      const uint32_t pixel = argb[x], white = 255 - (pixel >> 24);
      to[0] = static_cast<uint8_t>(std::min(255u, ((pixel >> 16) & 255) + white));
      to[1] = static_cast<uint8_t>(std::min(255u, ((pixel >> 8) & 255) + white));
      to[2] = static_cast<uint8_t>(std::min(255u, (pixel & 255) + white));
    }
  }
}

// Handles that no decoder uses now. A reader of a slide makes a decoder a thread, and opening a
// large slide takes a while.
class HandlePool {
 public:
  HandlePool(const OpenSlideLibrary& api, std::string path) : api_(api), path_(std::move(path)) {}

  std::unique_ptr<Handle> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Handle> handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    return std::make_unique<Handle>(api_, path_);
  }
  void give_back(std::unique_ptr<Handle> handle) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(handle));
  }

 private:
  const OpenSlideLibrary& api_;
  const std::string path_;
  std::mutex mutex_;  // guards idle_
  std::vector<std::unique_ptr<Handle>> idle_;
};

class ArgbDecoder final : public TileDecoder {
 public:
  explicit ArgbDecoder(std::shared_ptr<HandlePool> pool) : pool_(std::move(pool)) {}
  ~ArgbDecoder() override {
    if (handle_) pool_->give_back(std::move(handle_));
  }
  ArgbDecoder(const ArgbDecoder&) = delete;
  ArgbDecoder& operator=(const ArgbDecoder&) = delete;

  Handle& handle() {
    if (!handle_) handle_ = pool_->take();
    return *handle_;
  }
  void drop() { handle_.reset(); }

  std::vector<uint32_t> argb;

 private:
  std::shared_ptr<HandlePool> pool_;
  std::unique_ptr<Handle> handle_;
};

struct LevelGrid {
  GridAxis x, y;
};

class OpenSlideSlide final : public Slide {
 public:
  OpenSlideSlide(std::shared_ptr<HandlePool> pool, std::shared_ptr<const io::ByteSource> source,
                 SlideInfo info, std::vector<LevelGrid> grids)
      : Slide(std::move(info)),
        source_(std::move(source)),
        pool_(std::move(pool)),
        grids_(std::move(grids)) {}

  std::unique_ptr<TileDecoder> make_decoder() const override {
    return std::make_unique<ArgbDecoder>(pool_);
  }

  // An error sticks to OpenSlide's handle and would fail every later tile, so a tile that fails is
  // tried again on a fresh handle, which tells whether the fault is this tile's.
  void read_tile(int level, TileIndex tile, TileDecoder& decoder,
                 const MutableImageView& out) const override {
    auto& own = dynamic_cast<ArgbDecoder&>(decoder);
    std::string cause = read(level, tile, own, out);
    if (cause.empty()) return;
    own.drop();
    cause = read(level, tile, own, out);
    if (cause.empty()) return;
    own.drop();
    throw Error(ErrorCode::kCorrupt,
                fmt::format("level {}, tile {},{} (column,row) cannot be read: openslide: {}",
                            level, tile.column, tile.row, cause),
                info_.path);
  }

  void require_unchanged() const override { source_->require_unchanged(); }

  Image read_associated_image(const std::string& name) const override {
    if (std::ranges::find(info_.associated_images, name) == info_.associated_images.end()) {
      throw Error(ErrorCode::kNotFound, fmt::format("has no associated image '{}'", name),
                  info_.path);
    }
    const std::unique_ptr<Handle> owned = pool_->take();
    const Handle& handle = *owned;
    int64_t width = 0, height = 0;
    handle.api().get_associated_image_dimensions(handle.raw(), name.c_str(), &width, &height);
    handle.require_sound();
    if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX) {
      throw Error(ErrorCode::kCorrupt,
                  fmt::format("associated image '{}' is {} x {} px", name, width, height),
                  info_.path);
    }
    Image image(static_cast<int>(width), static_cast<int>(height));
    std::vector<uint32_t> argb(static_cast<size_t>(width) * static_cast<size_t>(height));
    handle.api().read_associated_image(handle.raw(), name.c_str(), argb.data());
    handle.require_sound();
    composite(argb.data(), width, image.view());
    return image;
  }

 private:
  // Returns OpenSlide's error, or "".
  std::string read(int level, TileIndex tile, ArgbDecoder& decoder,
                   const MutableImageView& out) const {
    require_level(info_, level);
    const LevelGrid& grid = grids_[static_cast<size_t>(level)];
    const GridStart& x = grid.x.starts.at(static_cast<size_t>(tile.column));
    const GridStart& y = grid.y.starts.at(static_cast<size_t>(tile.row));
    const SizePx size = {out.width + x.before_px, out.height + y.before_px};
    decoder.argb.resize(static_cast<size_t>(size.width) * static_cast<size_t>(size.height));
    Handle& handle = decoder.handle();
    handle.api().read_region(handle.raw(), decoder.argb.data(), x.level0_px, y.level0_px, level,
                             size.width, size.height);
    std::string cause = handle.error();
    if (cause.empty()) {
      composite(decoder.argb.data() + y.before_px * size.width + x.before_px, size.width, out);
    }
    return cause;
  }

  std::shared_ptr<const io::ByteSource> source_;
  std::shared_ptr<HandlePool> pool_;
  std::vector<LevelGrid> grids_;
};

bool detect(const Candidate& candidate) { return openslide_vendor(candidate.path()).has_value(); }

void add_level(const SizePx& size, double downsample, SlideInfo& info,
               std::vector<LevelGrid>& grids) {
  const SizePx full = info.levels.empty() ? size : info.levels.front().size_px;
  const LevelGrid grid = {lay_grid(size.width, downsample), lay_grid(size.height, downsample)};
  const double shift = std::max(grid.x.shift_px, grid.y.shift_px);
  if (shift > 0) {
    info.warnings.push_back(fmt::format(
        "level {} has a downsample of {:.6g} in OpenSlide, which shows its pixels shifted by up to "
        "{:.2f} px and interpolated",
        info.levels.size(), downsample, shift));
  }
  info.levels.push_back({size,
                         double(full.width) / double(size.width),
                         double(full.height) / double(size.height),
                         {grid.x.tile_px, grid.y.tile_px},
                         "openslide"});
  grids.push_back(grid);
}

std::vector<LevelGrid> read_levels(const Handle& handle, SlideInfo& info) {
  std::vector<LevelGrid> grids;
  const int32_t count = handle.api().get_level_count(handle.raw());
  handle.require_sound();
  for (int32_t level = 0; level < count; ++level) {
    SizePx size;
    handle.api().get_level_dimensions(handle.raw(), level, &size.width, &size.height);
    handle.require_sound();
    if (size.width < 1 || size.height < 1 || std::max(size.width, size.height) > INT32_MAX) {
      throw Error(ErrorCode::kCorrupt,
                  fmt::format("level {} is {} x {} px", level, size.width, size.height), info.path);
    }
    const double downsample = handle.api().get_level_downsample(handle.raw(), level);
    if (!(downsample >= 1 && downsample <= 1e6)) {
      throw Error(ErrorCode::kCorrupt,
                  fmt::format("level {} has a downsample of {}", level, downsample), info.path);
    }
    add_level(size, downsample, info, grids);
  }
  if (info.levels.empty()) throw Error(ErrorCode::kCorrupt, "has no level", info.path);
  return grids;
}

void read_properties(const Handle& handle, SlideInfo& info) {
  const OpenSlideLibrary& api = handle.api();
  for (const char* const* name = api.get_property_names(handle.raw()); name && *name; ++name) {
    if (const char* value = api.get_property_value(handle.raw(), *name)) {
      info.properties[*name] = value;
    }
  }
  for (const char* const* name = api.get_associated_image_names(handle.raw()); name && *name;
       ++name) {
    info.associated_images.emplace_back(*name);
  }
  std::ranges::sort(info.associated_images);
  handle.require_sound();
}

// OpenSlide shows 16 bits and other samples as 8 bits of its own making; here they are refused as
// in our own formats.
void require_eight_bits(const Candidate& candidate) {
  if (!candidate.tiff) return;
  const auto& all = candidate.tiff->directories;
  const auto largest = std::ranges::max_element(all, {}, [](const TiffDirectory& each) {
    return each.problem.empty() ? each.size_px.width * each.size_px.height : 0;
  });
  const bool known = largest->samples == 1 || largest->samples == 3 || largest->samples == 4;
  if (largest->bits == 8 && known) return;
  throw Error(ErrorCode::kUnsupported,
              fmt::format("its largest picture has {} samples of {} bits; expected grey or RGB of "
                          "8 bits",
                          largest->samples, largest->bits),
              candidate.path());
}

std::optional<double> number(const SlideInfo& info, const char* name) {
  const auto found = info.properties.find(name);
  return found == info.properties.end() ? std::nullopt : parse_double(found->second);
}

std::shared_ptr<const Slide> open(const Candidate& candidate) {
  const OpenSlideSearch& found = openslide_library();
  if (!found.library) {
    throw Error(ErrorCode::kUnsupported, "needs OpenSlide; " + openslide_version(),
                candidate.path());
  }
  require_eight_bits(candidate);
  auto pool = std::make_shared<HandlePool>(*found.library, candidate.path());
  auto handle = pool->take();
  SlideInfo info;
  info.path = candidate.path();
  info.backend = std::string("openslide ") + found.library->get_version();
  info.fingerprint = io::fingerprint(*candidate.source);
  std::vector<LevelGrid> grids = read_levels(*handle, info);
  read_properties(*handle, info);
  const auto vendor = info.properties.find("openslide.vendor");
  info.format = vendor == info.properties.end() ? "unknown" : vendor->second;
  std::optional<Mpp> mpp;
  const auto x = number(info, "openslide.mpp-x"), y = number(info, "openslide.mpp-y");
  if (x && y) mpp = Mpp{*x, *y};
  // OpenSlide takes a generic TIFF's mpp from the resolution tags.
  const bool from_tags = info.format == "generic-tiff";
  info.layout = "OpenSlide's";
  if (const auto power = number(info, "openslide.objective-power"); power && *power > 0) {
    info.objective_power = power;
  }
  settle_mpp(info, {candidate.mpp, from_tags ? std::nullopt : mpp, from_tags ? mpp : std::nullopt});
  doubt_mpp(info);
  pool->give_back(std::move(handle));
  return std::make_shared<OpenSlideSlide>(std::move(pool), candidate.source, std::move(info),
                                          std::move(grids));
}

}  // namespace

std::optional<std::string> openslide_vendor(const std::string& path) {
  const OpenSlideSearch& found = openslide_library();
  const char* vendor = found.library ? found.library->detect_vendor(path.c_str()) : nullptr;
  return vendor ? std::optional<std::string>(vendor) : std::nullopt;
}

const Format kOpenSlideFormat = {"what OpenSlide knows", "", &detect, &open};

}  // namespace lamella::slide
