// SPDX-License-Identifier: Apache-2.0
// Labels of patches as a table of any program.
#include <cmath>
#include <map>

#include "lamella/base/text.h"
#include "lamella/io/table.h"
#include "lamella/storage/storage.h"

namespace lamella::storage {

namespace {

constexpr double kMostPx = 1e9;  // of a position, either way

int64_t position(const io::Table& table, size_t row, const char* column) {
  const char* expected = "level-0 px";
  table.needed(row, column, expected);
  const auto value = table.number(row, column, expected);
  if (!value || !(std::abs(*value) <= kMostPx)) table.fail(row, column, expected);
  return std::llround(*value);
}

}  // namespace

std::vector<patch::PatchPlan> read_label_table(const std::string& path, const std::string& slide_id,
                                               const ClassTable& classes, io::Notes notes) {
  const io::Table table = io::read_table(
      path, {{"minx", true}, {"miny", true}, {"label", true}, {"slide_id"}}, "labels", notes);
  std::vector<patch::PatchPlan> plans;
  std::map<std::string, size_t> by_slide;
  for (size_t row = 0; row < table.size(); ++row) {
    const std::string id =
        table.has("slide_id") ? table.needed(row, "slide_id", "the id of the slide") : slide_id;
    const auto [found, fresh] = by_slide.emplace(to_lower(id), plans.size());
    if (fresh) {
      plans.emplace_back();
      plans.back().slide_id = id;
      plans.back().slide_path = path;
      plans.back().classes = classes;
    }
    const std::string expected = "one of " + classes.text();
    const auto label = classes.find(table.needed(row, "label", expected));
    if (!label) table.fail(row, "label", expected);
    patch::PatchRow patch;
    patch.x_px = position(table, row, "minx");
    patch.y_px = position(table, row, "miny");
    patch.label = static_cast<int8_t>(*label);
    plans[found->second].rows.push_back(patch);
  }
  return plans;
}

}  // namespace lamella::storage
