// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/option.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lamella/base/error.h"
#include "lamella/base/spelling.h"
#include "lamella/base/text.h"

namespace lamella {

namespace {

using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;

[[noreturn]] void refuse(const Option& option, const std::string& found,
                         const std::string& expected) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("`{}`: found {}, expected {}", option.name, found, expected));
}

const char* kind_text(OptionKind kind) {
  switch (kind) {
    case OptionKind::kFlag:
      return "true or false";
    case OptionKind::kInteger:
      return "a whole number";
    case OptionKind::kNumber:
      return "a number";
    case OptionKind::kText:
      return "a text";
    case OptionKind::kTexts:
      return "a list of texts";
    case OptionKind::kNumbers:
      return "a list of numbers";
  }
  return "";
}

std::string list_text(const Texts& words) {
  if (words.size() < 2) return join(words, "");
  return join({words.begin(), words.end() - 1}, ", ") + " or " + words.back();
}

std::string expected_text(const Option& option) {
  const std::string bounds = bounds_text(option);
  std::string text = bounds.empty() ? kind_text(option.kind) : bounds;
  if (!option.facts.unit.empty()) text += " " + option.facts.unit;
  if (!option.facts.unset.empty()) text = option.facts.unset + " or " + text;
  return text;
}

void check_number(const Option& option, double value) {
  const OptionFacts& facts = option.facts;
  const bool inside = facts.above_least ? value > facts.least : value >= facts.least;
  if (inside && value <= facts.most && std::isfinite(value)) return;
  refuse(option, format_double(value), expected_text(option));
}

void check_text(const Option& option, const std::string& value) {
  const Texts& choices = option.facts.choices;
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("`{}`: found '{}', expected {}{}", option.name, value,
                          expected_text(option), did_you_mean(value, choices)));
}

template <typename T>
const T& held(const OptionValue& value, const char* expected) {
  if (const T* found = std::get_if<T>(&value)) return *found;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("found '{}', expected {}", value_text(value), expected));
}

bool is_of_kind(OptionKind kind, const OptionValue& value) {
  switch (kind) {
    case OptionKind::kFlag:
      return std::holds_alternative<bool>(value);
    case OptionKind::kInteger:
      return std::holds_alternative<int64_t>(value);
    case OptionKind::kNumber:
      return std::holds_alternative<double>(value) || std::holds_alternative<int64_t>(value);
    case OptionKind::kText:
      return std::holds_alternative<std::string>(value);
    case OptionKind::kTexts:
      return std::holds_alternative<Texts>(value);
    case OptionKind::kNumbers:
      return std::holds_alternative<Numbers>(value);
  }
  return false;
}

// "1,2" and "1 2" alike.
Numbers parse_numbers(const Option& option, const Texts& words) {
  Numbers numbers;
  for (const std::string& word : words) {
    size_t begin = 0;
    while (begin <= word.size()) {
      const size_t end = std::min(word.find(',', begin), word.size());
      const auto number = parse_double(trim(std::string_view(word).substr(begin, end - begin)));
      if (!number) refuse(option, fmt::format("'{}'", join(words, " ")), expected_text(option));
      numbers.push_back(*number);
      begin = end + 1;
    }
  }
  return numbers;
}

}  // namespace

std::string bounds_text(const Option& option) {
  const OptionFacts& facts = option.facts;
  if (!facts.choices.empty()) return list_text(facts.choices);
  const bool low = std::isfinite(facts.least), high = std::isfinite(facts.most);
  const std::string least = format_double(facts.least), most = format_double(facts.most);
  std::string text;
  if (low && high) {
    text = facts.above_least ? fmt::format("above {}, at most {}", least, most)
                             : fmt::format("{} to {}", least, most);
  } else if (low) {
    text = facts.above_least ? "above " + least : "at least " + least;
  } else if (high) {
    text = "at most " + most;
  }
  if (facts.count == 0) return text;
  return fmt::format("{} {}numbers{}", facts.count, facts.whole ? "whole " : "",
                     text.empty() ? "" : ", each " + text);
}

std::string value_text(const OptionValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&value)) return format_double(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* texts = std::get_if<Texts>(&value)) return join(*texts, " ");
  Texts words;
  if (const auto* numbers = std::get_if<Numbers>(&value)) {
    for (const double number : *numbers) words.push_back(format_double(number));
  }
  return join(words, ",");
}

std::string help_text(const Option& option) {
  const OptionFacts& facts = option.facts;
  Texts parts;
  const std::string bounds = bounds_text(option);
  if (!facts.unit.empty() || !bounds.empty()) {
    parts.push_back(bounds.empty() || facts.unit.empty() ? bounds + facts.unit
                                                         : bounds + " " + facts.unit);
  }
  const std::string standard = value_text(option.standard);
  if (!facts.unset.empty() && standard.empty()) {
    parts.push_back("default " + facts.unset);
  } else if (!facts.otherwise.empty()) {
    parts.push_back("default " + facts.otherwise);
  } else if (!standard.empty() && option.kind != OptionKind::kFlag) {
    parts.push_back("default " + standard);
  }
  if (parts.empty()) return facts.help;
  return fmt::format("{} ({})", facts.help, join(parts, "; "));
}

