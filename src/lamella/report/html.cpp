// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>

#include "lamella/report/html_internal.h"

namespace lamella::report {

namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

std::string valid_utf8(std::string_view text) {
  const nlohmann::json value = std::string(text);
  const std::string quoted = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(quoted).get<std::string>();
}

bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string valid;
  if (!is_ascii(text)) {
    valid = valid_utf8(text);
    text = valid;
  }
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      case '\n':
      case '\t':
        result += c;
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          result += kReplacement;
        } else {
          result += c;
        }
    }
  }
  return result;
}

std::string count(int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    const bool after_digit = i > 0 && digits[i - 1] != '-';
    if (after_digit && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return "–";
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  // No "-0.00", and a minus that is one.
  if (text[0] != '-') return text;
  if (text.find_first_of("123456789") == std::string::npos) return text.substr(1);
  return fmt::format("−{}", text.substr(1));
}

std::string fixed_or(const std::optional<double>& value, int decimals, const char* none) {
  return value ? fixed(*value, decimals) : none;
}

std::string seconds_text(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string bytes_text(int64_t bytes) {
  constexpr double kStep = 1000;
  double value = static_cast<double>(bytes);
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  for (; value >= kStep && unit + 1 < std::size(units); ++unit) value /= kStep;
  return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 100 ? 0 : 1, units[unit]);
}

Cell cell(std::string_view text) { return {html("{}", text)}; }

Cell number_cell(const std::optional<double>& value, int decimals) {
  if (!value || !std::isfinite(*value)) return {html("–"), "-inf", true};
  return {html("{}", fixed(*value, decimals)), fmt::format("{}", *value), true};
}

Cell count_cell(int64_t value) { return {html("{}", count(value)), std::to_string(value), true}; }

namespace {

Html head_row(const std::vector<std::string>& heads, const std::vector<std::vector<Cell>>& rows,
              const TableOptions& options) {
  Html row;
  for (size_t k = 0; k < heads.size(); ++k) {
    const bool number = !rows.empty() && k < rows.front().size() && rows.front()[k].number;
    const Html style = html(number ? " class=\"n\"" : "");
    if (options.sortable) {
      row += html("<th scope=\"col\"{}><button type=\"button\" class=\"sort\">{}</button></th>",
                  style, heads[k]);
    } else {
      row += html("<th scope=\"col\"{}>{}</th>", style, heads[k]);
    }
  }
  return row;
}

Html body_row(const std::vector<Cell>& cells, bool row_heads) {
  Html row = html("<tr>");
  for (size_t k = 0; k < cells.size(); ++k) {
    const Cell& one = cells[k];
    const bool head = k == 0 && row_heads;
    Html attributes = head ? html(" scope=\"row\"") : Html{};
    if (one.number) attributes += html(" class=\"n\"");
    if (!one.sort.empty()) attributes += html(" data-v=\"{}\"", one.sort);
    row += html("<{}{}>{}</{}>", head ? "th" : "td", attributes, one.shown, head ? "th" : "td");
  }
  row += html("</tr>\n");
  return row;
}

}  // namespace

Html table(const std::vector<std::string>& heads, const std::vector<std::vector<Cell>>& rows,
           const TableOptions& options) {
  Html body;
  for (const std::vector<Cell>& row : rows) body += body_row(row, options.row_heads);
  return html(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">"
      "<table class=\"{}\"><caption>{}</caption>\n<thead><tr>{}</tr></thead>\n"
      "<tbody>\n{}</tbody></table></div>\n",
      options.caption, options.sortable ? options.style + " sortable" : options.style,
      options.caption, head_row(heads, rows, options), body);
}

Html folded(std::string_view summary, const Html& content) {
  return html("<details><summary>{}</summary>\n{}</details>\n", summary, content);
}

Html fact_list(const std::vector<Fact>& facts) {
  Html list;
  for (const Fact& fact : facts) {
    if (fact.value.empty()) continue;
    list += html("<div><dt>{}</dt><dd>{}</dd></div>\n", fact.name, fact.value);
  }
  return list.empty() ? list : html("<dl class=\"facts\">\n{}</dl>\n", list);
}

}  // namespace lamella::report
