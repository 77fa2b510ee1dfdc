// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <fmt/format.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "lamella/base/text.h"

namespace lamella::python {

namespace {

std::string type_text(const Option& option) {
  std::string type;
  switch (option.kind) {
    case OptionKind::kFlag:
      type = "bool";
      break;
    case OptionKind::kInteger:
      type = "int";
      break;
    case OptionKind::kNumber:
      type = option.facts.unset.empty() ? "float" : "float | str";
      break;
    case OptionKind::kText:
      type = option.facts.choices.empty() ? "str | os.PathLike" : "str";
      break;
    case OptionKind::kTexts:
      type = "collections.abc.Sequence[str]";
      break;
    case OptionKind::kNumbers:
      type = "collections.abc.Sequence[float]";
      break;
  }
  return option.optional ? type + " | None" : type;
}

std::string literal(const OptionValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
  if (const auto* text = std::get_if<std::string>(&value)) return fmt::format("'{}'", *text);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    std::string items;
    for (const std::string& text : *texts) items += fmt::format("'{}', ", text);
    return "(" + items + ")";
  }
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    std::string items;
    for (const double number : *numbers) items += format_double(number) + ", ";
    return "(" + items + ")";
  }
  if (const auto* number = std::get_if<double>(&value)) {
    const std::string text = format_double(*number);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }
  return std::holds_alternative<std::monostate>(value) ? "None" : value_text(value);
}

// Numbers of numpy and others that say that they are whole, too.
bool is_whole(nb::handle value) { return !PyBool_Check(value.ptr()) && PyIndex_Check(value.ptr()); }

int64_t whole_of(nb::handle value) {
  const nb::object index = nb::steal(PyNumber_Index(value.ptr()));
  if (!index.is_valid()) throw nb::python_error();
  const long long number = PyLong_AsLongLong(index.ptr());
  if (number == -1 && PyErr_Occurred() != nullptr) throw nb::python_error();
  return number;
}

double number_of(nb::handle value) {
  const double number = PyFloat_AsDouble(value.ptr());
  if (number == -1 && PyErr_Occurred() != nullptr) throw nb::python_error();
  return number;
}

// A text or a path.
std::optional<std::string> text_of(nb::handle value) {
  if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
  if (!nb::hasattr(value, "__fspath__")) return {};
  return nb::cast<std::string>(nb::str(value));
}

bool is_list(nb::handle value) {
  return PySequence_Check(value.ptr()) != 0 && !nb::isinstance<nb::str>(value) &&
         !nb::isinstance<nb::bytes>(value);
}

std::string expected_type(const Option& option) {
  return option.kind == OptionKind::kTexts     ? "a list of str"
         : option.kind == OptionKind::kNumbers ? "a sequence of numbers"
                                               : type_text(option);
}

OptionValue value_from(const Option& option, nb::handle value) {
  if (value.is_none()) return {};
  PyObject* const object = value.ptr();
  if (!option.facts.unset.empty() && nb::isinstance<nb::str>(value)) {
    return parse_option(option, {nb::cast<std::string>(value)});
  }
  switch (option.kind) {
    case OptionKind::kFlag:
      if (PyBool_Check(object)) return object == Py_True;
      break;
    case OptionKind::kInteger:
      if (is_whole(value)) return whole_of(value);
      break;
    case OptionKind::kNumber:
      if (!PyBool_Check(object) && PyNumber_Check(object)) return number_of(value);
      break;
    case OptionKind::kText:
      if (const auto text = text_of(value)) return *text;
      break;
    case OptionKind::kTexts:
      if (is_list(value)) {
        std::vector<std::string> texts;
        for (nb::handle item : nb::list(nb::borrow(value))) {
          if (const auto text = text_of(item)) texts.push_back(*text);
        }
        if (texts.size() == nb::len(value)) return texts;
      }
      break;
    case OptionKind::kNumbers:
      if (is_list(value)) {
        std::vector<double> numbers;
        for (nb::handle item : nb::list(nb::borrow(value))) numbers.push_back(number_of(item));
        return numbers;
      }
      break;
  }
  throw nb::type_error(fmt::format("{}: found {}, expected {}", python_name(option.name),
                                   nb::cast<std::string>(nb::repr(value)), expected_type(option))
                           .c_str());
}

}  // namespace

std::string python_name(const std::string& name) {
  return name == "class" || name == "lambda" || name == "from" ? name + "_" : name;
}

std::string keywords_of(const OptionList& list) {
  std::string required, optional;
  for (const Option& option : list) {
    if (option.facts.required) {
      required += fmt::format(", {}: {}", python_name(option.name), type_text(option));
    } else {
      optional += fmt::format(", {}: {} = {}", python_name(option.name), type_text(option),
                              literal(option.standard));
    }
  }
  return required + optional;
}

std::string docs_of(const OptionList& list) {
  std::string text = "\n";
  for (const Option& option : list) {
    text += fmt::format("\n{}: {}", python_name(option.name), help_text(option));
  }
  return text;
}

void set_options(const OptionsOf& options, const nb::kwargs& given, const std::string& function) {
  std::vector<std::string> names;
  for (const Option& option : *options.list) {
    names.push_back(python_name(option.name));
    const char* const name = names.back().c_str();
    if (given.contains(name)) {
      set_option(option, options.object, value_from(option, given[name]));
    } else if (option.facts.required) {
      throw nb::type_error(fmt::format("{}() missing required keyword argument '{}': {}", function,
                                       option.name, help_text(option))
                               .c_str());
    }
  }
  for (const auto& [key, value] : given) {
    const auto name = nb::cast<std::string>(key);
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw nb::type_error(fmt::format("{}() got an unexpected keyword argument '{}'{}", function,
                                     name, did_you_mean(name, names))
                             .c_str());
  }
}

}  // namespace lamella::python
