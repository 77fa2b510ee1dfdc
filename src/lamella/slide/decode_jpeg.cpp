// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/decode_jpeg_internal.h"

// clang-format off
#include <cstdio>  // libjpeg's header needs FILE
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <fmt/format.h>

#include <algorithm>
#include <csetjmp>
#include <string>

#include "lamella/base/error.h"

namespace lamella::slide {

namespace {

struct Failure {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool unsupported;  // not damaged: what the message tells is sound, and not for us
};

[[noreturn]] void fail(j_common_ptr info) {
  auto* failure = reinterpret_cast<Failure*>(info->err);
  failure->manager.format_message(info, failure->message);
  std::longjmp(failure->jump, 1);
}

// libjpeg goes on after a warning with pixels of its own making; here a warning ends the decoding.
// Two warnings are about metadata that the TIFF overrides anyway.
void on_message(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  if (level < 0 && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR) fail(info);
}

void check_header(jpeg_decompress_struct& info, const JpegTile& tile, const MutableImageView& out) {
  auto* failure = reinterpret_cast<Failure*>(info.err);
  const int expected = tile.colour == JpegColour::kGrey ? 1 : out.channels;
  const int width = static_cast<int>(info.image_width),
            height = static_cast<int>(info.image_height);
  const int wanted_width = out.width * tile.reduction, wanted_height = out.height * tile.reduction;
  const bool right_size =
      width == wanted_width && height >= tile.min_rows && height <= wanted_height;
  if (right_size && info.num_components == expected && info.data_precision == 8) return;
  std::snprintf(failure->message, sizeof failure->message,
                "its JPEG stream is %d x %d px, %d components of %d bits; expected %d x %d px, %d "
                "components of 8 bits",
                width, height, info.num_components, info.data_precision, wanted_width,
                wanted_height, expected);
  std::longjmp(failure->jump, 1);
}

// What the stream says of three components: by libjpeg's order of markers, then by names. Chroma
// of half the size is YCbCr's.
enum class Said { kNothing, kRgb, kYcbcr };

Said colour_said(const jpeg_decompress_struct& info) {
  if (info.saw_JFIF_marker) return Said::kYcbcr;
  if (info.saw_Adobe_marker) return info.Adobe_transform == 0 ? Said::kRgb : Said::kYcbcr;
  const jpeg_component_info* parts = info.comp_info;
  const bool named =
      parts[0].component_id == 'R' && parts[1].component_id == 'G' && parts[2].component_id == 'B';
  if (named) return Said::kRgb;
  const bool halved = parts[0].h_samp_factor > parts[1].h_samp_factor ||
                      parts[0].v_samp_factor > parts[1].v_samp_factor;
  return halved ? Said::kYcbcr : Said::kNothing;
}

J_COLOR_SPACE stored_colour(jpeg_decompress_struct& info, const JpegTile& tile) {
  if (tile.colour == JpegColour::kSamples) return JCS_UNKNOWN;
  if (tile.colour == JpegColour::kGrey) return JCS_GRAYSCALE;
  const Said said = colour_said(info);
  if (tile.colour == JpegColour::kRgb) return said == Said::kYcbcr ? JCS_YCbCr : JCS_RGB;
  if (said != Said::kRgb) return JCS_YCbCr;
  auto* failure = reinterpret_cast<Failure*>(info.err);
  std::snprintf(failure->message, sizeof failure->message,
                "its JPEG stream says RGB and its TIFF directory YCbCr; expected both to agree");
  failure->unsupported = true;
  std::longjmp(failure->jump, 1);
}

// Rows up to `end` into `out`, whose column `left` is the first that libjpeg gives.
void read_rows(jpeg_decompress_struct& info, int end, int left, const MutableImageView& out) {
  while (static_cast<int>(info.output_scanline) < end) {
    JSAMPROW rows[8];
    const int first = static_cast<int>(info.output_scanline);
    const int count = std::min(8, end - first);
    for (int i = 0; i < count; ++i) rows[i] = out.row(first + i) + out.channels * left;
    jpeg_read_scanlines(&info, rows, static_cast<JDIMENSION>(count));
  }
}

// What libjpeg can leave out without a change of the other pixels.
bool can_skip(const jpeg_decompress_struct& info, const JpegTile& tile) {
  return !tile.part.empty() && tile.reduction == 1 && !info.progressive_mode && !info.arith_code &&
         info.comps_in_scan == info.num_components && info.max_h_samp_factor <= 2 &&
         info.max_v_samp_factor <= 2;
}

void skip_to(jpeg_decompress_struct& info, int row) {
  const int count = row - static_cast<int>(info.output_scanline);
  if (count > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(count));
}

// Beyond the part a block (MCU) is decoded on each side, since chroma is smoothed over blocks'
// borders. Skipped rows are still parsed, except when the last are skipped: so these are decoded.
void read_part(jpeg_decompress_struct& info, const RectPx& part, const MutableImageView& out) {
  const int width = static_cast<int>(info.output_width);
  const int height = static_cast<int>(info.output_height);
  const int block_width = info.max_h_samp_factor * DCTSIZE;
  const int block_height = info.max_v_samp_factor * DCTSIZE;
  const int left = std::max(0, static_cast<int>(part.x) - block_width);
  const int right = std::min(width, static_cast<int>(part.right()) + block_width);
  auto crop_x = static_cast<JDIMENSION>(left), crop_width = static_cast<JDIMENSION>(right - left);
  if (right - left < width) jpeg_crop_scanline(&info, &crop_x, &crop_width);
  const int x = static_cast<int>(crop_x);
  skip_to(info, (static_cast<int>(part.y) / block_height - 1) * block_height);
  read_rows(info, std::min(height, static_cast<int>(part.bottom())), x, out);
  skip_to(info, (height - 1) / block_height * block_height);
  read_rows(info, height, x, out);
}

// Runs below a setjmp, so nothing here may need a destructor.
void decode(jpeg_decompress_struct& info, const JpegTile& tile, const MutableImageView& out) {
  jpeg_create_decompress(&info);
  if (!tile.tables.empty()) {
    jpeg_mem_src(&info, tile.tables.data(), tile.tables.size());
    jpeg_read_header(&info, FALSE);
  }
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(tile.bytes.data()), tile.bytes.size());
  jpeg_read_header(&info, TRUE);
  check_header(info, tile, out);
  info.jpeg_color_space = stored_colour(info, tile);
  info.out_color_space = info.jpeg_color_space == JCS_UNKNOWN ? JCS_UNKNOWN : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(tile.reduction);
  jpeg_start_decompress(&info);
  if (can_skip(info, tile)) {
    read_part(info, tile.part, out);
  } else {
    read_rows(info, static_cast<int>(info.output_height), 0, out);
  }
  jpeg_finish_decompress(&info);  // warns if the stream ends too early
}

bool try_decode(jpeg_decompress_struct& info, Failure& failure, const JpegTile& tile,
                const MutableImageView& out) {
  if (setjmp(failure.jump)) return false;
  decode(info, tile, out);
  return true;
}

}  // namespace

