// SPDX-License-Identifier: Apache-2.0
// Markup as a type of its own: text of a record gets into a page by being escaped, or not at all.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lamella::report {

// For elements and attributes in quotes alike. What is no UTF-8, and control characters, become
// U+FFFD.
std::string escaped(std::string_view text);

struct Html {
  std::string markup = {};
  bool empty() const { return markup.empty(); }
  Html& operator+=(const Html& more) {
    markup += more.markup;
    return *this;
  }
};

namespace detail {
inline std::string piece(const Html& html) { return html.markup; }
inline std::string piece(std::string_view text) { return escaped(text); }
template <typename T>
requires std::is_arithmetic_v<T> std::string piece(T number) { return fmt::format("{}", number); }
}  // namespace detail

// `form` is the program's own markup with {} where values go: Html as it is, numbers, and text,
// which is escaped.
template <typename... Values>
Html html(std::string_view form, const Values&... values) {
  return {fmt::vformat(form, fmt::make_format_args(detail::piece(values)...))};
}

// Numbers for people.
std::string count(int64_t number);  // "1,204"
std::string fixed(double value, int decimals);
std::string fixed_or(const std::optional<double>& value, int decimals, const char* none = "–");
std::string seconds_text(double seconds);  // "4.2 s", "3 min 10 s", "2 h 5 min"
std::string bytes_text(int64_t bytes);     // "1.2 MB"

// A cell of a table; `sort` is what it is sorted by, where that is not its text.
struct Cell {
  Html shown;
  std::string sort = {};
  bool number = false;
};
Cell cell(std::string_view text);
Cell number_cell(const std::optional<double>& value, int decimals);
Cell count_cell(int64_t value);

struct TableOptions {
  std::string caption;     // what it is; read by screen readers, shown
  bool sortable = false;   // by its headers
  bool row_heads = true;   // the first cell names the row
  std::string style = {};  // a class of the page's style
};
// In a box that scrolls sideways on a small screen.
Html table(const std::vector<std::string>& heads, const std::vector<std::vector<Cell>>& rows,
           const TableOptions& options);

// What folds away. `summary` is text.
Html folded(std::string_view summary, const Html& content);

// A list of names and values; values that are empty are left out.
struct Fact {
  std::string name;
  Html value;
};
Html fact_list(const std::vector<Fact>& facts);

}  // namespace lamella::report
