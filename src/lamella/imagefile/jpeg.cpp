// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>  // jpeglib.h needs FILE
// (order matters)
#include <jpeglib.h>

#include <csetjmp>
#include <cstdlib>
#include <string_view>

#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/imagefile/jpeg_encoder_internal.h"

namespace lamella::imagefile {

namespace {

constexpr int kMaxJpegSide = 65500;  // of libjpeg

}  // namespace

// Everything that libjpeg may jump over (setjmp) lives here, so that no destructor is skipped.
struct JpegEncoder::State {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf jump{};
  char text[JMSG_LENGTH_MAX] = {};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  bool created = false;

  ~State() {
    if (created) jpeg_destroy_compress(&info);
    std::free(buffer);
  }

  static void on_error(j_common_ptr common) {
    auto* state = static_cast<State*>(common->client_data);
    common->err->format_message(common, state->text);
    std::longjmp(state->jump, 1);
  }
  static void on_message(j_common_ptr) {}

  bool set_up(const JpegEncoding& encoding) {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = on_error;
    errors.output_message = on_message;
    info.client_data = this;
    if (setjmp(jump) != 0) return false;
    jpeg_create_compress(&info);
    created = true;
    info.client_data = this;
    info.in_color_space = JCS_RGB;
    info.input_components = 3;
    jpeg_set_defaults(&info);
    jpeg_set_colorspace(&info, JCS_YCbCr);
    jpeg_set_quality(&info, encoding.quality, TRUE);
    info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor =
        encoding.halve_chroma ? 2 : 1;
    if (!encoding.shared_tables) return true;
    info.write_JFIF_header = FALSE;
    jpeg_mem_dest(&info, &buffer, &size);
    jpeg_write_tables(&info);
    return true;
  }

  bool compress(const ImageView& image, bool with_tables) {
    std::free(buffer);
    buffer = nullptr;
    size = 0;
    if (setjmp(jump) != 0) {
      jpeg_abort_compress(&info);
      return false;
    }
    jpeg_mem_dest(&info, &buffer, &size);
    info.image_width = static_cast<JDIMENSION>(image.width);
    info.image_height = static_cast<JDIMENSION>(image.height);
    jpeg_start_compress(&info, with_tables ? TRUE : FALSE);
    while (info.next_scanline < info.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(image.row(static_cast<int>(info.next_scanline)));
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    return true;
  }

  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kInternal, fmt::format("JPEG compression failed: {}", text));
  }
};

JpegEncoder::JpegEncoder(const JpegEncoding& encoding) : state_(std::make_unique<State>()) {
  if (encoding.quality < 1 || encoding.quality > 100) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("JPEG quality {}; expected 1-100", encoding.quality));
  }
  if (!state_->set_up(encoding)) state_->fail();
  if (encoding.shared_tables) tables_.assign(state_->buffer, state_->buffer + state_->size);
}

JpegEncoder::~JpegEncoder() = default;

std::vector<uint8_t> JpegEncoder::encode(const ImageView& image) {
  if (image.channels != 3 || image.width < 1 || image.height < 1 || image.width > kMaxJpegSide ||
      image.height > kMaxJpegSide) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("JPEG of {} x {} px with {} channels; expected 1-{} px and 3 channels",
                            image.width, image.height, image.channels, kMaxJpegSide));
  }
  if (!state_->compress(image, tables_.empty())) state_->fail();
  return {state_->buffer, state_->buffer + state_->size};
}

Chroma parse_chroma(const std::string& text) {
  if (text == "auto") return Chroma::kByQuality;
  if (text == "4:4:4") return Chroma::kFull;
  if (text == "4:2:0") return Chroma::kHalved;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("chroma: found '{}', expected auto, 4:4:4 or 4:2:0", text));
}

std::vector<uint8_t> encode_jpeg(const ImageView& image, int quality, Chroma chroma) {
  const bool halved = chroma == Chroma::kByQuality ? quality < 90 : chroma == Chroma::kHalved;
  JpegEncoder encoder({.quality = quality, .halve_chroma = halved});
  return encoder.encode(image);
}

}  // namespace lamella::imagefile
