// SPDX-License-Identifier: Apache-2.0
// slideflow's regions of interest: a row a point, "roi_name,x_base,y_base[,label]", level-0 px;
// rows of one name that follow one another are one outline.
#include <fmt/format.h>

#include <algorithm>

#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/formats_internal.h"
#include "lamella/annotation/repair.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/csv.h"

namespace lamella::annotation {

namespace {

// Lines of a text that ends them with CR, LF or both.
class Lines {
 public:
  explicit Lines(io::TextStream& text) : text_(text) {}

  bool next(std::string& line) {
    line.clear();
    bool any = false;
    for (;;) {
      if (at_ == piece_.size()) {
        piece_ = text_.next();
        at_ = 0;
        if (piece_.empty()) break;
      }
      if (after_cr_ && piece_[at_] == '\n') {
        after_cr_ = false;
        ++at_;
        continue;
      }
      after_cr_ = false;
      any = true;
      const size_t end = std::min(piece_.find_first_of("\r\n", at_), piece_.size());
      line.append(piece_.substr(at_, end - at_));
      at_ = end;
      if (end == piece_.size()) continue;
      after_cr_ = piece_[at_++] == '\r';
      break;
    }
    number_ += any;
    return any;
  }
  int number() const { return number_; }

 private:
  io::TextStream& text_;
  std::string_view piece_;
  size_t at_ = 0;
  bool after_cr_ = false;
  int number_ = 0;
};

class SlideflowReader {
 public:
  SlideflowReader(io::TextStream& text, const ReadOptions& options, ShapeSink& sink)
      : path_(text.path()), sink_(sink) {
    Lines lines(text);
    std::string line;
    while (lines.next(line)) {
      if (trim(line).empty()) continue;
      row_ = fields_of(line, lines.number());
      if (!header_) {
        read_header();
      } else {
        read_row();
      }
    }
    end_shape();
    if (options.notes) left_out_.note(*options.notes);
  }

 private:
  io::CsvRow fields_of(const std::string& line, int number) {
    io::CsvRow row;
    if (!header_ || line.find('"') != std::string::npos) {
      // The first line tells the separator: it is put before each that needs the whole grammar.
      auto rows = io::parse_csv(header_ ? header_line_ + "\n" + line : line, path_);
      row = rows.empty() ? io::CsvRow{} : std::move(rows.back());
      if (!header_) header_line_ = line;
      row.line = number;
      return row;
    }
    row.line = number;
    row.separator = separator_;
    for (size_t from = 0;;) {
      const size_t to = std::min(line.find(separator_, from), line.size());
      row.columns.push_back(static_cast<int>(from) + 1);
      row.fields.emplace_back(trim(std::string_view(line).substr(from, to - from)));
      if (to == line.size()) break;
      from = to + 1;
    }
    return row;
  }

  void read_header() {
    header_ = true;
    separator_ = row_.separator;
    const auto column = [&](std::string_view name) {
      const auto found =
          std::find_if(row_.fields.begin(), row_.fields.end(),
                       [&](const std::string& field) { return to_lower(trim(field)) == name; });
      return found == row_.fields.end() ? std::string::npos
                                        : static_cast<size_t>(found - row_.fields.begin());
    };
    name_ = column("roi_name");
    x_ = column("x_base");
    y_ = column("y_base");
    label_ = column("label");
    if (name_ == std::string::npos || x_ == std::string::npos || y_ == std::string::npos) {
      io::throw_csv_error(path_, row_, 0, "a header with roi_name, x_base and y_base");
    }
  }

  double number(size_t field, const char* what) const {
    const std::optional<double> value =
        field < row_.fields.size() ? io::csv_number(row_, field) : std::nullopt;
    if (!value || !is_coordinate(*value)) {
      if (field < row_.fields.size()) {
        io::throw_csv_error(path_, row_, field, fmt::format("{} in level-0 px", what));
      }
      throw Error(ErrorCode::kFormat,
                  fmt::format("line {}: found {} fields, expected {} in level-0 px too", row_.line,
                              row_.fields.size(), what),
                  path_);
    }
    return *value;
  }

  void read_row() {
    const std::string name = name_ < row_.fields.size() ? row_.fields[name_] : std::string();
    const std::string label = label_ < row_.fields.size() ? row_.fields[label_] : std::string();
    if (!ring_.empty() && (name != shape_.name || label != shape_.group)) end_shape();
    if (ring_.empty()) {
      shape_ = {};
      shape_.name = name;
      shape_.group = label;
      shape_.place = fmt::format("line {}", row_.line);
    }
    ring_.push_back({number(x_, "x_base"), number(y_, "y_base")});
  }

  void end_shape() {
    if (ring_.empty()) return;
    if (!shape_.group.empty()) sink_.declare({shape_.group, std::nullopt});
    open_ring(ring_);
    if (take_ring(shape_, std::move(ring_), left_out_)) sink_.take(std::move(shape_));
    ring_.clear();
    shape_ = {};
  }

  const std::string path_;
  ShapeSink& sink_;
  LeftOut left_out_;
  bool header_ = false;
  std::string header_line_;
  char separator_ = ',';
  size_t name_ = 0, x_ = 0, y_ = 0, label_ = 0;
  io::CsvRow row_;
  Shape shape_;
  std::vector<PointF> ring_;
};

std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out + '"';
}

class SlideflowWriter final : public ShapeWriter {
 public:
  SlideflowWriter(const std::string& path, const WriteOptions& options)
      : out_(path), losses_("slideflow's CSV", options.notes) {
    out_.put("roi_name,x_base,y_base,label\n");
  }

  void declare(const ShapeGroup&) override {}

  void take(Shape&& shape) override {
    if (!losses_.outlines_alone(shape)) return;
    for (const Area& area : shape.areas) {
      if (!area.holes.empty()) {
        losses_.add("holes: joined to their outline by a line of no width", shape);
      }
      // Outlines are told apart by their names alone.
      std::string name = shape.name.empty() ? fmt::format("ROI_{}", count_) : shape.name;
      if (name == last_name_) {
        losses_.add("that neighbours have one name: numbered", shape);
        name += fmt::format("_{}", count_);
      }
      ++count_;
      last_name_ = name;
      const std::string quoted = csv_text(name), label = csv_text(shape.group);
      std::string text;
      for (const PointF& point : bridged_ring(area)) {
        fmt::format_to(std::back_inserter(text), "{},{},{},{}\n", quoted, point.x, point.y, label);
      }
      out_.put(text);
    }
  }

  void finish() override {
    out_.finish();
    losses_.finish();
  }

 private:
  TextOut out_;
  Losses losses_;
  int64_t count_ = 0;
  std::string last_name_;
};

}  // namespace

void read_slideflow_csv(io::TextStream& text, const ReadOptions& options, ShapeSink& sink) {
  SlideflowReader(text, options, sink);
}

std::unique_ptr<ShapeWriter> write_slideflow_csv(const std::string& path,
                                                 const WriteOptions& options) {
  return std::make_unique<SlideflowWriter>(path, options);
}

}  // namespace lamella::annotation
