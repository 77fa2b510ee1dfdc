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
#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/tile_geometry_internal.h"

namespace lamella::slide {

namespace {

constexpr int64_t kGridTilePx = 512;

// An open OpenSlide handle; may be shared by threads.
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

// Premultiplied ARGB over white.
void composite(const uint32_t* argb, const MutableImageView& out) {
  for (int y = 0; y < out.height; ++y) {
    uint8_t* to = out.row(y);
    for (int x = 0; x < out.width; ++x, to += 3) {
      const uint32_t pixel = *argb++, white = 255 - (pixel >> 24);
      to[0] = static_cast<uint8_t>(std::min(255u, ((pixel >> 16) & 255) + white));
      to[1] = static_cast<uint8_t>(std::min(255u, ((pixel >> 8) & 255) + white));
      to[2] = static_cast<uint8_t>(std::min(255u, (pixel & 255) + white));
    }
  }
}

class ArgbDecoder final : public TileDecoder {
 public:
  std::vector<uint32_t> argb;
};

class OpenSlideSlide final : public Slide {
 public:
  OpenSlideSlide(std::shared_ptr<const Handle> handle, std::shared_ptr<const io::ByteSource> source,
                 SlideInfo info)
      : Slide(std::move(info)), source_(std::move(source)), handle_(std::move(handle)) {}

  std::unique_ptr<TileDecoder> make_decoder() const override {
    return std::make_unique<ArgbDecoder>();
  }

  // An error sticks to OpenSlide's handle and would fail every later tile, so a tile that fails is
  // tried again on a handle of its own, which tells whether the fault is this tile's.
  void read_tile(int level, TileIndex tile, TileDecoder& decoder,
                 const MutableImageView& out) const override {
    auto& argb = dynamic_cast<ArgbDecoder&>(decoder).argb;
    const std::shared_ptr<const Handle> handle = current();
    if (read(*handle, level, tile, argb, out).empty()) return;
    const auto fresh = std::make_shared<const Handle>(handle->api(), info_.path);
    const std::string cause = read(*fresh, level, tile, argb, out);
    if (cause.empty()) return replace(handle, fresh);
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
    const Handle handle(current()->api(), info_.path);
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
    composite(argb.data(), image.view());
    return image;
  }

 private:
  std::shared_ptr<const Handle> current() const {
    const std::lock_guard lock(mutex_);
    return handle_;
  }
  void replace(const std::shared_ptr<const Handle>& bad, std::shared_ptr<const Handle> good) const {
    const std::lock_guard lock(mutex_);
    if (handle_ == bad) handle_ = std::move(good);
  }

  // Returns OpenSlide's error, or "".
  std::string read(const Handle& handle, int level, TileIndex tile, std::vector<uint32_t>& argb,
                   const MutableImageView& out) const {
    const LevelInfo& facts = require_level(info_, level);
    argb.resize(static_cast<size_t>(out.width) * static_cast<size_t>(out.height));
    const auto at = [](int64_t index, int64_t step, double downsample) {
      return std::llround(static_cast<double>(index * step) * downsample);
    };
    handle.api().read_region(
        handle.raw(), argb.data(), at(tile.column, facts.tile_px.width, facts.downsample_x),
        at(tile.row, facts.tile_px.height, facts.downsample_y), level, out.width, out.height);
    std::string cause = handle.error();
    if (cause.empty()) composite(argb.data(), out);
    return cause;
  }

  std::shared_ptr<const io::ByteSource> source_;
  mutable std::mutex mutex_;  // guards handle_
  mutable std::shared_ptr<const Handle> handle_;
};

bool detect(const Candidate& candidate) { return openslide_vendor(candidate.path()).has_value(); }

void read_levels(const Handle& handle, SlideInfo& info) {
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
    const SizePx& full = info.levels.empty() ? size : info.levels.front().size_px;
    info.levels.push_back({size,
                           double(full.width) / double(size.width),
                           double(full.height) / double(size.height),
                           {std::min(kGridTilePx, size.width), std::min(kGridTilePx, size.height)},
                           "openslide"});
  }
  if (info.levels.empty()) throw Error(ErrorCode::kCorrupt, "has no level", info.path);
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
  auto handle = std::make_shared<const Handle>(*found.library, candidate.path());
  SlideInfo info;
  info.path = candidate.path();
  info.backend = std::string("openslide ") + found.library->get_version();
  info.fingerprint = io::fingerprint(*candidate.source);
  read_levels(*handle, info);
  read_properties(*handle, info);
  const auto vendor = info.properties.find("openslide.vendor");
  info.format = vendor == info.properties.end() ? "unknown" : vendor->second;
  std::optional<Mpp> mpp;
  const auto x = number(info, "openslide.mpp-x"), y = number(info, "openslide.mpp-y");
  if (x && y) mpp = Mpp{*x, *y};
  // OpenSlide takes a generic TIFF's mpp from the resolution tags.
  const bool from_tags = info.format == "generic-tiff";
  settle_mpp(info, candidate.mpp, from_tags ? std::nullopt : mpp, from_tags ? mpp : std::nullopt);
  return std::make_shared<OpenSlideSlide>(std::move(handle), candidate.source, std::move(info));
}

}  // namespace

std::optional<std::string> openslide_vendor(const std::string& path) {
  const OpenSlideSearch& found = openslide_library();
  const char* vendor = found.library ? found.library->detect_vendor(path.c_str()) : nullptr;
  return vendor ? std::optional<std::string>(vendor) : std::nullopt;
}

const Format kOpenSlideFormat = {"openslide", &detect, &open};

}  // namespace lamella::slide
