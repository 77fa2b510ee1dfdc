// SPDX-License-Identifier: Apache-2.0
#include "lamella/settings/toml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::settings {

namespace {

std::string place(const toml::source_region& source) {
  if (!source.begin) return "override: ";
  return fmt::format("line {}, column {}: ", source.begin.line, source.begin.column);
}

std::string describe(const toml::node& node) {
  std::ostringstream text;
  if (node.is_table()) {
    text << "a table";
  } else if (node.is_array()) {
    text << "a list";
  } else {
    text << toml::default_formatter(node, toml::format_flags::none);
  }
  return text.str();
}

// "a.b.c" -> the table a.b (made if absent) and "c".
toml::table& descend(toml::table& root, const std::string& dotted, std::string& last) {
  toml::table* table = &root;
  std::istringstream parts(dotted);
  std::string part;
  std::getline(parts, last, '.');
  while (std::getline(parts, part, '.')) {
    if (!table->contains(last)) table->insert(last, toml::table{});
    table = table->get(last)->as_table();
    if (!table) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("override {}: '{}' is not a table", dotted, last));
    }
    last = part;
  }
  return *table;
}

void apply_override(toml::table& root, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("override {}: expected key=value, e.g. train.l2=0.1", text));
  }
  const std::string key(trim(std::string_view(text).substr(0, equals)));
  const std::string value(trim(std::string_view(text).substr(equals + 1)));
  std::string last;
  toml::table& table = descend(root, key, last);
  try {
    const toml::table parsed = toml::parse("value = " + value);
    parsed.get("value")->visit([&](const auto& node) { table.insert_or_assign(last, node); });
  } catch (const toml::parse_error&) {
    table.insert_or_assign(last, value);
  }
}

}  // namespace

toml::table parse_toml(const std::string& text, const std::string& path,
                       const std::vector<std::string>& overrides) {
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kFormat, place(error.source()) + std::string(error.description()), path);
  }
  for (const std::string& item : overrides) apply_override(root, item);
  return root;
}

std::string TomlReader::full_name(const std::string& key) const {
  return name_.empty() ? key : name_ + "." + key;
}

void TomlReader::fail(const std::string& key, const std::string& message) const {
  const toml::node* node = key.empty() ? nullptr : table_->get(key);
  const toml::source_region source = node ? node->source() : table_->source();
  const bool placed = source.begin || node;
  throw Error(ErrorCode::kFormat, (placed ? place(source) : "") + message, path_);
}

const toml::node* TomlReader::find(const std::string& key) {
  known_.push_back(key);
  return table_->get(key);
}

template <typename T>
std::optional<T> TomlReader::value(const std::string& key, const char* expected) {
  const toml::node* node = find(key);
  if (!node) return {};
  const std::optional<T> found = node->value<T>();
  if (!found) {
    fail(key, fmt::format("{}: found {}, expected {}", full_name(key), describe(*node), expected));
  }
  return found;
}

std::optional<std::string> TomlReader::text(const std::string& key) {
  return value<std::string>(key, "a text in quotes");
}

std::optional<double> TomlReader::number(const std::string& key) {
  return value<double>(key, "a number");
}

std::optional<int64_t> TomlReader::integer(const std::string& key) {
  return value<int64_t>(key, "a whole number");
}

std::optional<bool> TomlReader::boolean(const std::string& key) {
  return value<bool>(key, "true or false");
}

template <typename T>
std::optional<std::vector<T>> TomlReader::list(const std::string& key, const char* expected) {
  const toml::node* node = find(key);
  if (!node) return {};
  const auto refuse = [&](const toml::node& found) {
    fail(key, fmt::format("{}: found {}, expected {}", full_name(key), describe(found), expected));
  };
  if (!node->is_array()) refuse(*node);
  std::vector<T> result;
  for (const toml::node& item : *node->as_array()) {
    const auto value = item.value<T>();
    if (!value) refuse(item);
    result.push_back(*value);
  }
  return result;
}

std::optional<std::vector<std::string>> TomlReader::texts(const std::string& key) {
  return list<std::string>(key, "a list of texts");
}

std::optional<std::vector<double>> TomlReader::numbers(const std::string& key) {
  return list<double>(key, "a list of numbers");
}

std::optional<TomlReader> TomlReader::table(const std::string& key) {
  const toml::node* node = find(key);
  if (!node) return {};
  if (!node->is_table()) {
    fail(key, fmt::format("{}: found {}, expected a table", full_name(key), describe(*node)));
  }
  return TomlReader(*node->as_table(), full_name(key), path_);
}

std::vector<std::string> TomlReader::keys_in_order() const {
  std::vector<std::pair<toml::source_position, std::string>> places;
  for (const auto& [key, node] : *table_) {
    toml::source_position place = key.source().begin;
    if (!place) place = {std::numeric_limits<toml::source_index>::max(), 1};
    places.emplace_back(place, std::string(key.str()));
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> keys;
  for (const auto& [place, key] : places) keys.push_back(key);
  return keys;
}

std::string TomlReader::required_text(const std::string& key) {
  const auto found = text(key);
  if (!found) fail("", fmt::format("'{}' is missing; expected a text", full_name(key)));
  return *found;
}

void TomlReader::finish() const {
  for (const auto& [key, node] : *table_) {
    const std::string name(key.str());
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    const toml::source_region source = key.source().begin ? key.source() : node.source();
    throw Error(ErrorCode::kFormat,
                fmt::format("{}unknown key '{}'{}; valid here: {}", place(source), full_name(name),
                            did_you_mean(name, known_), join(known_, ", ")),
                path_);
  }
}

}  // namespace lamella::settings
