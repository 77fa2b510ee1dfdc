// SPDX-License-Identifier: Apache-2.0
#include "lamella/testing/test_tiff.h"

#include <tiffio.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "lamella/base/random.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::test {

namespace {

using Tiff = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

Tiff open_tiff(const std::string& path, const char* mode) {
  Tiff tiff(TIFFOpen(path.c_str(), mode), &TIFFClose);
  if (!tiff) throw std::runtime_error("libtiff cannot open " + path);
  return tiff;
}

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

void set_tags(TIFF* tiff, const TiffSpec& spec, size_t level) {
  const SizePx size = spec.levels[level];
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(size.width));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(size.height));
  TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, level > 0 ? FILETYPE_REDUCEDIMAGE : 0);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, spec.samples);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, spec.photometric);
  if (spec.extra_sample >= 0) {
    const auto kind = static_cast<uint16_t>(spec.extra_sample);
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
  }
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, spec.compression);
  if (spec.compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, 80);
    TIFFSetField(tiff, TIFFTAG_JPEGTABLESMODE,
                 spec.shared_tables ? JPEGTABLESMODE_QUANT | JPEGTABLESMODE_HUFF : 0);
    if (spec.photometric == PHOTOMETRIC_YCBCR) {
      TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, spec.subsampling[0], spec.subsampling[1]);
    }
  }
  if (spec.predictor != 1) TIFFSetField(tiff, TIFFTAG_PREDICTOR, spec.predictor);
  if (!spec.description.empty()) {
    TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, spec.description.c_str());
  }
  if (spec.x_resolution > 0) {
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, spec.x_resolution);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, spec.y_resolution);
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, spec.resolution_unit);
  }
  if (spec.tile_px > 0) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, spec.tile_px);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, spec.tile_px);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, spec.rows_per_strip);
  }
}

// A tile or strip of `image`; beyond its edge the fill is not white, so that showing it is noticed.
std::vector<uint8_t> cut(const Image& image, const RectPx& block) {
  const int channels = image.channels();
  std::vector<uint8_t> bytes(static_cast<size_t>(block.width * block.height * channels), 70);
  for (int64_t y = block.y; y < std::min<int64_t>(block.bottom(), image.height()); ++y) {
    const int64_t columns = std::min<int64_t>(block.width, image.width() - block.x);
    std::copy_n(image.row(static_cast<int>(y)) + block.x * channels, columns * channels,
                bytes.begin() + (y - block.y) * block.width * channels);
  }
  return bytes;
}

void write_level(TIFF* tiff, const TiffSpec& spec, size_t level) {
  set_tags(tiff, spec, level);
  const Image image = make_pixels(spec, level);
  const int step_x = spec.tile_px > 0 ? spec.tile_px : image.width();
  const int step_y = spec.tile_px > 0 ? spec.tile_px : spec.rows_per_strip;
  uint32_t number = 0;
  for (int y = 0; y < image.height(); y += step_y) {
    for (int x = 0; x < image.width(); x += step_x, ++number) {
      if (level == 0 && spec.missing.contains({x / step_x, y / step_y})) continue;
      const int rows = spec.tile_px > 0 ? step_y : std::min(step_y, image.height() - y);
      std::vector<uint8_t> bytes = cut(image, {x, y, step_x, rows});
      const auto size = static_cast<tmsize_t>(bytes.size());
      const tmsize_t done = spec.tile_px > 0
                                ? TIFFWriteEncodedTile(tiff, number, bytes.data(), size)
                                : TIFFWriteEncodedStrip(tiff, number, bytes.data(), size);
      require(done >= 0, "libtiff cannot write a tile");
    }
  }
  require(TIFFWriteDirectory(tiff), "libtiff cannot write a directory");
}

}  // namespace

Image make_pixels(const TiffSpec& spec, size_t level) {
  const SizePx size = spec.levels[level];
  Image image(static_cast<int>(size.width), static_cast<int>(size.height), spec.samples);
  Random random(11 + level);
  for (int y = 0; y < image.height(); ++y) {
    uint8_t* pixel = image.row(y);
    for (int x = 0; x < image.width(); ++x) {
      const bool inside = (x - 90) * (x - 90) + (y - 70) * (y - 70) < 2500;
      const int noise = static_cast<int>(random.below(24));
      const std::array<int, 4> value = {inside ? 150 : 60 + x % 128, inside ? 40 : 90 + y % 128,
                                        inside ? 160 : 200 - (x + y) % 100, (x * 7 + y * 3) % 256};
      for (int c = 0; c < spec.samples; ++c) {
        *pixel++ = static_cast<uint8_t>(
            std::min(255, value[static_cast<size_t>(c)] + (c < 3 ? noise : 0)));
      }
      // Premultiplied colours are at most their alpha.
      if (spec.extra_sample == EXTRASAMPLE_ASSOCALPHA) {
        for (int c = 2; c <= 4; ++c) pixel[-c] = std::min(pixel[-c], pixel[-1]);
      }
    }
  }
  return image;
}

