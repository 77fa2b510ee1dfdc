// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "lamella/base/error.h"
#include "lamella/slide/tiff_handle_internal.h"

namespace lamella::slide {

namespace {

constexpr tmsize_t kMaxSingleAllocation = tmsize_t{512} << 20;

std::string format_message(const char* module, const char* format, va_list args) {
  std::array<char, 1024> text{};
  std::vsnprintf(text.data(), text.size(), format, args);
  return module ? std::string(module) + ": " + text.data() : std::string(text.data());
}

// Real slides make libtiff complain of private tags and untidy metadata, in warnings and in errors;
// that is harmless. It is not when a tag that pixels depend on was ignored, or its value guessed.
// Lengths of strips that it works out itself are right for stored samples, and others end by
// themselves; reading beyond them is noticed there.
bool is_damage(std::string_view message) {
  constexpr std::array<std::string_view, 16> kTags = {
      "\"ImageWidth\"",   "\"ImageLength\"",     "\"BitsPerSample\"",
      "\"Compression\"",  "\"SamplesPerPixel\"", "\"PhotometricInterpretation\"",
      "\"RowsPerStrip\"", "\"StripOffsets\"",    "\"PlanarConfiguration\"",
      "\"Predictor\"",    "\"TileWidth\"",       "\"TileLength\"",
      "\"TileOffsets\"",  "\"TileByteCounts\"",  "\"ExtraSamples\"",
      "\"JPEGTables\""};
  const auto found = [&](std::string_view part) { return message.find(part) != message.npos; };
  if (found("\"StripByteCounts\"")) return !found("calculating from imagelength");
  return std::ranges::any_of(kTags, found);
}

bool is_harmless(std::string_view message) {
  return message.find("Old-style LZW codes") != message.npos;
}

}  // namespace

struct TiffHandle::Stream {
  static TiffHandle& self(thandle_t handle) { return *static_cast<TiffHandle*>(handle); }

  static tmsize_t read(thandle_t handle, void* out, tmsize_t size) {
    TiffHandle& tiff = self(handle);
    const int64_t left = std::max<int64_t>(0, tiff.source_->size() - tiff.position_);
    const int64_t count = std::min<int64_t>(size, left);
    if (count <= 0) return 0;
    try {
      tiff.source_->read_at(tiff.position_,
                            {static_cast<std::byte*>(out), static_cast<size_t>(count)});
    } catch (const Error& error) {  // must not pass through C; libtiff reports the short read
      tiff.keep(error.message());
      return -1;
    }
    tiff.position_ += count;
    return count;
  }
  static tmsize_t write(thandle_t, void*, tmsize_t) { return -1; }
  static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    TiffHandle& tiff = self(handle);
    int64_t base = 0;
    if (whence == SEEK_CUR) base = tiff.position_;
    if (whence == SEEK_END) base = tiff.source_->size();
    int64_t position = 0;
    if (__builtin_add_overflow(base, static_cast<int64_t>(offset), &position) || position < 0) {
      return static_cast<toff_t>(-1);
    }
    tiff.position_ = position;
    return static_cast<toff_t>(position);
  }
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t handle) { return static_cast<toff_t>(self(handle).source_->size()); }
  static int map(thandle_t, void**, toff_t*) { return 0; }
  static void unmap(thandle_t, void*, toff_t) {}
};

void TiffHandle::keep(const std::string& message) {
  if (is_harmless(message)) return;
  if (damage_.empty() && is_damage(message)) damage_ = message;
  if (message_.empty()) message_ = message;
  unit_is_unknown_ |= message.find("\"ResolutionUnit\"") != message.npos;
}

int TiffHandle::on_message(TIFF*, void* self, const char* module, const char* format,
                           va_list args) {
  static_cast<TiffHandle*>(self)->keep(format_message(module, format, args));
  return 1;  // handled: nothing goes to stderr
}

TiffHandle::TiffHandle(std::shared_ptr<const io::ByteSource> source) : source_(std::move(source)) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(
      TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxSingleAllocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &on_message, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), &on_message, this);
  tiff_ = TIFFClientOpenExt(source_->name().c_str(), "rm", this, &Stream::read, &Stream::write,
                            &Stream::seek, &Stream::close, &Stream::size, &Stream::map,
                            &Stream::unmap, options.get());
  if (!tiff_) {
    throw Error(
        ErrorCode::kCorrupt,
        "is damaged or cut short: its first TIFF directory cannot be read (" + message_ + ")",
        source_->name());
  }
}

TiffHandle::~TiffHandle() {
  if (tiff_) TIFFClose(tiff_);
}

void TiffHandle::clear() {
  damage_.clear();
  message_.clear();
  unit_is_unknown_ = false;
}

}  // namespace lamella::slide
