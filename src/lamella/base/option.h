// SPDX-License-Identifier: Apache-2.0
// Options declared once: one table per options struct, in the room that owns the struct. Study
// files, the command line, Python, the records and the documentation are made from the tables.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace lamella {

// A value on its way between a face and a member; monostate: not set.
using OptionValue = std::variant<std::monostate, bool, int64_t, double, std::string,
                                 std::vector<std::string>, std::vector<double>>;

enum class OptionKind { kFlag, kInteger, kNumber, kText, kTexts, kNumbers };

// What a table says of an option beside its name and its member.
struct OptionFacts {
  std::string help = {};  // what it is, without unit, bounds and default
  std::string unit = {};  // of numbers: "px", "µm/px"
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool above_least = false;               // `least` itself is outside
  std::vector<std::string> choices = {};  // all that a text may be, if not empty
  size_t count = 0;                       // of a list's values, 0: any
  bool whole = false;                     // of a list of numbers: whole ones
  std::string unset = {};                 // the word for "not set", e.g. "cv"
  std::string otherwise = {};             // what holds where it is not set: "the patch's size"
  bool required = false;                  // has no default
};

struct Option {
  std::string name;  // "min_tissue": the key, the keyword argument, --min-tissue
  OptionKind kind = OptionKind::kText;
  bool optional = false;  // may be not set
  OptionFacts facts;
  OptionValue standard;  // the default, taken from the struct itself
  std::function<OptionValue(const void* object)> get;
  // As it is; see set_option.
  std::function<void(void* object, const OptionValue& value)> set;
};

// Sets it in the object. Errors as check_option.
void set_option(const Option& option, void* object, const OptionValue& value);
// Error kInvalidArgument that names the option: a value of another kind, outside the bounds, not
// among the choices.
void check_option(const Option& option, const OptionValue& value);
// The value of words given by a person. Errors as check_option.
OptionValue parse_option(const Option& option, const std::vector<std::string>& words);
// "0 to 1", "at least 2", "above 0", "clam or stamp"; "" if anything of the kind will do.
std::string bounds_text(const Option& option);
// As a person would type it; "" if it is not set.
std::string value_text(const OptionValue& value);
// "tissue fraction a patch must have (0 to 1; default 0.1)"
std::string help_text(const Option& option);

// Between members and values. The second: Error kInvalidArgument if the member cannot hold it.
OptionValue value_of(bool member);
OptionValue value_of(int member);
OptionValue value_of(int64_t member);
OptionValue value_of(uint64_t member);
OptionValue value_of(double member);
OptionValue value_of(const std::string& member);
OptionValue value_of(const std::vector<std::string>& member);
OptionValue value_of(const std::vector<double>& member);
void put_value(const OptionValue& value, bool& member);
void put_value(const OptionValue& value, int& member);
void put_value(const OptionValue& value, int64_t& member);
void put_value(const OptionValue& value, uint64_t& member);
void put_value(const OptionValue& value, double& member);
void put_value(const OptionValue& value, std::string& member);
void put_value(const OptionValue& value, std::vector<std::string>& member);
void put_value(const OptionValue& value, std::vector<double>& member);
template <typename M>
OptionValue value_of(const std::optional<M>& member) {
  return member ? value_of(*member) : OptionValue();
}
template <typename M>
void put_value(const OptionValue& value, std::optional<M>& member) {
  member.reset();
  if (!std::holds_alternative<std::monostate>(value)) put_value(value, member.emplace());
}

template <typename M>
constexpr OptionKind kind_of() {
  if constexpr (std::same_as<M, bool>) {
    return OptionKind::kFlag;
  } else if constexpr (std::integral<M>) {
    return OptionKind::kInteger;
  } else if constexpr (std::floating_point<M>) {
    return OptionKind::kNumber;
  } else if constexpr (std::same_as<M, std::string>) {
    return OptionKind::kText;
  } else if constexpr (std::same_as<M, std::vector<std::string>>) {
    return OptionKind::kTexts;
  } else if constexpr (std::same_as<M, std::vector<double>>) {
    return OptionKind::kNumbers;
  } else {
    return kind_of<typename M::value_type>();  // std::optional
  }
}

// The rows of one or more structs without their types: what faces work on.
using OptionList = std::vector<Option>;

// Adds a row; one of the same name that is there already and the new one become one option that
// sets both and has no default of its own (a plan's min_tissue: of a grid, of annotations).
void add_option(OptionList& list, Option option);
// nullptr if there is none.
const Option* find_option(const OptionList& list, const std::string& name);

template <typename T>
class OptionTable {
 public:
  template <typename M>
  OptionTable& row(const std::string& name, M T::*member, OptionFacts facts) {
    return row(
        name, kind_of<M>(), std::move(facts),
        [member](const T& object) { return value_of(object.*member); },
        [member](T& object, const OptionValue& value) { put_value(value, object.*member); });
  }

  // A member whose value is written in its own way, e.g. an enum by its name.
  OptionTable& row(const std::string& name, OptionKind kind, OptionFacts facts,
                   std::function<OptionValue(const T&)> get,
                   std::function<void(T&, const OptionValue&)> set) {
    Option option;
    option.name = name;
    option.kind = kind;
    option.facts = std::move(facts);
    const OptionValue standard = get(T{});
    option.optional = std::holds_alternative<std::monostate>(standard);
    if (!option.facts.required) option.standard = standard;
    option.get = [get = std::move(get)](const void* object) {
      return get(*static_cast<const T*>(object));
    };
    option.set = [set = std::move(set)](void* object, const OptionValue& value) {
      set(*static_cast<T*>(object), value);
    };
    add_option(list_, std::move(option));
    return *this;
  }

  // An enum by its names.
  template <typename E>
  OptionTable& choice(const std::string& name, E T::*member, OptionFacts facts,
                      const std::vector<std::pair<std::string, E>>& names) {
    for (const auto& [text, value] : names) facts.choices.push_back(text);
    return row(
        name, OptionKind::kText, std::move(facts),
        [member, names](const T& object) -> OptionValue {
          for (const auto& [text, value] : names) {
            if (object.*member == value) return text;
          }
          return {};
        },
        [member, names](T& object, const OptionValue& wanted) {
          for (const auto& [text, value] : names) {
            if (std::get<std::string>(wanted) == text) object.*member = value;
          }
        });
  }

  // The options of a member that has a table of its own.
  template <typename U>
  OptionTable& include(U T::*member, const OptionTable<U>& table) {
    for (Option option : table.list()) {
      option.get = [get = std::move(option.get), member](const void* object) {
        return get(&(static_cast<const T*>(object)->*member));
      };
      option.set = [set = std::move(option.set), member](void* object, const OptionValue& value) {
        set(&(static_cast<T*>(object)->*member), value);
      };
      add_option(list_, std::move(option));
    }
    return *this;
  }

  const OptionList& list() const { return list_; }
  // Error kInvalidArgument for the first option outside its bounds.
  void check(const T& object) const {
    for (const Option& option : list_) check_option(option, option.get(&object));
  }

 private:
  OptionList list_;
};

// What a face works with: a table and the object that it fills.
struct OptionsOf {
  const OptionList* list = nullptr;
  void* object = nullptr;
};
template <typename T>
OptionsOf options_of(T& object) {
  return {&T::table().list(), &object};
}

}  // namespace lamella
