// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/spelling.h"
#include "lamella/settings/toml_reader.h"

namespace lamella::settings {

namespace {

template <typename T>
OptionValue or_unset(std::optional<T> found) {
  return found ? OptionValue(std::move(*found)) : OptionValue();
}

}  // namespace

OptionValue TomlReader::option(const Option& option) {
  if (!option.facts.unset.empty() && is_text(option.name)) {
    return parse_option(option, {*text(option.name)});
  }
  switch (option.kind) {
    case OptionKind::kFlag:
      return or_unset(boolean(option.name));
    case OptionKind::kInteger:
      return or_unset(integer(option.name));
    case OptionKind::kNumber:
      return or_unset(number(option.name));
    case OptionKind::kText:
      return or_unset(text(option.name));
    case OptionKind::kTexts:
      return or_unset(texts(option.name));
    case OptionKind::kNumbers:
      return or_unset(numbers(option.name));
  }
  return {};
}

void TomlReader::read(const OptionsOf& options) {
  for (const Option& row : *options.list) {
    if (!has(row.name)) {
      known_.push_back(row.name);
      if (!row.facts.required) continue;
      fail("", fmt::format("'{}' is missing; expected {}", full_name(row.name), row.facts.help));
    }
    try {
      set_option(row, options.object, option(row));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kFormat) throw;
      fail(row.name, spell_options(error.message(),
                                   [this](const std::string& name) { return full_name(name); }));
    }
  }
}

}  // namespace lamella::settings
