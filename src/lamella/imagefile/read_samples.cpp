// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <png.h>

#include <cstdio>  // jpeglib.h needs FILE
// (order matters)
#include <jpeglib.h>

#include <bit>
#include <csetjmp>
#include <cstring>

#include "lamella/base/error.h"
#include "lamella/imagefile/samples_internal.h"
#include "lamella/io/files.h"

namespace lamella::imagefile {

namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 30;

// What the C libraries may jump over (setjmp) is kept out of the functions that they jump through.
struct PngSource {
  const std::string& bytes;
  size_t at = 0;
  char error[200] = {};
  png_structp png = nullptr;
  png_infop info = nullptr;
  int width = 0, height = 0, bits = 0, channels = 0;
  explicit PngSource(const std::string& text) : bytes(text) {}
  ~PngSource() { png_destroy_read_struct(&png, &info, nullptr); }
  PngSource(const PngSource&) = delete;
  PngSource& operator=(const PngSource&) = delete;
};

void on_png_error(png_structp png, png_const_charp message) {
  auto* source = static_cast<PngSource*>(png_get_error_ptr(png));
  std::snprintf(source->error, sizeof source->error, "%s", message);
  png_longjmp(png, 1);
}

void on_png_warning(png_structp, png_const_charp) {}

void give_png_bytes(png_structp png, png_bytep data, size_t size) {
  auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
  if (size > source->bytes.size() - source->at) png_error(png, "the file ends too early");
  std::memcpy(data, source->bytes.data() + source->at, size);
  source->at += size;
}

bool read_png_header(PngSource& source) {
  if (setjmp(png_jmpbuf(source.png)) != 0) return false;
  png_set_read_fn(source.png, &source, give_png_bytes);
  png_read_info(source.png, source.info);
  png_set_expand(source.png);
  if constexpr (std::endian::native == std::endian::little) png_set_swap(source.png);
  png_set_interlace_handling(source.png);
  png_read_update_info(source.png, source.info);
  source.width = static_cast<int>(png_get_image_width(source.png, source.info));
  source.height = static_cast<int>(png_get_image_height(source.png, source.info));
  source.bits = png_get_bit_depth(source.png, source.info);
  source.channels = png_get_channels(source.png, source.info);
  return true;
}

bool read_png_rows(PngSource& source, png_bytepp rows) {
  if (setjmp(png_jmpbuf(source.png)) != 0) return false;
  png_read_image(source.png, rows);
  png_read_end(source.png, nullptr);
  return true;
}

Samples read_png_samples(const std::string& bytes, int64_t max_px, const std::string& path) {
  PngSource source(bytes);
  const auto check = [&](bool good) {
    if (good) return;
    throw Error(ErrorCode::kCorrupt, fmt::format("is no PNG that can be read: {}", source.error),
                path);
  };
  source.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_png_error, on_png_warning);
  source.info = source.png ? png_create_info_struct(source.png) : nullptr;
  check(source.info != nullptr);
  check(read_png_header(source));
  require_samples_fit(source.width, source.height, max_px, path);
  const auto width = static_cast<size_t>(source.width), height = static_cast<size_t>(source.height);
  const size_t row_bytes = png_get_rowbytes(source.png, source.info);
  std::vector<uint16_t> pixels((row_bytes * height + 1) / 2);
  auto* first = reinterpret_cast<png_bytep>(pixels.data());
  std::vector<png_bytep> rows(height);
  for (size_t y = 0; y < height; ++y) rows[y] = first + y * row_bytes;
  check(read_png_rows(source, rows.data()));
  Samples samples{source.width, source.height, std::vector<uint16_t>(width * height)};
  for (size_t i = 0; i < width * height; ++i) {
    const size_t at = i * static_cast<size_t>(source.channels);
    samples.values[i] = source.bits == 16 ? pixel_value(pixels.data() + at, source.channels)
                                          : pixel_value(first + at, source.channels);
  }
  return samples;
}

struct JpegSource {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf jump{};
  char text[JMSG_LENGTH_MAX] = {};
  bool warned = false;
  ~JpegSource() { jpeg_destroy_decompress(&info); }

  static void on_error(j_common_ptr common) {
    auto* source = static_cast<JpegSource*>(common->client_data);
    common->err->format_message(common, source->text);
    std::longjmp(source->jump, 1);
  }
  static void on_message(j_common_ptr common, int level) {
    if (level >= 0) return;  // chatter
    auto* source = static_cast<JpegSource*>(common->client_data);
    source->warned = true;
    common->err->format_message(common, source->text);
  }

  bool begin(const std::string& bytes) {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = on_error;
    errors.emit_message = on_message;
    info.client_data = this;
    if (setjmp(jump) != 0) return false;
    jpeg_create_decompress(&info);
    info.client_data = this;
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&info, TRUE);
    info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&info);
    return true;
  }

  bool row(unsigned char* out) {
    if (setjmp(jump) != 0) return false;
    return jpeg_read_scanlines(&info, &out, 1) == 1;
  }
};

Samples read_jpeg_samples(const std::string& bytes, int64_t max_px, const std::string& path) {
  JpegSource source;
  const auto check = [&](bool good) {
    if (good && !source.warned) return;
    throw Error(ErrorCode::kCorrupt, fmt::format("is no JPEG that can be read: {}", source.text),
                path);
  };
  check(source.begin(bytes));
  require_samples_fit(source.info.output_width, source.info.output_height, max_px, path);
  const size_t width = source.info.output_width;
  const int channels = source.info.output_components;
  Samples samples{static_cast<int>(width), static_cast<int>(source.info.output_height), {}, true};
  std::vector<unsigned char> row(width * static_cast<size_t>(channels));
  for (int y = 0; y < samples.height; ++y) {
    check(source.row(row.data()));
    for (size_t x = 0; x < width; ++x) {
      samples.values.push_back(
          pixel_value(row.data() + x * static_cast<size_t>(channels), channels));
    }
  }
  return samples;
}

}  // namespace

void require_samples_fit(int64_t width, int64_t height, int64_t max_px, const std::string& path) {
  if (width > 0 && height > 0 && width <= max_px / height) return;
  throw Error(ErrorCode::kLimit,
              fmt::format("has {} x {} px, expected at most {} px in all; make it smaller", width,
                          height, max_px),
              path);
}

Samples read_samples(const std::string& path, int64_t max_px) {
  const std::string bytes = io::read_text_file(path, kMaxFileBytes);
  const std::string_view start = std::string_view(bytes).substr(0, 4);
  if (start == "\x89PNG") return read_png_samples(bytes, max_px, path);
  if (start.starts_with("\xFF\xD8")) return read_jpeg_samples(bytes, max_px, path);
  if (start.starts_with("II") || start.starts_with("MM")) return read_tiff_samples(path, max_px);
  throw Error(ErrorCode::kUnsupported, "is none of the pictures expected: PNG, JPEG or TIFF", path);
}

}  // namespace lamella::imagefile
