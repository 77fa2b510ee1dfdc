// SPDX-License-Identifier: Apache-2.0
// CSV as people write it: quoted fields (RFC 4180), CRLF or LF, a byte-order mark, empty lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lamella::io {

struct CsvRow {
  int line = 0;  // 1-based line in the file where the row starts
  std::vector<std::string> fields;
  std::vector<int> columns;  // 1-based column where each field starts
};

// All rows that are not empty. Error kFormat "<path>: line L, column C: ..." on a quote that is
// never closed or text after a closing quote.
std::vector<CsvRow> parse_csv(std::string_view text, const std::string& path);
std::vector<CsvRow> read_csv(const std::string& path);

// Error kFormat: "<path>: line L, column C: found '<found>', expected <expected>".
[[noreturn]] void throw_csv_error(const std::string& path, const CsvRow& row, size_t field,
                                  const std::string& expected);

}  // namespace lamella::io
