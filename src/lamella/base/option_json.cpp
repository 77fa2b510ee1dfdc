// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/option_json.h"

#include <cmath>

namespace lamella {

namespace {

const char* kind_name(OptionKind kind) {
  switch (kind) {
    case OptionKind::kFlag:
      return "flag";
    case OptionKind::kInteger:
      return "whole number";
    case OptionKind::kNumber:
      return "number";
    case OptionKind::kText:
      return "text";
    case OptionKind::kTexts:
      return "texts";
    case OptionKind::kNumbers:
      return "numbers";
  }
  return "";
}

nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

}  // namespace

nlohmann::json json_of(const Option& option, const OptionValue& value) {
  const auto* numbers = std::get_if<std::vector<double>>(&value);
  if (numbers && option.facts.whole) {
    return std::vector<int64_t>(numbers->begin(), numbers->end());
  }
  if (!std::holds_alternative<std::monostate>(value)) {
    return std::visit(
        [](const auto& held) -> nlohmann::json {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
            return {};
          } else {
            return held;
          }
        },
        value);
  }
  return option.facts.unset.empty() ? nlohmann::json() : nlohmann::json(option.facts.unset);
}

nlohmann::json describe(const Option& option) {
  const OptionFacts& facts = option.facts;
  return {{"name", option.name},
          {"kind", kind_name(option.kind)},
          {"optional", option.optional},
          {"required", facts.required},
          {"unit", facts.unit},
          {"least", finite_or_null(facts.least)},
          {"most", finite_or_null(facts.most)},
          {"above_least", facts.above_least},
          {"bounds", bounds_text(option)},
          {"choices", facts.choices},
          {"count", facts.count},
          {"whole", facts.whole},
          {"unset", facts.unset},
          {"otherwise", facts.otherwise},
          {"default", json_of(option, option.standard)},
          {"help", facts.help}};
}

}  // namespace lamella
