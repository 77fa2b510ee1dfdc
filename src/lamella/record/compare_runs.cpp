// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/compare_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "lamella/base/json_text.h"
#include "lamella/base/text.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/record/run_json.h"

namespace lamella::record {

namespace {

using Json = nlohmann::json;

// Where a run was made, and how long it took, says nothing about its result. The study file is
// compared option by option ("study").
constexpr std::array kNotCompared = {"inputs.study", "study.output", "study.tracking",
                                     "path",         "file",         "table",
                                     "seconds",      "heatmap",      "patches_reused"};

bool is_compared(const std::string& name) {
  return std::none_of(kNotCompared.begin(), kNotCompared.end(), [&](std::string_view end) {
    return name == end || name.ends_with("." + std::string(end)) ||
           name.starts_with(std::string(end) + ".");
  });
}

// What a list's element calls itself; "" if it has no name.
std::string own_name(const Json& item) {
  if (!item.is_object()) return "";
  const auto text = [&](const char* key) {
    return item.contains(key) && item[key].is_string() ? item[key].get<std::string>() : "";
  };
  const std::string kind = text("kind");
  const std::string name = text("slide_id").empty() ? text("path") : text("slide_id");
  // A study has one of each.
  if (kind == "study" || kind == "slides table") return kind;
  if (kind == "centres") return kind + " " + std::filesystem::path(name).filename().string();
  return kind.empty() || name.empty() ? name : kind + " " + name;
}

bool is_named(const Json& list) {
  return list.is_array() && !list.empty() &&
         std::all_of(list.begin(), list.end(),
                     [](const Json& item) { return !own_name(item).empty(); });
}

void compare(const std::string& name, const Json& a, const Json& b, std::vector<Difference>& out);

void compare_named(const std::string& name, const Json& a, const Json& b,
                   std::vector<Difference>& out) {
  std::map<std::string, const Json*> others;
  for (const Json& item : b) others[own_name(item)] = &item;
  for (const Json& item : a) {
    const std::string own = own_name(item);
    const auto found = others.find(own);
    compare(name + "." + own, item, found == others.end() ? Json() : *found->second, out);
    if (found != others.end()) others.erase(found);
  }
  for (const auto& [own, item] : others) compare(name + "." + own, Json(), *item, out);
}

void compare_places(const std::string& name, const Json& a, const Json& b,
                    std::vector<Difference>& out) {
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    compare(fmt::format("{}[{}]", name, i), i < a.size() ? a[i] : Json(),
            i < b.size() ? b[i] : Json(), out);
  }
}

void compare_objects(const std::string& name, const Json& a, const Json& b,
                     std::vector<Difference>& out) {
  for (const auto& [key, value] : a.items()) {
    compare(name + "." + key, value, b.contains(key) ? b[key] : Json(), out);
  }
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key)) compare(name + "." + key, Json(), value, out);
  }
}

void compare(const std::string& name, const Json& a, const Json& b, std::vector<Difference>& out) {
  if (!is_compared(name) || a == b) return;
  if (a.is_object() && b.is_object()) return compare_objects(name, a, b, out);
  if (is_named(a) && is_named(b)) return compare_named(name, a, b, out);
  if (a.is_array() && b.is_array()) return compare_places(name, a, b, out);
  Difference difference{name, a, b, false, {}};
  if (a.is_number() && b.is_number()) difference.by = b.get<double>() - a.get<double>();
  out.push_back(std::move(difference));
}

// Null if it is not recorded.
template <typename T>
Json part(const T& value) {
  return value.empty() ? Json() : Json(value);
}
template <typename T>
Json part(const std::optional<T>& value) {
  return json_or_null(value);
}

std::string value_text(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_object()) return own_name(value).empty() ? "some" : "one";
  if (value.is_string() && value.get_ref<const std::string&>().size() == 64) {
    return value.get<std::string>().substr(0, 12) + "…";
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::vector<Difference> compare_json(const std::string& name, const Json& a, const Json& b) {
  std::vector<Difference> differences;
  compare(name, a, b, differences);
  return differences;
}

Comparison compare_runs(const RunDocument& a, const RunDocument& b) {
  Comparison result;
  const auto add = [&](bool is_input, const char* name, const auto& one, const auto& other) {
    for (Difference& difference : compare_json(name, part(one), part(other))) {
      difference.is_input = is_input;
      result.differences.push_back(std::move(difference));
    }
  };
  add(true, "inputs", a.inputs, b.inputs);
  add(true, "study", a.options, b.options);
  add(true, "seeds", a.seeds, b.seeds);
  add(true, "split", a.split, b.split);
  add(true, "encoder", a.encoder, b.encoder);
  add(true, "software", a.software, b.software);
  add(false, "training", a.training, b.training);
  add(false, "outputs", a.outputs, b.outputs);
  add(false, "metrics", a.metrics, b.metrics);
  add(false, "slides", a.outcomes, b.outcomes);
  return result;
}

bool Comparison::inputs_equal() const {
  return std::none_of(differences.begin(), differences.end(),
                      [](const Difference& d) { return d.is_input; });
}

bool Comparison::outputs_equal() const {
  return std::all_of(differences.begin(), differences.end(),
                     [](const Difference& d) { return d.is_input; });
}

std::string to_text(const Difference& difference) {
  std::string text = fmt::format("{}: {} against {}", difference.name, value_text(difference.a),
                                 value_text(difference.b));
  if (difference.by) text += fmt::format(" (by {})", format_double(*difference.by));
  return text;
}

nlohmann::json to_json(const Difference& difference) {
  Json json = {{"name", difference.name}, {"a", difference.a}, {"b", difference.b}};
  if (difference.by) json["by"] = *difference.by;
  return json;
}

}  // namespace lamella::record