void check_option(const Option& option, const OptionValue& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    if (!option.optional) refuse(option, "nothing", expected_text(option));
    return;
  }
  if (!is_of_kind(option.kind, value)) {
    refuse(option, fmt::format("'{}'", value_text(value)), expected_text(option));
  }
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    check_number(option, static_cast<double>(*whole));
  } else if (const auto* number = std::get_if<double>(&value)) {
    check_number(option, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    check_text(option, *text);
  } else if (const auto* texts = std::get_if<Texts>(&value)) {
    for (const std::string& item : *texts) check_text(option, item);
  } else if (const auto* numbers = std::get_if<Numbers>(&value)) {
    const size_t count = option.facts.count;
    if (count > 0 && numbers->size() != count) {
      refuse(option, fmt::format("{} numbers", numbers->size()), expected_text(option));
    }
    for (const double item : *numbers) {
      check_number(option, item);
      if (option.facts.whole && item != std::floor(item)) {
        refuse(option, format_double(item), "whole numbers");
      }
    }
  }
}

void set_option(const Option& option, void* object, const OptionValue& value) {
  check_option(option, value);
  try {
    option.set(object, value);
  } catch (const Error& error) {
    if (named_option(error.message()) == option.name) throw;
    throw Error(error.code(), fmt::format("`{}`: {}", option.name, error.message()));
  }
}

OptionValue parse_option(const Option& option, const Texts& words) {
  const std::string text = words.empty() ? "" : words.back();
  if (!option.facts.unset.empty() && text == option.facts.unset) return {};
  OptionValue value;
  switch (option.kind) {
    case OptionKind::kFlag:
      value = text.empty() || text == "true";
      break;
    case OptionKind::kInteger:
      if (const auto number = parse_int(text)) value = *number;
      break;
    case OptionKind::kNumber:
      if (const auto number = parse_double(text)) value = *number;
      break;
    case OptionKind::kText:
      value = text;
      break;
    case OptionKind::kTexts:
      value = words;
      break;
    case OptionKind::kNumbers:
      value = parse_numbers(option, words);
      break;
  }
  if (std::holds_alternative<std::monostate>(value)) {
    const std::string bounds = bounds_text(option);
    refuse(option, fmt::format("'{}'", text),
           option.facts.unset.empty() && !bounds.empty()
               ? fmt::format("{}, {}", kind_text(option.kind), bounds)
               : expected_text(option));
  }
  check_option(option, value);
  return value;
}

OptionValue value_of(bool member) { return member; }
OptionValue value_of(int member) { return int64_t{member}; }
OptionValue value_of(int64_t member) { return member; }
OptionValue value_of(uint64_t member) {
  return static_cast<int64_t>(std::min<uint64_t>(member, std::numeric_limits<int64_t>::max()));
}
OptionValue value_of(double member) { return member; }
OptionValue value_of(const std::string& member) { return member; }
OptionValue value_of(const Texts& member) { return member; }
OptionValue value_of(const Numbers& member) { return member; }

void put_value(const OptionValue& value, bool& member) {
  member = held<bool>(value, "true or false");
}

void put_value(const OptionValue& value, int& member) {
  using Limits = std::numeric_limits<int>;
  const auto number = held<int64_t>(value, "a whole number");
  if (number < Limits::min() || number > Limits::max()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {}, expected a whole number from {} to {}", number,
                            Limits::min(), Limits::max()));
  }
  member = static_cast<int>(number);
}

void put_value(const OptionValue& value, int64_t& member) {
  member = held<int64_t>(value, "a whole number");
}

void put_value(const OptionValue& value, uint64_t& member) {
  const auto number = held<int64_t>(value, "a whole number");
  if (number < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {}, expected a whole number of at least 0", number));
  }
  member = static_cast<uint64_t>(number);
}

void put_value(const OptionValue& value, double& member) {
  const auto* whole = std::get_if<int64_t>(&value);
  member = whole ? static_cast<double>(*whole) : held<double>(value, "a number");
}

void put_value(const OptionValue& value, std::string& member) {
  member = held<std::string>(value, "a text");
}
void put_value(const OptionValue& value, Texts& member) {
  member = held<Texts>(value, "a list of texts");
}
void put_value(const OptionValue& value, Numbers& member) {
  member = held<Numbers>(value, "a list of numbers");
}

void add_option(OptionList& list, Option option) {
  const auto same = std::find_if(list.begin(), list.end(),
                                 [&](const Option& other) { return other.name == option.name; });
  if (same == list.end()) {
    list.push_back(std::move(option));
    return;
  }
  Option& first = *same;
  first.facts.help += "; " + option.facts.help;
  first.facts.otherwise = fmt::format(
      "{}, {}", first.facts.otherwise.empty() ? value_text(first.standard) : first.facts.otherwise,
      value_text(option.standard));
  first.standard = {};
  first.optional = true;
  first.set = [one = first.set, other = option.set](void* object, const OptionValue& value) {
    if (std::holds_alternative<std::monostate>(value)) return;
    one(object, value);
    other(object, value);
  };
}

const Option* find_option(const OptionList& list, const std::string& name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const Option& o) { return o.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace lamella
