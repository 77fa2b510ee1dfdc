// SPDX-License-Identifier: Apache-2.0
// What of a directory can be decoded, and the names of what cannot.
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <iterator>

#include "lamella/slide/tiff_file_internal.h"

namespace lamella::slide {

namespace {

struct Named {
  int number;
  const char* name;
};

constexpr Named kCodecs[] = {
    {COMPRESSION_NONE, "none"},
    {COMPRESSION_JPEG, "jpeg"},
    {33003, "jpeg2000"},
    {33004, "jpeg2000"},
    {33005, "jpeg2000"},
    {34712, "jpeg2000"},
    {COMPRESSION_DEFLATE, "deflate"},
    {COMPRESSION_ADOBE_DEFLATE, "deflate"},
    {COMPRESSION_LZW, "lzw"},
    {COMPRESSION_PACKBITS, "packbits"},
    {COMPRESSION_ZSTD, "zstd"},
    {COMPRESSION_WEBP, "webp"},
};

constexpr Named kOtherCompressions[] = {
    {2, "CCITT"},          {3, "CCITT fax 3"}, {4, "CCITT fax 4"},
    {6, "old-style JPEG"}, {9, "JBIG"},        {10, "JBIG"},
    {22610, "JPEG XR"},    {32771, "CCITT"},   {32809, "ThunderScan"},
    {32909, "PixarLog"},   {34661, "JBIG"},    {34676, "SGI Log"},
    {34677, "SGI Log 24"}, {34887, "LERC"},    {34892, "lossy DNG JPEG"},
    {34925, "LZMA"},       {34933, "PNG"},     {34934, "JPEG XR"},
    {50002, "JPEG XL"},    {52546, "JPEG XL"},
};

constexpr Named kPhotometrics[] = {
    {PHOTOMETRIC_MINISWHITE, "grey, 0 is white"},
    {PHOTOMETRIC_MINISBLACK, "grey"},
    {PHOTOMETRIC_RGB, "RGB"},
    {PHOTOMETRIC_PALETTE, "palette"},
    {PHOTOMETRIC_MASK, "transparency mask"},
    {PHOTOMETRIC_SEPARATED, "CMYK"},
    {PHOTOMETRIC_YCBCR, "YCbCr"},
    {PHOTOMETRIC_CIELAB, "CIE Lab"},
    {PHOTOMETRIC_ICCLAB, "ICC Lab"},
    {PHOTOMETRIC_ITULAB, "ITU Lab"},
    {32803, "colour filter array"},
    {PHOTOMETRIC_LOGL, "LogL"},
    {PHOTOMETRIC_LOGLUV, "LogLuv"},
    {34892, "linear raw"},
};

template <size_t Count>
const char* name_in(const Named (&table)[Count], int number) {
  const auto* found = std::ranges::find(table, number, &Named::number);
  return found == std::end(table) ? nullptr : found->name;
}

std::string sample_format_name(int format) {
  constexpr Named kFormats[] = {
      {SAMPLEFORMAT_UINT, "unsigned"},         {SAMPLEFORMAT_INT, "signed"},
      {SAMPLEFORMAT_IEEEFP, "floating point"}, {SAMPLEFORMAT_VOID, "undefined"},
      {SAMPLEFORMAT_COMPLEXINT, "complex"},    {SAMPLEFORMAT_COMPLEXIEEEFP, "complex"}};
  const char* name = name_in(kFormats, format);
  return name ? name : fmt::format("format {}", format);
}

// Which samples each codec gives in which colours.
bool has_known_samples(const TiffDirectory& directory, const std::string& codec) {
  const int samples = directory.samples;
  switch (directory.photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
      return codec != "webp" && samples <= 2;
    case PHOTOMETRIC_RGB:
      return samples == 3 || samples == 4;
    case PHOTOMETRIC_PALETTE:
      return !codec.starts_with("jpeg") && codec != "webp" && samples == 1 &&
             !directory.palette.empty();
    case PHOTOMETRIC_YCBCR:
      return samples == 3 && directory.planar == PLANARCONFIG_CONTIG &&
             (codec.starts_with("jpeg") || codec == "webp");
    default:
      return false;
  }
}

}  // namespace

std::string compression_name(int compression) {
  if (const char* codec = name_in(kCodecs, compression)) return codec;
  const char* name = name_in(kOtherCompressions, compression);
  return fmt::format("compression {} ({})", compression, name ? name : "unknown");
}

std::string photometric_name(int photometric) {
  const char* name = name_in(kPhotometrics, photometric);
  return name ? name : fmt::format("photometric tag {}", photometric);
}

std::string unsupported_reason(const TiffDirectory& directory) {
  const std::string name = compression_name(directory.compression);
  if (name.starts_with("compression")) {
    return name + "; expected JPEG, JPEG 2000, WebP, ZSTD, deflate, LZW, PackBits or none";
  }
  const bool unsigned_samples =
      directory.sample_format == SAMPLEFORMAT_UINT || directory.sample_format == SAMPLEFORMAT_VOID;
  if (directory.bits != 8 || !unsigned_samples) {
    return fmt::format("{} samples of {} bits; expected unsigned samples of 8 bits",
                       sample_format_name(directory.sample_format), directory.bits);
  }
  if (directory.depth != 1) {
    return fmt::format("a volume of {} slices (ImageDepth); expected one picture", directory.depth);
  }
  if (!has_known_samples(directory, name)) {
    return fmt::format(
        "{} colours (photometric tag {}) of {} samples in {}{}; expected RGB, YCbCr "
        "in JPEG, grey or a palette",
        photometric_name(directory.photometric), directory.photometric, directory.samples, name,
        directory.planar == PLANARCONFIG_SEPARATE ? ", stored plane by plane" : "");
  }
  const bool lossless = !name.starts_with("jpeg") && name != "webp";
  if (lossless && (directory.predictor > PREDICTOR_HORIZONTAL || directory.fill_order != 1)) {
    return fmt::format("predictor {} and fill order {}; expected predictor 1 or 2, fill order 1",
                       directory.predictor, directory.fill_order);
  }
  if (name == "webp" && directory.planar == PLANARCONFIG_SEPARATE) {
    return "WebP stored plane by plane; expected pixels stored together";
  }
  const int64_t pixels = directory.tile_px.width * directory.tile_px.height;
  if (pixels > kMaxTileBytes / 3) {
    return fmt::format(
        "tiles or strips of {} x {} px, more than {} MiB decoded; convert the "
        "file to a tiled TIFF",
        directory.tile_px.width, directory.tile_px.height, kMaxTileBytes >> 20);
  }
  return {};
}

}  // namespace lamella::slide
