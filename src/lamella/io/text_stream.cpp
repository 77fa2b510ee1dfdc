// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/text_stream.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/io/byte_source.h"

namespace lamella::io {

namespace {

constexpr size_t kPiece = size_t{1} << 20, kHead = size_t{1} << 16;
// Deflate reaches 1032 times; text of coordinates reaches 30.
constexpr int64_t kMaxGrowth = 200, kGrowthFree = int64_t{64} << 20;
constexpr int64_t kMaxText = int64_t{32} << 30;

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::string text, std::string name)
      : text_(std::move(text)), name_(std::move(name)) {}
  const std::string& name() const override { return name_; }
  int64_t size() const override { return static_cast<int64_t>(text_.size()); }
  void read_at(int64_t offset, std::span<std::byte> out) const override {
    std::memcpy(out.data(), text_.data() + offset, out.size());
  }

 private:
  const std::string text_, name_;
};

// The bytes of a file, taken out of gzip where it is that.
class Bytes {
 public:
  Bytes(std::shared_ptr<const ByteSource> source, const std::string& path)
      : source_(std::move(source)), path_(path), raw_(kPiece) {
    std::array<std::byte, 2> magic{};
    if (source_->size() >= 2) source_->read_at(0, magic);
    zipped_ = magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b};
    if (zipped_ && inflateInit2(&zip_, 15 + 16) != Z_OK) {
      throw Error(ErrorCode::kInternal, "gzip cannot be read", path_);
    }
  }
  ~Bytes() {
    if (zipped_) inflateEnd(&zip_);
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  int64_t read() const { return at_; }
  bool done() const {
    return at_ == source_->size() && (!zipped_ || (ended_ && zip_.avail_in == 0));
  }

  // Up to kPiece bytes; empty at the end.
  std::string take() { return zipped_ ? take_unzipped() : std::string(fill()); }

 private:
  std::string_view fill() {
    const int64_t count = std::min<int64_t>(kPiece, source_->size() - at_);
    source_->read_at(at_, std::span(raw_).first(static_cast<size_t>(count)));
    at_ += count;
    return {reinterpret_cast<const char*>(raw_.data()), static_cast<size_t>(count)};
  }

  std::string take_unzipped() {
    std::string text(kPiece, '\0');
    zip_.next_out = reinterpret_cast<Bytef*>(text.data());
    zip_.avail_out = static_cast<uInt>(text.size());
    while (zip_.avail_out > 0) {
      if (zip_.avail_in == 0) {
        const std::string_view raw = fill();
        if (raw.empty()) {
          if (!ended_) throw Error(ErrorCode::kCorrupt, "gzip data end too early", path_);
          break;
        }
        zip_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
        zip_.avail_in = static_cast<uInt>(raw.size());
      }
      if (ended_) {  // several gzip files in a row are one
        inflateReset(&zip_);
        ended_ = false;
      }
      const int code = inflate(&zip_, Z_NO_FLUSH);
      ended_ = code == Z_STREAM_END;
      if (code != Z_OK && code != Z_STREAM_END) {
        throw Error(ErrorCode::kCorrupt,
                    fmt::format("gzip data are damaged near byte {} ({})", at_,
                                zip_.msg ? zip_.msg : "unexpected bytes"),
                    path_);
      }
    }
    text.resize(text.size() - zip_.avail_out);
    grow(static_cast<int64_t>(text.size()));
    return text;
  }

  void grow(int64_t bytes) {
    given_ += bytes;
    if (given_ <= kMaxText && (given_ <= kGrowthFree || given_ <= kMaxGrowth * at_)) return;
    throw Error(ErrorCode::kLimit,
                fmt::format("gzip grows to more than {} MiB out of {} KiB: no annotations are like "
                            "that; unpack the file and look at it",
                            given_ >> 20, at_ >> 10),
                path_);
  }

  std::shared_ptr<const ByteSource> source_;
  const std::string& path_;
  std::vector<std::byte> raw_;
  int64_t at_ = 0, given_ = 0;
  bool zipped_ = false, ended_ = false;
  z_stream zip_ = {};
};

bool is_high_surrogate(std::string_view text, size_t at, bool big_endian) {
  const auto high = static_cast<uint8_t>(text[big_endian ? at : at + 1]);
  return high >= 0xd8 && high < 0xdc;
}

}  // namespace

struct TextStream::State {
  std::string path;
  std::shared_ptr<const ByteSource> source;
  Notes notes = nullptr;
  std::unique_ptr<Bytes> bytes;
  std::string piece;
  std::string held;   // head(), not taken yet
  std::string carry;  // half a character of UTF-16
  enum class Coding { kUnknown, kUtf8, kLittle, kBig } coding = Coding::kUnknown;

  void begin() {
    bytes = std::make_unique<Bytes>(source, path);
    held.clear();
    carry.clear();
    coding = Coding::kUnknown;
  }

  // decode_text knows the codings; a later piece of UTF-16 is given the mark of the first.
  std::string decoded() {
    std::string raw = bytes->take();
    if (coding == Coding::kUnknown) {
      const std::string_view view = raw;
      const bool two = view.size() >= 2;
      if (view.starts_with("\xFF\xFE")) coding = Coding::kLittle;
      if (view.starts_with("\xFE\xFF")) coding = Coding::kBig;
      if (coding == Coding::kUnknown && two && (view[0] == '\0') != (view[1] == '\0')) {
        coding = view[0] == '\0' ? Coding::kBig : Coding::kLittle;
      }
      if (coding == Coding::kUnknown) coding = Coding::kUtf8;
      return decode_text(cut(std::move(raw)), path, notes);
    }
    if (coding == Coding::kUtf8) {
      if (raw.find('\0') != std::string::npos) return decode_text(" " + raw, path);
      return raw;
    }
    raw = cut(carry + raw);
    if (raw.empty()) return raw;
    return decode_text((coding == Coding::kBig ? "\xFE\xFF" : "\xFF\xFE") + raw, path);
  }

  // Keeps back what is half a character, unless the file ends there.
  std::string cut(std::string raw) {
    carry.clear();
    if (coding == Coding::kUtf8 || bytes->done()) return raw;
    size_t whole = raw.size() & ~size_t{1};
    if (whole >= 2 && is_high_surrogate(raw, whole - 2, coding == Coding::kBig)) whole -= 2;
    carry = raw.substr(whole);
    raw.resize(whole);
    return raw;
  }
};

TextStream::TextStream(const std::string& path, Notes notes) : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->source = open_file(path);
  state_->notes = notes;
  state_->begin();
}

TextStream::TextStream(std::unique_ptr<State> state) : state_(std::move(state)) {}

TextStream TextStream::of_text(std::string text, const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->source = std::make_shared<MemorySource>(std::move(text), path);
  state->begin();
  return TextStream(std::move(state));
}

TextStream::~TextStream() = default;
TextStream::TextStream(TextStream&&) noexcept = default;

const std::string& TextStream::path() const { return state_->path; }

std::string_view TextStream::next() {
  State& state = *state_;
  if (!state.held.empty()) {
    state.piece = std::move(state.held);
    state.held.clear();
  } else {
    state.piece = state.decoded();
  }
  return state.piece;
}

std::string_view TextStream::head() {
  if (state_->held.empty()) state_->held = state_->decoded();
  return std::string_view(state_->held).substr(0, kHead);
}

void TextStream::rewind() {
  // What was noted once is not noted again.
  state_->notes = nullptr;
  state_->begin();
}

int64_t TextStream::size() const { return state_->source->size(); }
int64_t TextStream::read() const { return state_->bytes->read(); }

}  // namespace lamella::io
