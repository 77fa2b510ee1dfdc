// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "lamella/annotation/json_lists_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/json_text.h"

namespace lamella::annotation {

namespace {

constexpr size_t kMaxItem = size_t{256} << 20;
constexpr size_t kMaxRest = size_t{16} << 20;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

void JsonLists::fail(const std::string& found, const std::string& expected) const {
  throw Error(ErrorCode::kFormat,
              fmt::format("found no well-formed JSON, expected {} (line {}: found {}, expected {})",
                          what_, line_, found, expected),
              text_.path());
}

bool JsonLists::fill() {
  if (at_ < piece_.size()) return true;
  piece_ = text_.next();
  at_ = 0;
  return !piece_.empty();
}

char JsonLists::peek() {
  while (fill()) {
    while (at_ < piece_.size() && is_space(piece_[at_])) line_ += piece_[at_++] == '\n';
    if (at_ < piece_.size()) return piece_[at_];
  }
  return '\0';
}

void JsonLists::skip(char c) {
  const char found = peek();
  if (found != c) {
    fail(found == '\0' ? "the end of the file" : fmt::format("'{}'", found),
         fmt::format("'{}'", c));
  }
  ++at_;
}

// NaN, Infinity; a minus before it was taken already.
void JsonLists::bare_word(std::string& out) {
  std::string word;
  while (fill() && std::isalpha(static_cast<unsigned char>(piece_[at_])) && word.size() < 16) {
    word += piece_[at_++];
  }
  if (word != "NaN" && word != "Infinity") {
    out += word;
    return;
  }
  const bool negative = out.ends_with('-');
  if (negative) out.pop_back();
  out += '"';
  if (negative) out += '-';
  out += word + '"';
}

std::string JsonLists::value() {
  std::string out;
  int depth = 0;
  bool quoted = false, escaped = false;
  peek();
  while (fill()) {
    const size_t start = at_;
    bool done = false, bare = false;
    for (; at_ < piece_.size() && !done; ++at_) {
      const char c = piece_[at_];
      if (quoted) {
        if (escaped) {
          escaped = false;
        } else if (c == '\\') {
          escaped = true;
        } else if (c == '"') {
          quoted = false;
          if (depth == 0) done = true;
        }
        continue;
      }
      if (c == '"') {
        quoted = true;
      } else if (c == '[' || c == '{') {
        if (++depth > kMaxJsonDepth) {
          fail("values nested deeper than 64 levels", "GeoJSON or the like");
        }
      } else if (c == ']' || c == '}') {
        if (depth == 0) break;
        if (--depth == 0) done = true;
      } else if (depth == 0 && (c == ',' || is_space(c))) {
        break;
      } else if (c == 'N' || c == 'I') {
        bare = true;
        break;
      }
    }
    const std::string_view part = piece_.substr(start, at_ - start);
    line_ += std::count(part.begin(), part.end(), '\n');
    out += part;
    if (out.size() > kMaxItem) {
      throw Error(ErrorCode::kLimit,
                  fmt::format("line {}: one annotation is longer than {} MiB; split it", line_,
                              kMaxItem >> 20),
                  text_.path());
    }
    if (bare) {
      bare_word(out);
    } else if (done || at_ < piece_.size()) {
      return out;
    }
  }
  if (depth > 0 || quoted) fail("the end of the file", "the end of a value");
  return out;
}

nlohmann::json JsonLists::parse(const std::string& text, const std::string& place) const {
  try {
    return parse_json(text);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kFormat,
                fmt::format("found no well-formed JSON, expected {} ({}, line {}: {})", what_,
                            place, line_, error.what()),
                text_.path());
  }
}

void JsonLists::read_list(const std::string& name, const Take& take) {
  skip('[');
  if (peek() == ']') return skip(']');
  for (int64_t index = 0;; ++index) {
    const std::string place = fmt::format("{}[{}]", name, index);
    take(place, parse(value(), place));
    if (peek() == ']') return skip(']');
    skip(',');
  }
}

void JsonLists::read_object(const std::vector<std::string>& lists, const Take& take) {
  skip('{');
  size_t rest_bytes = 0;
  while (peek() != '}') {
    const nlohmann::json key = parse(value(), "the document");
    if (!key.is_string()) fail(json_excerpt(key), "a name in quotes");
    const std::string name = key.get<std::string>();
    skip(':');
    if (peek() == '[' && std::find(lists.begin(), lists.end(), name) != lists.end()) {
      if (saw(name)) fail(fmt::format("'{}' twice", name), "it once");
      seen_.push_back(name);
      read_list(name, take);
    } else {
      const std::string text = value();
      // One feature is a document of its own, and may be as long as one in a list.
      if (seen_.empty() || (rest_bytes += text.size()) < kMaxRest) rest_[name] = parse(text, name);
    }
    if (peek() == '}') break;
    skip(',');
    if (peek() == '}') fail("'}'", "a name in quotes after the comma");
  }
  skip('}');
}

void JsonLists::read(const std::vector<std::string>& lists, const Take& take) {
  const char first = peek();
  is_list_ = first == '[';
  if (is_list_ && std::find(lists.begin(), lists.end(), "") != lists.end()) {
    read_list("", take);
  } else if (first == '{') {
    read_object(lists, take);
  } else {
    rest_ = parse(value(), "the document");
  }
  if (const char after = peek(); after != '\0') {
    fail(fmt::format("'{}' after the document", after), "the end of the file");
  }
}

bool JsonLists::saw(const std::string& list) const {
  return std::find(seen_.begin(), seen_.end(), list) != seen_.end();
}

}  // namespace lamella::annotation
