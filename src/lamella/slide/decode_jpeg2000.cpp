// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <openjpeg.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/slide/decode_jpeg2000_internal.h"

namespace lamella::slide {

namespace {

struct Input {
  std::span<const std::byte> bytes;
  size_t position = 0;
};

OPJ_SIZE_T read_input(void* out, OPJ_SIZE_T size, void* user) {
  auto& input = *static_cast<Input*>(user);
  const size_t count = std::min<size_t>(size, input.bytes.size() - input.position);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(out, input.bytes.data() + input.position, count);
  input.position += count;
  return count;
}

OPJ_OFF_T skip_input(OPJ_OFF_T size, void* user) {
  auto& input = *static_cast<Input*>(user);
  if (size < 0) return -1;
  const size_t left = input.bytes.size() - input.position;
  const size_t count = std::min<size_t>(static_cast<size_t>(size), left);
  input.position += count;
  return count == 0 && size > 0 ? -1 : static_cast<OPJ_OFF_T>(count);
}

OPJ_BOOL seek_input(OPJ_OFF_T position, void* user) {
  auto& input = *static_cast<Input*>(user);
  if (position < 0 || static_cast<size_t>(position) > input.bytes.size()) return OPJ_FALSE;
  input.position = static_cast<size_t>(position);
  return OPJ_TRUE;
}

void keep_message(const char* message, void* user) {
  auto& first = *static_cast<std::string*>(user);
  if (first.empty()) first = trim(message);
}

// What sound streams make OpenJPEG say: no sample is guessed or lost by it.
void keep_warning(const char* message, void* user) {
  constexpr std::array<std::string_view, 7> kHarmless = {
      "Empty SOT marker",     "tgt_create", "expected SOP marker", "we assume it is the last",
      "Colour Specification", "COLR",       "after the codestream"};
  const std::string_view text = message;
  const auto found = [&](std::string_view part) { return text.find(part) != text.npos; };
  if (std::ranges::none_of(kHarmless, found)) keep_message(message, user);
}

void ignore_message(const char*, void*) {}

using Codec = std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)>;
using Stream = std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)>;
using Picture = std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)>;

[[noreturn]] void throw_damaged(const std::string& cause) {
  throw Error(ErrorCode::kCorrupt, "damaged JPEG 2000: " + cause);
}

void check_header(const opj_image_t& image, const SizePx& expected, int components) {
  const int64_t width = int64_t{image.x1} - image.x0, height = int64_t{image.y1} - image.y0;
  const auto count = static_cast<OPJ_UINT32>(components);
  if (width != expected.width || height != expected.height || image.numcomps != count) {
    throw_damaged(
        fmt::format("its stream is {} x {} px with {} components; expected {} x {} px with {}",
                    width, height, image.numcomps, expected.width, expected.height, components));
  }
  for (OPJ_UINT32 c = 0; c < count; ++c) {
    const opj_image_comp_t& component = image.comps[c];
    const bool whole = component.dx == 1 && component.dy == 1;
    const bool halved = c > 0 && count == 3 && component.dx <= 2 && component.dy <= 2 &&
                        component.dx >= 1 && component.dy >= 1;
    if (component.prec != 8 || component.sgnd) {
      throw_damaged(fmt::format("component {} has {} {} bits; expected 8 unsigned bits", c,
                                component.prec, component.sgnd ? "signed" : "unsigned"));
    }
    if (!(whole || halved)) {
      throw_damaged(fmt::format("component {} has steps of {} x {} px; expected at most 2", c,
                                component.dx, component.dy));
    }
  }
}

// Whether the codestream mixed its colours itself, from the marker COD (FF52): length (2 bytes),
// style, progression, layers (2), transform.
bool has_colour_transform(std::span<const std::byte> bytes) {
  constexpr size_t kMarkerToTransform = 8, kHeader = 4096;
  const size_t end = std::min(bytes.size(), kHeader);
  for (size_t i = 0; i + kMarkerToTransform < end; ++i) {
    if (bytes[i] == std::byte{0xff} && bytes[i + 1] == std::byte{0x52}) {
      return bytes[i + kMarkerToTransform] == std::byte{1};
    }
  }
  return false;
}

bool is_boxed(std::span<const std::byte> bytes) {
  return bytes.size() > 8 && bytes[0] == std::byte{0} && bytes[4] == std::byte{'j'};
}

Jpeg2000Colour settle_colour(const opj_image_t& image, std::span<const std::byte> bytes,
                             Jpeg2000Colour tag) {
  if (tag == Jpeg2000Colour::kSamples) return tag;
  if (image.comps[1].dx > 1 || image.comps[1].dy > 1) return Jpeg2000Colour::kYcbcr;
  if (has_colour_transform(bytes)) return Jpeg2000Colour::kRgb;
  if (!is_boxed(bytes)) return tag;
  if (image.color_space == OPJ_CLRSPC_SRGB) return Jpeg2000Colour::kRgb;
  return image.color_space == OPJ_CLRSPC_SYCC ? Jpeg2000Colour::kYcbcr : tag;
}

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

