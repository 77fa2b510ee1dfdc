// SPDX-License-Identifier: Apache-2.0
// One deflate stream (zlib's format), as it lies in a TIFF tile or strip. Decoded here and not by
// libtiff because libtiff stops when it has enough bytes and does not look at the checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lamella::slide {

// Fills all of `out`; the stream may hold up to `most_bytes` (a last strip is sometimes stored
// with all its rows). Error kCorrupt (without a path) if it holds less or more, is cut short, or
// its checksum is wrong.
void decode_deflate(std::span<const std::byte> bytes, std::span<uint8_t> out, size_t most_bytes);

}  // namespace lamella::slide
