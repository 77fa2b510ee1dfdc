// SPDX-License-Identifier: Apache-2.0
// The formats of annotations: one file and one line of the table each.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/annotation/outline_bounds.h"
#include "lamella/annotation/shape.h"
#include "lamella/io/text_stream.h"

namespace lamella::annotation {

struct ReadOptions {
  const SlideFrame* frame = nullptr;  // of the slide, for formats that count from elsewhere
  io::Notes notes = nullptr;          // what was adapted or left out
};

struct WriteOptions {
  const SlideFrame* frame = nullptr;
  io::Notes notes = nullptr;  // what the format cannot say
};

// Writes shapes as they come; a file is there only after finish(). Notes are written by finish().
class ShapeWriter : public ShapeSink {
 public:
  virtual void finish() = 0;
};

struct AnnotationFormat {
  std::string_view name;       // "geojson": of --from and --to
  std::string_view title;      // "GeoJSON of QuPath"
  std::string_view extension;  // of files named by format: ".geojson"
  bool needs_slide = false;    // coordinates count from the slide's centre, in nm
  // By the text's beginning; a damaged file of the format is still its own.
  bool (*detect)(std::string_view head) = nullptr;
  // Errors kFormat with the place, what was found and what was expected; those of TextStream.
  void (*read)(io::TextStream& text, const ReadOptions& options, ShapeSink& sink) = nullptr;
  // Errors kIo; kInvalidArgument without a slide where one is needed.
  std::unique_ptr<ShapeWriter> (*write)(const std::string& path,
                                        const WriteOptions& options) = nullptr;
};

std::span<const AnnotationFormat> annotation_formats();
// Error kInvalidArgument that names those there are.
const AnnotationFormat& annotation_format(std::string_view name);
// nullptr if none takes it.
const AnnotationFormat* detect_format(io::TextStream& text);
// The same, or error kFormat: what the file begins with, and the formats there are.
const AnnotationFormat& require_format(io::TextStream& text);
// The format that files of such a name are written in (".geojson.gz" too); nullptr: the name says
// nothing, or several formats have it (".xml", ".json").
const AnnotationFormat* format_of_name(const std::string& path);

// Shapes of a file of any format, told apart by content, or of the one named.
void read_shapes(const std::string& path, const std::string& format, const ReadOptions& options,
                 ShapeSink& sink);

}  // namespace lamella::annotation