void check_decoded(const opj_image_t& image, const MutableImageView& out) {
  if (image.numcomps != static_cast<OPJ_UINT32>(out.channels)) {
    throw_damaged(
        fmt::format("{} components were decoded; expected {}", image.numcomps, out.channels));
  }
  for (OPJ_UINT32 c = 0; c < image.numcomps; ++c) {
    const opj_image_comp_t& component = image.comps[c];
    const uint32_t width = (static_cast<uint32_t>(out.width) + component.dx - 1) / component.dx;
    const uint32_t height = (static_cast<uint32_t>(out.height) + component.dy - 1) / component.dy;
    if (!component.data || component.w < width || component.h < height) {
      throw_damaged(fmt::format("component {} was decoded to {} x {} samples; expected {} x {}", c,
                                component.w, component.h, width, height));
    }
  }
}

void copy_samples(const opj_image_t& image, const MutableImageView& out) {
  for (int c = 0; c < out.channels; ++c) {
    const opj_image_comp_t& component = image.comps[c];
    for (int y = 0; y < out.height; ++y) {
      const OPJ_INT32* from = component.data + size_t{static_cast<uint32_t>(y)} * component.w;
      uint8_t* to = out.row(y) + c;
      for (int x = 0; x < out.width; ++x, to += out.channels) {
        *to = static_cast<uint8_t>(std::clamp(from[x], 0, 255));
      }
    }
  }
}

void convert(const opj_image_t& image, Jpeg2000Colour colour, const MutableImageView& out) {
  for (int y = 0; y < out.height; ++y) {
    const OPJ_INT32* rows[3];
    for (int c = 0; c < 3; ++c) {
      const opj_image_comp_t& component = image.comps[c];
      rows[c] = component.data + size_t{static_cast<uint32_t>(y) / component.dy} * component.w;
    }
    uint8_t* pixel = out.row(y);
    for (uint32_t x = 0; x < static_cast<uint32_t>(out.width); ++x, pixel += 3) {
      const int a = std::clamp(rows[0][x], 0, 255);
      const int b = std::clamp(rows[1][x / image.comps[1].dx], 0, 255);
      const int c = std::clamp(rows[2][x / image.comps[2].dx], 0, 255);
      if (colour == Jpeg2000Colour::kRgb) {
        pixel[0] = static_cast<uint8_t>(a);
        pixel[1] = static_cast<uint8_t>(b);
        pixel[2] = static_cast<uint8_t>(c);
      } else {
        const auto luma = static_cast<float>(a);
        const auto cb = static_cast<float>(b - 128), cr = static_cast<float>(c - 128);
        pixel[0] = to_byte(luma + 1.402f * cr);
        pixel[1] = to_byte(luma - 0.344136f * cb - 0.714136f * cr);
        pixel[2] = to_byte(luma + 1.772f * cb);
      }
    }
  }
}

}  // namespace

int jpeg2000_wavelet_levels(std::span<const std::byte> start) {
  // After the marker COD (FF52): length (2 bytes), style, progression, layers (2), transform,
  // levels.
  constexpr size_t kMarkerToLevels = 9;
  for (size_t i = 2; i + kMarkerToLevels < start.size(); ++i) {
    if (start[i] != std::byte{0xff} || start[i + 1] != std::byte{0x52}) continue;
    const int levels = std::to_integer<int>(start[i + kMarkerToLevels]);
    return levels <= 32 ? levels : 0;
  }
  return 0;
}

void decode_jpeg2000(std::span<const std::byte> bytes, Jpeg2000Colour colour, int reduction,
                     const MutableImageView& out) {
  Input input{bytes, 0};
  std::string message;
  const Codec codec(opj_create_decompress(is_boxed(bytes) ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K),
                    &opj_destroy_codec);
  const Stream stream(opj_stream_create(size_t{64} << 10, OPJ_TRUE), &opj_stream_destroy);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  parameters.cp_reduce =
      static_cast<OPJ_UINT32>(std::bit_width(static_cast<unsigned>(reduction)) - 1);
  opj_set_info_handler(codec.get(), &ignore_message, nullptr);
  opj_set_warning_handler(codec.get(), &keep_warning, &message);
  opj_set_error_handler(codec.get(), &keep_message, &message);
  opj_stream_set_read_function(stream.get(), &read_input);
  opj_stream_set_skip_function(stream.get(), &skip_input);
  opj_stream_set_seek_function(stream.get(), &seek_input);
  opj_stream_set_user_data(stream.get(), &input, nullptr);
  opj_stream_set_user_data_length(stream.get(), bytes.size());

  opj_image_t* header = nullptr;
  const bool opened = opj_setup_decoder(codec.get(), &parameters) &&
                      opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE) &&
                      opj_read_header(stream.get(), codec.get(), &header);
  const Picture image(header, &opj_image_destroy);
  if (!opened || !image) throw_damaged(message.empty() ? "no header was found" : message);
  check_header(*image, {int64_t{out.width} * reduction, int64_t{out.height} * reduction},
               out.channels);
  const bool decoded = opj_decode(codec.get(), stream.get(), image.get()) &&
                       opj_end_decompress(codec.get(), stream.get());
  if (!decoded || !message.empty()) {
    throw_damaged(message.empty() ? "the decoder gave up" : message);
  }
  check_decoded(*image, out);
  const Jpeg2000Colour settled = settle_colour(*image, bytes, colour);
  if (settled == Jpeg2000Colour::kSamples) return copy_samples(*image, out);
  convert(*image, settled, out);
}

}  // namespace lamella::slide
