// SPDX-License-Identifier: Apache-2.0
#include "lamella/cohort/slides_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lamella/base/error.h"
#include "lamella/base/spelling.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/table.h"
#include "lamella/slide/slide_info.h"

namespace lamella::cohort {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kTrain:
      return "train";
    case Role::kTest:
      return "test";
    case Role::kScore:
      return "score";
  }
  return "score";
}

namespace {

// The options of [tissue] that a slide may have its own values of: those that are numbers.
std::vector<Option> own_options() {
  std::vector<Option> numbers;
  for (const Option& option : tissue::TissueOptions::table().list()) {
    if (option.kind == OptionKind::kNumber) numbers.push_back(option);
  }
  return numbers;
}

std::string column_of(const std::string& name) { return "tissue." + name; }

std::vector<io::TableColumn> known_columns() {
  std::vector<io::TableColumn> columns = {
      {"slide_id", true}, {"path", true}, {"patient_id"}, {"role", true}, {"annotations"}, {"mpp"},
      {"image"},          {"mask"},       {"site"},       {"slide_label"}};
  for (const Option& option : own_options()) columns.push_back({column_of(option.name)});
  return columns;
}

class RowReader {
 public:
  RowReader(const io::Table& table, size_t row) : table_(table), row_(row) {}

  SlideEntry entry() const {
    SlideEntry entry;
    entry.line = table_.line(row_);
    entry.slide_id = table_.needed(row_, "slide_id", "a slide id");
    if (entry.slide_id.find('/') != std::string::npos || entry.slide_id.starts_with('.')) {
      fail("slide_id", "a slide id that can be a file name (no '/', no leading '.')");
    }
    const std::string folder = io::parent_folder(table_.path());
    entry.path = io::resolve(folder, table_.needed(row_, "path", "the slide's path"));
    entry.role = role();
    entry.patient_id = table_.text(row_, "patient_id");
    if (entry.patient_id.empty()) {
      if (entry.role != Role::kScore) {
        fail("patient_id",
             "the patient's id: slides of one patient must not part between train "
             "and test");
      }
      entry.patient_id = entry.slide_id;
    }
    entry.annotations = table_.text(row_, "annotations");
    if (!entry.annotations.empty()) entry.annotations = io::resolve(folder, entry.annotations);
    const std::string expected = fmt::format("µm per pixel at level 0, from {} to {}, e.g. 0.25",
                                             slide::kMinPlausibleMpp, slide::kMaxPlausibleMpp);
    entry.mpp = table_.number(row_, "mpp", expected);
    if (entry.mpp &&
        !(*entry.mpp >= slide::kMinPlausibleMpp && *entry.mpp <= slide::kMaxPlausibleMpp))
      fail("mpp", expected);
    read_mask(folder, entry);
    entry.image = table_.text(row_, "image");
    entry.site = table_.text(row_, "site");
    entry.slide_label = table_.text(row_, "slide_label");
    return entry;
  }

 private:
  void read_mask(const std::string& folder, SlideEntry& entry) const {
    const std::string mask = table_.text(row_, "mask");
    if (mask == "none") {
      entry.mask = mask;
    } else if (!mask.empty() && mask != "auto") {
      entry.mask = io::resolve(folder, mask);
    }
    for (const Option& option : own_options()) {
      const auto value = table_.number(row_, column_of(option.name), "a number");
      if (value) entry.tissue[option.name] = *value;
    }
    try {
      tissue_of(entry, {});
    } catch (const Error& error) {
      throw Error(error.code(),
                  fmt::format("line {}: {}", entry.line, spell_options(error.message(), column_of)),
                  table_.path());
    }
  }

  Role role() const {
    const std::string text = to_lower(table_.needed(row_, "role", "train, test or score"));
    for (const Role candidate : {Role::kTrain, Role::kTest, Role::kScore}) {
      if (text == to_string(candidate)) return candidate;
    }
    fail("role", "train, test or score" + did_you_mean(text, {"train", "test", "score"}));
  }

  [[noreturn]] void fail(const std::string& column, const std::string& expected) const {
    table_.fail(row_, column, expected);
  }

  const io::Table& table_;
  const size_t row_;
};

void check_ids(const std::vector<SlideEntry>& entries, const std::string& path) {
  std::map<std::string, const SlideEntry*> ids;
  std::map<std::string, const SlideEntry*> patients;
  for (const SlideEntry& entry : entries) {
    // Lists match slide ids without regard to case, so two that differ by case alone are one.
    const auto [other, fresh] = ids.emplace(to_lower(entry.slide_id), &entry);
    if (!fresh) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("slide '{}' stands in line {} and again in line {}; expected each "
                              "slide once",
                              entry.slide_id, other->second->line, entry.line),
                  path);
    }
    if (entry.role == Role::kScore) continue;
    const auto [seen, first] = patients.emplace(to_lower(entry.patient_id), &entry);
    if (!first && seen->second->role != entry.role) {
      throw Error(
          ErrorCode::kMismatch,
          fmt::format("patient '{}' is in both train and test: slide '{}' (line {}, {}) and slide "
                      "'{}' (line {}, {}); give all slides of a patient the same role",
                      entry.patient_id, seen->second->slide_id, seen->second->line,
                      to_string(seen->second->role), entry.slide_id, entry.line,
                      to_string(entry.role)),
          path);
    }
  }
}

}  // namespace

std::vector<SlideEntry> read_slides_table(const std::string& path, io::Notes notes) {
  const io::Table table = io::read_table(path, known_columns(), "slides", notes);
  std::vector<SlideEntry> entries;
  for (size_t row = 0; row < table.size(); ++row) entries.push_back(RowReader(table, row).entry());
  check_ids(entries, path);
  return entries;
}

slide::OpenOptions open_options(const SlideEntry& entry) {
  slide::OpenOptions options;
  options.mpp = entry.mpp;
  options.image = entry.image;
  options.fetch_to = entry.fetch_to;
  return options;
}

tissue::TissueOptions tissue_of(const SlideEntry& entry, tissue::TissueOptions options) {
  const OptionList& list = tissue::TissueOptions::table().list();
  for (const auto& [name, value] : entry.tissue)
    set_option(*find_option(list, name), &options, value);
  return options;
}

}  // namespace lamella::cohort
