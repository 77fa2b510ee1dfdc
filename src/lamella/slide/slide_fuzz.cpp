// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes, opened by our own formats; then tiles of each level and the associated
// images are decoded. Only lamella::Error may come out, and memory stays bounded (-rss_limit_mb).
#include <algorithm>
#include <cstring>

#include "lamella/base/error.h"
#include "lamella/slide/formats_internal.h"

namespace lamella::slide {
namespace {

class MemorySource final : public io::ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  const std::string& name() const override { return name_; }
  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }
  void read_at(int64_t offset, std::span<std::byte> out) const override {
    const auto wanted = static_cast<int64_t>(out.size());
    if (offset < 0 || offset > size() || wanted > size() - offset) {
      throw Error(ErrorCode::kCorrupt, "ends too early", name_);
    }
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
  }

 private:
  std::span<const std::byte> bytes_;
  std::string name_ = "memory";
};

// A tile of more pixels than this is as the smaller ones are, only slower.
constexpr int64_t kMaxTilePixels = int64_t{1} << 20;
constexpr int64_t kTilesALevel = 4;

void read_some_tiles(const Slide& slide, int level, int reduction) {
  const LevelInfo facts = reduced_level(slide.info().levels[static_cast<size_t>(level)], reduction);
  const SizePx tile = facts.tile_px;
  if (tile.width * tile.height > kMaxTilePixels) return;
  const int64_t columns = (facts.size_px.width + tile.width - 1) / tile.width;
  const int64_t rows = (facts.size_px.height + tile.height - 1) / tile.height;
  const auto decoder = slide.make_decoder();
  Image image(static_cast<int>(tile.width), static_cast<int>(tile.height));
  for (int64_t i = 0; i < std::min(kTilesALevel, columns * rows); ++i) {
    const int64_t number = i + 1 < kTilesALevel ? i : columns * rows - 1;
    try {
      slide.read_tile(level, {number % columns, number / columns}, *decoder, image.view());
      const RectPx part = {i, tile.height / 2, tile.width - i, tile.height - tile.height / 2};
      if (part.empty()) continue;
      slide.read_tile_part(level, {number % columns, number / columns}, part, *decoder,
                           image.view());
    } catch (const Error&) {
    }
  }
}

void read_all(const std::shared_ptr<const io::ByteSource>& source) {
  const auto slide = open_own_format(source, {});
  if (!slide) return;
  for (size_t level = 0; level < slide->info().levels.size(); ++level) {
    read_some_tiles(*slide, static_cast<int>(level), 1);
    const int most = slide->info().levels[level].max_reduction;
    if (most > 1) read_some_tiles(*slide, static_cast<int>(level), most);
  }
  for (const std::string& name : slide->info().associated_images) {
    try {
      slide->read_associated_image(name);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace lamella::slide

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamella;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    slide::read_all(std::make_shared<slide::MemorySource>(bytes));
  } catch (const Error&) {
  }
  return 0;
}