void decode_jpeg(const JpegTile& tile, const MutableImageView& out) {
  if (tile.bytes.empty()) throw Error(ErrorCode::kCorrupt, "its JPEG stream is empty");
  jpeg_decompress_struct info{};
  Failure failure{};
  info.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = &fail;
  failure.manager.emit_message = &on_message;
  failure.manager.output_message = [](j_common_ptr) {};
  const bool done = try_decode(info, failure, tile, out);
  jpeg_destroy_decompress(&info);
  if (done) return;
  if (failure.unsupported) throw Error(ErrorCode::kUnsupported, failure.message);
  throw Error(ErrorCode::kCorrupt, std::string("damaged JPEG: ") + failure.message);
}

std::string unsupported_jpeg(std::span<const std::byte> start, int expected_components) {
  const auto byte = [&](size_t i) { return std::to_integer<int>(start[i]); };
  for (size_t at = 2; at + 9 < start.size() && byte(at) == 0xff;) {
    const int marker = byte(at + 1);
    const bool frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) {
      const int kind = (marker - 0xc0) % 4, bits = byte(at + 4), components = byte(at + 9);
      if (kind == 3) return "lossless JPEG";
      if (bits == 12 || bits == 16) return fmt::format("JPEG of {} bits", bits);
      if (marker >= 0xc5 && marker != 0xc9 && marker != 0xca) return "hierarchical JPEG";
      if (components == expected_components || components < 1 || components > 4) return {};
      return fmt::format("JPEG streams of {} components and tags for {}", components,
                         expected_components);
    }
    if (marker == 0xda) return {};
    at += 2 + static_cast<size_t>(byte(at + 2) << 8 | byte(at + 3));
  }
  return {};
}

}  // namespace lamella::slide
