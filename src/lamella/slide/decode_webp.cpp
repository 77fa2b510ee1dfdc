// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <webp/decode.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/slide/decode_webp_internal.h"

namespace lamella::slide {

namespace {

[[noreturn]] void throw_damaged(const std::string& cause) {
  throw Error(ErrorCode::kCorrupt, "damaged WebP: " + cause);
}

// `out` is the whole picture's.
bool decode_whole(std::span<const std::byte> bytes, const MutableImageView& out) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto stride = static_cast<int>(out.stride);
  const auto size = static_cast<size_t>(out.stride) * static_cast<size_t>(out.height - 1) +
                    static_cast<size_t>(out.width) * static_cast<size_t>(out.channels);
  return (out.channels == 4
              ? WebPDecodeRGBAInto(data, bytes.size(), out.data, size, stride)
              : WebPDecodeRGBInto(data, bytes.size(), out.data, size, stride)) != nullptr;
}

}  // namespace

void decode_webp(std::span<const std::byte> bytes, int most_rows, const MutableImageView& out) {
  WebPBitstreamFeatures facts;
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  if (WebPGetFeatures(data, bytes.size(), &facts) != VP8_STATUS_OK) {
    throw_damaged("no header was found");
  }
  if (facts.has_animation || facts.width != out.width || facts.height < out.height ||
      facts.height > most_rows) {
    throw_damaged(fmt::format("its picture is {} x {} px; expected {} x {} px", facts.width,
                              facts.height, out.width, out.height));
  }
  if (facts.height == out.height) {
    if (!decode_whole(bytes, out)) throw_damaged("the decoder gave up");
    return;
  }
  Image whole(facts.width, facts.height, out.channels);
  if (!decode_whole(bytes, whole.view())) throw_damaged("the decoder gave up");
  copy_pixels(crop(whole.view(), {0, 0, out.width, out.height}), out);
}

}  // namespace lamella::slide
