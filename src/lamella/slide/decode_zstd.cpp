// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/slide/decode_zstd_internal.h"

namespace lamella::slide {

void decode_zstd(std::span<const std::byte> bytes, std::span<uint8_t> out, size_t most_bytes) {
  // Making one costs as much as a small tile.
  thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                                  &ZSTD_freeDCtx);
  if (!context) throw Error(ErrorCode::kInternal, "zstd cannot be started");
  size_t got =
      ZSTD_decompressDCtx(context.get(), out.data(), out.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_dstSize_tooSmall &&
      most_bytes > out.size()) {
    std::vector<uint8_t> whole(most_bytes);
    got =
        ZSTD_decompressDCtx(context.get(), whole.data(), whole.size(), bytes.data(), bytes.size());
    if (!ZSTD_isError(got) && got >= out.size()) std::copy_n(whole.data(), out.size(), out.data());
  }
  if (ZSTD_isError(got)) {
    throw Error(ErrorCode::kCorrupt, fmt::format("damaged zstd data: {}", ZSTD_getErrorName(got)));
  }
  if (got < out.size()) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("damaged zstd data: {} bytes decoded, {} to {} expected", got,
                            out.size(), most_bytes));
  }
}

}  // namespace lamella::slide
