// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <zlib.h>

#include <cstdio>
#include <filesystem>

#include "lamella/annotation/formats_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/temporary.h"

namespace lamella::annotation {

namespace {

constexpr size_t kBuffer = size_t{1} << 20;

}  // namespace

struct TextOut::State {
  std::string path, temporary, buffer;
  std::FILE* plain = nullptr;
  gzFile zipped = nullptr;

  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(errno)), path);
  }
  void flush() {
    const size_t size = buffer.size();
    const bool done =
        zipped ? size == 0 || gzwrite(zipped, buffer.data(), static_cast<unsigned>(size)) > 0
               : std::fwrite(buffer.data(), 1, size, plain) == size;
    if (!done) fail();
    buffer.clear();
  }
  bool close() {
    const bool good = zipped ? gzclose(zipped) == Z_OK : !plain || std::fclose(plain) == 0;
    zipped = nullptr;
    plain = nullptr;
    return good;
  }
};

TextOut::TextOut(const std::string& path) : state_(std::make_unique<State>()) {
  state_->path = path;
  io::make_folders(io::parent_folder(path));
  state_->temporary = io::temporary_name(path);
  if (path.ends_with(".gz")) {
    state_->zipped = gzopen(state_->temporary.c_str(), "wb6");
  } else {
    state_->plain = std::fopen(state_->temporary.c_str(), "wb");
  }
  if (!state_->zipped && !state_->plain) state_->fail();
  state_->buffer.reserve(2 * kBuffer);
}

TextOut::~TextOut() {
  state_->close();
  std::error_code ignored;
  if (!state_->temporary.empty()) std::filesystem::remove(state_->temporary, ignored);
}

void TextOut::put(std::string_view text) {
  state_->buffer += text;
  if (state_->buffer.size() >= kBuffer) state_->flush();
}

void TextOut::put_number(double value) { put(format_double(value)); }

void TextOut::finish() {
  state_->flush();
  if (!state_->close()) state_->fail();
  io::replace_file(state_->path, [&](const std::string& place) {
    std::filesystem::rename(state_->temporary, place);
  });
  state_->temporary.clear();
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\r':
        out += "&#13;";
        break;
      case '\t':
        out += "&#9;";
        break;
      default:
        // XML knows no other control characters.
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

void Losses::add(const std::string& what, const Shape& shape) {
  kinds_.add(fmt::format("{} cannot say: {}", format_, what),
             fmt::format("{} cannot say: {}", format_, what), shape.label());
}

void Losses::add_usual(const Shape& shape) {
  if (!shape.measurements.empty()) add("measurements", shape);
  if (shape.object_type != "annotation") add("that it is a " + shape.object_type, shape);
  if (shape.areas.size() > 1) add("that several outlines are one annotation", shape);
  if (!shape.members.empty()) add("a cell's nucleus, or other parts of QuPath", shape);
  if (!shape.more.empty()) add("further properties of QuPath", shape);
}

bool Losses::outlines_alone(const Shape& shape) {
  add_usual(shape);
  if (shape.kind != ShapeKind::kAreas) {
    add("points and lines: left out", shape);
    return false;
  }
  if (shape.colour || shape.group_colour) add("colours", shape);
  return true;
}

void Losses::finish() {
  if (notes_) kinds_.note(*notes_);
}

void Groups::add(const std::string& name, const std::optional<Colour>& colour) {
  if (name.empty()) return;
  const auto [place, added] = places_.try_emplace(name, groups_.size());
  if (added) groups_.push_back({name, colour});
  if (!groups_[place->second].colour) groups_[place->second].colour = colour;
}

Colour Groups::colour_of(const std::string& name) const {
  const auto found = places_.find(name);
  if (found == places_.end()) return palette_colour(0);
  return groups_[found->second].colour.value_or(palette_colour(found->second));
}

}  // namespace lamella::annotation