void write_tiff(const TiffSpec& spec, const std::string& path) {
  const Tiff tiff = open_tiff(path, spec.mode);
  for (size_t level = 0; level < spec.levels.size(); ++level) write_level(tiff.get(), spec, level);
}

Image decode_by_libtiff_alone(const std::string& path, int index) {
  const Tiff tiff = open_tiff(path, "r");
  require(TIFFSetDirectory(tiff.get(), static_cast<tdir_t>(index)), "no such directory");
  uint16_t photometric = 0;
  TIFFGetField(tiff.get(), TIFFTAG_PHOTOMETRIC, &photometric);
  if (photometric == PHOTOMETRIC_YCBCR) {
    TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  uint32_t width = 0, height = 0, block_width = 0, block_height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  const bool tiled = TIFFIsTiled(tiff.get());
  if (tiled) {
    TIFFGetField(tiff.get(), TIFFTAG_TILEWIDTH, &block_width);
    TIFFGetField(tiff.get(), TIFFTAG_TILELENGTH, &block_height);
  } else {
    block_width = width;
    TIFFGetField(tiff.get(), TIFFTAG_ROWSPERSTRIP, &block_height);
  }
  Image image(static_cast<int>(width), static_cast<int>(height));
  uint16_t samples = 0;
  TIFFGetField(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, &samples);
  std::vector<uint8_t> bytes(size_t{block_width} * block_height * samples);
  uint32_t number = 0;
  for (uint32_t y = 0; y < height; y += block_height) {
    for (uint32_t x = 0; x < width; x += block_width, ++number) {
      const auto size = static_cast<tmsize_t>(bytes.size());
      const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff.get(), number, bytes.data(), size)
                                 : TIFFReadEncodedStrip(tiff.get(), number, bytes.data(), size);
      require(got > 0, "libtiff cannot read a tile");
      for (uint32_t row = 0; row < std::min(block_height, height - y); ++row) {
        const uint8_t* from = bytes.data() + size_t{row} * block_width * samples;
        uint8_t* to = image.row(static_cast<int>(y + row)) + size_t{x} * 3;
        for (uint32_t column = 0; column < std::min(block_width, width - x); ++column) {
          for (int c = 0; c < 3; ++c) *to++ = samples == 1 ? from[0] : from[c];
          from += samples;
        }
      }
    }
  }
  return image;
}

Image expected_rgb(const TiffSpec& spec, size_t level) {
  const Image stored = make_pixels(spec, level);
  Image rgb(stored.width(), stored.height());
  for (int y = 0; y < stored.height(); ++y) {
    for (int x = 0; x < stored.width(); ++x) {
      const uint8_t* from = stored.row(y) + x * spec.samples;
      uint8_t* to = rgb.row(y) + x * 3;
      for (int c = 0; c < 3; ++c) {
        const double value = spec.samples == 1 ? from[0] : from[c];
        const double alpha = spec.samples == 4 ? from[3] / 255.0 : 1.0;
        const bool multiplied = spec.extra_sample == EXTRASAMPLE_ASSOCALPHA;
        const double over = spec.extra_sample <= 0 ? value
                            : multiplied           ? value + 255 - 255 * alpha
                                                   : value * alpha + 255 * (1 - alpha);
        to[c] = static_cast<uint8_t>(over + 0.5);
      }
      const auto tile = std::pair(x / std::max(1, spec.tile_px), y / std::max(1, spec.tile_px));
      if (level == 0 && spec.missing.contains(tile)) std::fill_n(to, 3, uint8_t{255});
    }
  }
  return rgb;
}

void PrintTo(const TiffSpec& spec, std::ostream* out) { *out << spec.label; }

std::string temp_path(const std::string& name) {
  static const TemporaryFolder folder;
  return folder.file(name);
}

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
}

std::pair<int64_t, int64_t> stored_tile(const std::string& path, int directory, int tile) {
  const Tiff tiff = open_tiff(path, "r");
  require(TIFFSetDirectory(tiff.get(), static_cast<tdir_t>(directory)), "no such directory");
  return {static_cast<int64_t>(TIFFGetStrileOffset(tiff.get(), static_cast<uint32_t>(tile))),
          static_cast<int64_t>(TIFFGetStrileByteCount(tiff.get(), static_cast<uint32_t>(tile)))};
}

}  // namespace lamella::test
