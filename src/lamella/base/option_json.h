// SPDX-License-Identifier: Apache-2.0
// Options as JSON, for records and for faces that are made elsewhere. Apart from option.h, which
// headers of options structs include.
#pragma once

#include <nlohmann/json.hpp>

#include "lamella/base/option.h"

namespace lamella {

// null, or the option's word for it, if it is not set.
nlohmann::json json_of(const Option& option, const OptionValue& value);

// {name: value} of every option, as set in `object`.
template <typename T>
nlohmann::json json_of_options(const T& object) {
  nlohmann::json values = nlohmann::json::object();
  for (const Option& option : T::table().list()) {
    values[option.name] = json_of(option, option.get(&object));
  }
  return values;
}

// {"name", "kind", "unit", "least", "most", "choices", "default", "help", …} of one option.
nlohmann::json describe(const Option& option);

}  // namespace lamella
