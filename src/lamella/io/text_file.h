// SPDX-License-Identifier: Apache-2.0
// Text as people's programs save it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lamella::io {

// Notes of what was adapted while a text was read, for the caller's record; may be null.
using Notes = std::vector<std::string>*;

// The text as UTF-8 without a byte-order mark. UTF-16 (with a mark, or told by its zero bytes) is
// converted, and noted; everything else stays as it is. Error kFormat: half a character of UTF-16,
// UTF-32, or a zero byte (no text at all).
std::string decode_text(std::string bytes, const std::string& path, Notes notes = nullptr);
// decode_text of a file. Errors as of read_text_file.
std::string read_decoded_text(const std::string& path, int64_t max_bytes = int64_t{1} << 30,
                              Notes notes = nullptr);

// Error kFormat with line and column of the first byte that is no UTF-8.
void require_utf8(std::string_view text, const std::string& path);

}  // namespace lamella::io
