// SPDX-License-Identifier: Apache-2.0
#include "lamella/patch/named_classes.h"

#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::patch {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// Whether they are by lists of centres; all of them have to be, or none.
bool by_centres(const std::vector<NamedClass>& classes) {
  const NamedClass* listed = nullptr;
  const NamedClass* drawn = nullptr;
  for (const NamedClass& one : classes) {
    if (!one.centers.empty()) listed = &one;
    if (one.by_annotations() || !one.rule.wins_over.empty()) drawn = &one;
  }
  if (listed && drawn) {
    refuse(
        fmt::format("found lists of centres for class '{}' and a rule of annotations for class "
                    "'{}', expected one source of labels for all classes",
                    listed->name, drawn->name));
  }
  return listed != nullptr;
}

// "a:b:c" -> "a:b", "c". Error kInvalidArgument that names the option.
std::pair<std::string, std::string> split_word(const std::string& option, const std::string& word,
                                               const char* form) {
  const size_t colon = word.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == word.size()) {
    refuse(fmt::format("`{}`: found '{}', expected {}", option, word, form));
  }
  return {word.substr(0, colon), word.substr(colon + 1)};
}

// Finds classes by their names.
class Finder {
 public:
  explicit Finder(std::vector<NamedClass>& classes) : classes_(classes) {
    for (const NamedClass& one : classes) table_.names.push_back(one.name);
  }
  NamedClass& find(const std::string& option, const std::string& name) {
    if (table_.empty()) {
      refuse(
          fmt::format("`{}`: found the class '{}', and no `classes`; give the names of all, in "
                      "the order of the columns of scores",
                      option, name));
    }
    if (const auto label = table_.find(name)) return classes_[static_cast<size_t>(*label)];
    refuse(fmt::format("`{}`: found the class '{}'{}, expected one of {}", option, name,
                       did_you_mean(name, table_.names), table_.text()));
  }

 private:
  std::vector<NamedClass>& classes_;
  ClassTable table_;
};

}  // namespace

const OptionTable<LabelOptions>& LabelOptions::table() {
  static const auto kTable =
      OptionTable<LabelOptions>()
          .row("classes", &LabelOptions::classes,
               {.help = "names of the classes, in the order of the columns of scores"})
          .row("groups", &LabelOptions::groups,
               {.help = "annotation groups and their classes, GROUP:CLASS"})
          .row("rest_of_tissue", &LabelOptions::rest_of_tissue,
               {.help = "class of the tissue outside every polygon"})
          .row("wins_over", &LabelOptions::wins_over,
               {.help = "whose polygons count where those of two classes overlap, CLASS:CLASS"});
  return kTable;
}

std::vector<NamedClass> named_classes(const LabelOptions& options,
                                      const std::vector<std::string>& centers) {
  std::vector<NamedClass> classes;
  for (const std::string& name : options.classes) classes.push_back({name, {}, {}});
  Finder finder(classes);
  for (const std::string& word : centers) {
    const auto [path, name] = split_word("centers", word, "FILE:CLASS");
    finder.find("centers", name).centers.push_back(path);
  }
  for (const std::string& word : options.groups) {
    const auto [group, name] = split_word("groups", word, "GROUP:CLASS");
    finder.find("groups", name).rule.annotations.push_back(group);
  }
  if (!options.rest_of_tissue.empty()) {
    finder.find("rest_of_tissue", options.rest_of_tissue).rule.rest_of_tissue = true;
  }
  for (const std::string& word : options.wins_over) {
    const auto [winner, loser] = split_word("wins_over", word, "CLASS:CLASS");
    finder.find("wins_over", winner).rule.wins_over.push_back(loser);
  }
  return classes;
}

void assign_classes(const std::vector<NamedClass>& classes, LabelSources& sources) {
  ClassTable table;
  for (const NamedClass& one : classes) table.names.push_back(one.name);
  table.validate();
  sources.rule.classes = table;
  sources.rule.rules.clear();
  sources.centers.clear();
  if (!by_centres(classes)) {
    for (const NamedClass& one : classes) sources.rule.rules.push_back(one.rule);
    sources.rule.validate();
    return;
  }
  for (size_t k = classes.size(); k-- > 0;) {
    for (const std::string& path : classes[k].centers) {
      sources.centers.push_back({path, static_cast<int8_t>(k)});
    }
  }
}

}  // namespace lamella::patch
