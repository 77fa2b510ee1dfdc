// SPDX-License-Identifier: Apache-2.0
// Keyword arguments made from tables of options.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "lamella/base/option.h"

namespace lamella::python {

namespace nb = nanobind;

// "class" -> "class_", which Python can write.
std::string python_name(const std::string& name);

// ", size_px: int, level: int | None = None" of every option, for a signature; those that are
// required come first.
std::string keywords_of(const OptionList& list);

// "\n\nsize_px: side of a patch (1 to 16384 px)" of every option, for a docstring.
std::string docs_of(const OptionList& list);

// Sets the options that were given. TypeError: one that is required is missing, a value of another
// type, a name that is no option, with the nearest one. lamella.Error: outside its bounds.
void set_options(const OptionsOf& options, const nb::kwargs& given, const std::string& function);
template <typename T>
void set_options(T& options, const nb::kwargs& given, const std::string& function) {
  set_options(options_of(options), given, function);
}

}  // namespace lamella::python
