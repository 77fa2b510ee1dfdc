// SPDX-License-Identifier: Apache-2.0
// Tables as people write them: fields parted by commas, semicolons or tabs, quoted where needed
// (RFC 4180), CRLF or LF, a byte-order mark, empty lines and rows, Excel's line sep=;.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/io/text_file.h"

namespace lamella::io {

struct CsvRow {
  int line = 0;  // 1-based line in the file where the row starts
  std::vector<std::string> fields;
  std::vector<int> columns;  // 1-based column where each field starts
  char separator = ',';      // of the whole file
};

// All rows in which a field has text. The separator is that of which the first row has most.
// Error kFormat "<path>: line L, column C: ..." on a quote that is never closed, text after a
// closing quote, a zero byte or text that is no UTF-8.
std::vector<CsvRow> parse_csv(std::string_view text, const std::string& path);
// Another separator than the comma is noted.
std::vector<CsvRow> read_csv(const std::string& path, Notes notes = nullptr);

// The field as a finite number; nullopt if it is none. Where no comma parts the fields it may be
// the decimal point ("0,25"); "1,234", which may as well be 1234, is no number.
std::optional<double> csv_number(const CsvRow& row, size_t field);

// Error kFormat: "<path>: line L, column C: found '<found>', expected <expected>".
[[noreturn]] void throw_csv_error(const std::string& path, const CsvRow& row, size_t field,
                                  const std::string& expected);

}  // namespace lamella::io
