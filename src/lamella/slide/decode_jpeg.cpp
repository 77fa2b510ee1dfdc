// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/decode_jpeg_internal.h"

// clang-format off
#include <cstdio>  // libjpeg's header needs FILE
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

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
  const int expected = tile.colour == JpegColour::kGrey ? 1 : 3;
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

// Rows up to `end` into `out`, whose column `left` is the first that libjpeg gives.
void read_rows(jpeg_decompress_struct& info, int end, int left, const MutableImageView& out) {
  while (static_cast<int>(info.output_scanline) < end) {
    JSAMPROW rows[8];
    const int first = static_cast<int>(info.output_scanline);
    const int count = std::min(8, end - first);
    for (int i = 0; i < count; ++i) rows[i] = out.row(first + i) + 3 * left;
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
  info.jpeg_color_space = tile.colour == JpegColour::kGrey  ? JCS_GRAYSCALE
                          : tile.colour == JpegColour::kRgb ? JCS_RGB
                                                            : JCS_YCbCr;
  info.out_color_space = JCS_RGB;
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
  if (!done) {
    throw Error(ErrorCode::kCorrupt, std::string("damaged JPEG: ") + failure.message);
  }
}

}  // namespace lamella::slide
