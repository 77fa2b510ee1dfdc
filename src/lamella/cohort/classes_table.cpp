// SPDX-License-Identifier: Apache-2.0
#include "lamella/cohort/classes_table.h"

#include <fmt/format.h>

#include <array>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"

namespace lamella::cohort {

using settings::TomlReader;

namespace {

patch::NamedClass read_class(TomlReader table, const std::string& name, const std::string& folder) {
  patch::NamedClass one{name, {}, {}};
  for (const std::string& path : table.texts("centers").value_or(std::vector<std::string>{})) {
    one.centers.push_back(io::resolve(folder, path));
  }
  one.rule.annotations = table.texts("annotations").value_or(one.rule.annotations);
  one.rule.rest_of_tissue = table.boolean("rest_of_tissue").value_or(one.rule.rest_of_tissue);
  one.rule.wins_over = table.texts("wins_over").value_or(one.rule.wins_over);
  table.finish();
  return one;
}

// A study learns its classes: each needs rows.
void require_source(const patch::NamedClass& one) {
  if (!one.centers.empty() || one.by_annotations()) return;
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("class '{}': found no source of labels, expected centers, annotations, or "
                  "rest_of_tissue = true",
                  one.name));
}

}  // namespace

void read_classes(TomlReader table, const std::string& folder, patch::LabelSources& sources) {
  std::vector<patch::NamedClass> classes;
  for (const std::string& name : table.keys_in_order()) {
    classes.push_back(read_class(*table.table(name), name, folder));
  }
  try {
    patch::assign_classes(classes, sources);
    for (const patch::NamedClass& one : classes) require_source(one);
  } catch (const Error& error) {
    table.fail("", "classes: " + error.message());
  }
}

nlohmann::json classes_json(const patch::LabelSources& sources) {
  nlohmann::json list = nlohmann::json::array();
  const patch::AnnotationRule& rule = sources.rule;
  for (size_t k = 0; k < rule.classes.names.size(); ++k) {
    nlohmann::json one = {{"name", rule.classes.names[k]}};
    if (rule.rules.empty()) {
      one["centers"] = nlohmann::json::array();
      for (const patch::CentreFile& file : sources.centers) {
        if (file.label == static_cast<int8_t>(k)) one["centers"].push_back(file.path);
      }
    } else {
      one["annotations"] = rule.rules[k].annotations;
      one["rest_of_tissue"] = rule.rules[k].rest_of_tissue;
      one["wins_over"] = rule.rules[k].wins_over;
    }
    list.push_back(one);
  }
  return list;
}

namespace {

// What the labels 0 and 1 were called in files of scores.
constexpr std::array kOldNames = {"normal", "tumor"};

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

// ["a", "b"] of a list of texts; "[…]" where it is none.
std::string list_text(const toml::node* node) {
  const toml::array* array = node ? node->as_array() : nullptr;
  std::vector<std::string> items;
  if (array) {
    for (const toml::node& item : *array) items.push_back(quoted(item.value_or<std::string>("…")));
  }
  return "[" + join(items, ", ") + "]";
}

std::string written(const std::array<std::string, 2>& classes) {
  return fmt::format("[classes]\n{} = {{ {} }}\n{} = {{ {} }}", kOldNames[0], classes[0],
                     kOldNames[1], classes[1]);
}

std::string instead_of_rule(const toml::table& rule) {
  std::string normal;
  if (rule.contains("negative"))
    normal += "annotations = " + list_text(rule.get("negative")) + ", ";
  if (rule["negative_from_tissue"].value_or(false)) normal += "rest_of_tissue = true, ";
  normal += fmt::format("wins_over = [\"{}\"]", kOldNames[1]);
  std::string text =
      written({normal, "annotations = " + list_text(rule.get("positive"))}) + "\n\n[patches]";
  for (const char* key : {"min_coverage", "min_tissue", "max_per_slide", "seed"}) {
    const toml::node* node = rule.get(key);
    if (!node) continue;
    text += fmt::format("\n{} = {}", key,
                        node->is_integer() ? fmt::format("{}", node->value_or<int64_t>(0))
                                           : format_double(node->value_or(0.0)));
  }
  return text;
}

std::string instead_of_centres(const toml::array& lists) {
  std::array<std::vector<std::string>, 2> files;
  for (const toml::node& item : lists) {
    const toml::table* list = item.as_table();
    if (!list) continue;
    const auto label = static_cast<size_t>((*list)["label"].value_or<int64_t>(0) == 1);
    files[label].push_back(quoted((*list)["file"].value_or<std::string>("…")));
  }
  const auto centers = [](const std::vector<std::string>& paths) {
    return "centers = [" + join(paths, ", ") + "]";
  };
  return written({centers(files[0]), centers(files[1])});
}

}  // namespace

void refuse_old_labels(const TomlReader& reader) {
  const toml::table& patches = reader.raw();
  const auto fail = [&](const char* key, const std::string& instead) {
    reader.fail(key, fmt::format("'patches.{}' is no more: classes have names of their own; write "
                                 "in its place:\n\n{}\n",
                                 key, instead));
  };
  if (const toml::table* rule = patches["from_annotations"].as_table()) {
    fail("from_annotations", instead_of_rule(*rule));
  }
  if (const toml::array* lists = patches["centers"].as_array()) {
    fail("centers", instead_of_centres(*lists));
  }
}

}  // namespace lamella::cohort
