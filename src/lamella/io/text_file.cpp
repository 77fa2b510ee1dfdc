// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/text_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/io/files.h"

namespace lamella::io {

namespace {

void append_utf8(uint32_t code, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string from_utf16(std::string_view bytes, bool big_endian, const std::string& path) {
  const auto refuse = [&](size_t at) {
    throw Error(ErrorCode::kFormat,
                fmt::format("byte {}: found half a character of UTF-16 text; save the file as "
                            "UTF-8",
                            at),
                path);
  };
  if (bytes.size() % 2 != 0) refuse(bytes.size());
  const auto unit = [&](size_t at) {
    const auto first = static_cast<uint8_t>(bytes[at]),
               second = static_cast<uint8_t>(bytes[at + 1]);
    return static_cast<uint32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  std::string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size(); at += 2) {
    uint32_t code = unit(at);
    if (code >= 0xdc00 && code < 0xe000) refuse(at);
    if (code >= 0xd800 && code < 0xdc00) {
      const uint32_t low = at + 4 <= bytes.size() ? unit(at + 2) : 0;
      if (low < 0xdc00 || low >= 0xe000) refuse(at);
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 2;
    }
    append_utf8(code, text);
  }
  return text;
}

// Bytes of the UTF-8 character at `at`; 0 if it is none.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  const auto tails = [&](size_t count) {
    for (size_t i = 1; i <= count; ++i) {
      if ((byte(at + i) & 0xc0) != 0x80) return false;
    }
    return true;
  };
  const uint8_t first = static_cast<uint8_t>(byte(at));
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return tails(1) ? 2 : 0;
  if (first >= 0xe0 && first < 0xf0) {
    const bool short_form = first == 0xe0 && byte(at + 1) < 0xa0;
    const bool surrogate = first == 0xed && byte(at + 1) >= 0xa0;
    return !short_form && !surrogate && tails(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first < 0xf5) {
    const bool short_form = first == 0xf0 && byte(at + 1) < 0x90;
    const bool beyond = first == 0xf4 && byte(at + 1) >= 0x90;
    return !short_form && !beyond && tails(3) ? 4 : 0;
  }
  return 0;
}

// "line L, column C" of a byte.
std::string place_of(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  return fmt::format("line {}, column {}", std::count(before.begin(), before.end(), '\n') + 1,
                     at - (before.rfind('\n') + 1) + 1);  // npos + 1 is 0
}

}  // namespace

std::string decode_text(std::string bytes, const std::string& path, Notes notes) {
  const std::string_view view = bytes;
  const auto zero = [&](size_t i) { return view[i] == '\0'; };
  if (view.starts_with(std::string_view("\xFF\xFE\0\0", 4)) ||
      view.starts_with(std::string_view("\0\0\xFE\xFF", 4))) {
    throw Error(ErrorCode::kFormat, "found UTF-32 text, expected UTF-8; save the file as UTF-8",
                path);
  }
  const bool marked = view.starts_with("\xFF\xFE") || view.starts_with("\xFE\xFF");
  const bool bare = !marked && view.size() >= 2 && zero(0) != zero(1);
  if (marked || bare) {
    const bool big_endian = marked ? view.front() == '\xFE' : zero(0);
    std::string text = from_utf16(view.substr(marked ? 2 : 0), big_endian, path);
    if (notes) notes->push_back("is UTF-16 text, and was read as such");
    bytes = std::move(text);
  } else if (view.starts_with("\xEF\xBB\xBF")) {
    bytes.erase(0, 3);
  }
  if (const size_t at = bytes.find('\0'); at != std::string::npos) {
    throw Error(ErrorCode::kFormat,
                place_of(bytes, at) + ": found a zero byte, expected text (UTF-8 or UTF-16)", path);
  }
  return bytes;
}

std::string read_decoded_text(const std::string& path, int64_t max_bytes, Notes notes) {
  return decode_text(read_text_file(path, max_bytes), path, notes);
}

void require_utf8(std::string_view text, const std::string& path) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    if (length == 0) {
      throw Error(ErrorCode::kFormat,
                  fmt::format("{}: found the byte 0x{:02x}, which is no UTF-8 text; save the file "
                              "as UTF-8 (in Excel: CSV UTF-8)",
                              place_of(text, at), static_cast<uint8_t>(text[at])),
                  path);
    }
    at += length;
  }
}

}  // namespace lamella::io
