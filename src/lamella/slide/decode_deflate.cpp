// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "lamella/base/error.h"
#include "lamella/slide/decode_deflate_internal.h"

namespace lamella::slide {

void decode_deflate(std::span<const std::byte> bytes, std::span<uint8_t> out, size_t most_bytes) {
  z_stream stream{};
  // Tiles have far less than 4 GiB (kMaxTileBytes), so zlib's 32-bit lengths suffice.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  if (inflateInit(&stream) != Z_OK) throw Error(ErrorCode::kInternal, "zlib cannot be started");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> guard(&stream, &inflateEnd);

  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  int status = inflate(&stream, Z_NO_FLUSH);
  // The checksum comes after the last byte, so the stream is read to its end. Without room or
  // input to go on, zlib answers Z_BUF_ERROR.
  std::array<uint8_t, 4096> beyond;
  while (status == Z_OK && stream.avail_out == 0 && stream.total_out <= most_bytes) {
    stream.next_out = beyond.data();
    stream.avail_out = static_cast<uInt>(beyond.size());
    status = inflate(&stream, Z_NO_FLUSH);
  }
  if (status == Z_STREAM_END && stream.total_out >= out.size() && stream.total_out <= most_bytes) {
    return;
  }
  const std::string cause = stream.msg ? stream.msg : "the stream's end is missing or misplaced";
  throw Error(ErrorCode::kCorrupt,
              fmt::format("damaged deflate data: {} ({} bytes decoded, {} to {} expected)", cause,
                          stream.total_out, out.size(), most_bytes));
}

}  // namespace lamella::slide
