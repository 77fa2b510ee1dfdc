// SPDX-License-Identifier: Apache-2.0
// Typed reading of a TOML table that remembers which keys were asked for, so that the rest are
// unknown keys.
#pragma once

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <optional>
#include <string>
#include <vector>

#include "lamella/base/option.h"

namespace lamella::settings {

class TomlReader {
 public:
  // `name` is the table's dotted name, "" for the root.
  TomlReader(const toml::table& table, std::string name, std::string path)
      : table_(&table), name_(std::move(name)), path_(std::move(path)) {}

  std::optional<std::string> text(const std::string& key);
  std::optional<double> number(const std::string& key);
  std::optional<int64_t> integer(const std::string& key);
  std::optional<bool> boolean(const std::string& key);
  std::optional<std::vector<std::string>> texts(const std::string& key);
  std::optional<std::vector<double>> numbers(const std::string& key);
  std::optional<TomlReader> table(const std::string& key);
  // The keys as the file has them, those of overrides last.
  std::vector<std::string> keys_in_order() const;
  const toml::table& raw() const { return *table_; }
  bool has(const std::string& key) const { return table_->contains(key); }
  bool is_text(const std::string& key) const { return table_->at(key).is_string(); }

  std::string required_text(const std::string& key);

  // Sets what the table has of the options, and leaves the others as they are. Error kFormat at the
  // key: of another kind, outside its bounds; at the table: one that is required is missing.
  void read(const OptionsOf& options);
  // Error kFormat for the first key that nobody asked for, with the nearest that was.
  void finish() const;
  // Error kFormat "<file>: line L, column C: <message>" at the key (or at the table).
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;

 private:
  const toml::node* find(const std::string& key);
  template <typename T>
  std::optional<T> value(const std::string& key, const char* expected);
  template <typename T>
  std::optional<std::vector<T>> list(const std::string& key, const char* expected);
  std::string full_name(const std::string& key) const;
  OptionValue option(const Option& option);

  const toml::table* table_;
  std::string name_;
  std::string path_;
  std::vector<std::string> known_;
};

// Parses the file and applies the overrides.
toml::table parse_toml(const std::string& text, const std::string& path,
                       const std::vector<std::string>& overrides);

}  // namespace lamella::settings
