// SPDX-License-Identifier: Apache-2.0
// Plans in TRIDENT's HDF5 layout; keys.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/io/files.h"
#include "lamella/storage/hdf5_internal.h"
#include "lamella/storage/plan_json.h"
#include "lamella/storage/plan_rows_internal.h"
#include "lamella/storage/storage.h"

namespace lamella::storage {

namespace {

constexpr int64_t kMaxRows = int64_t{1} << 31;
constexpr double kMagnificationTimesMpp = 10;  // 40x is 0.25 µm/px

// TRIDENT's magnifications are whole numbers; one that is none nearly stays as it is.
void set_magnification(Hdf5File& file, const char* name, const std::optional<double>& mpp) {
  if (!mpp) {
    file.set_text("coords", name, "None");
    return;
  }
  const double magnification = kMagnificationTimesMpp / *mpp;
  const double rounded = std::round(magnification);
  if (rounded >= 1 && std::abs(magnification - rounded) <= 0.1 * rounded) {
    file.set_int("coords", name, static_cast<int64_t>(rounded));
  } else {
    file.set_double("coords", name, magnification);
  }
}

int64_t overlap_px(const patch::PatchPlan& plan) {
  if (!plan.stride_px || plan.geometry.extent_x_px <= 0) return 0;
  const double step = *plan.stride_px / plan.geometry.extent_x_px;
  return std::max<int64_t>(0, std::llround(plan.spec.size_px * (1 - step)));
}

// n x 2 as coords; there is none where nothing was left out.
void write_left_out(Hdf5File& file, const std::vector<patch::LeftOut>& left_out) {
  if (left_out.empty()) return;
  std::vector<int64_t> coords;
  for (const patch::LeftOut& each : left_out) {
    coords.push_back(each.at.x_px);
    coords.push_back(each.at.y_px);
  }
  file.write("left_out", H5T_NATIVE_INT64, coords.data(),
             {static_cast<int64_t>(left_out.size()), 2, true});
}

}  // namespace

void write_rows(Hdf5File& file, const patch::PatchPlan& plan, const std::string& key) {
  std::vector<int64_t> coords;
  std::vector<int8_t> labels;
  std::vector<float> tissue, inside;
  for (const patch::PatchRow& row : plan.rows) {
    coords.push_back(row.x_px);
    coords.push_back(row.y_px);
    labels.push_back(row.label);
    tissue.push_back(row.tissue_fraction);
    inside.push_back(row.inside_fraction);
  }
  const auto n = static_cast<int64_t>(plan.rows.size());
  file.write("coords", H5T_NATIVE_INT64, coords.data(), {n, 2, true});
  file.write("label", H5T_NATIVE_INT8, labels.data(), {n, 0, true});
  file.write("tissue_fraction", H5T_NATIVE_FLOAT, tissue.data(), {n, 0, true});
  file.write("inside_fraction", H5T_NATIVE_FLOAT, inside.data(), {n, 0, true});

  write_left_out(file, plan.left_out);

  file.set_int("coords", "patch_size", plan.spec.size_px);
  file.set_int("coords", "patch_size_level0", std::llround(plan.geometry.extent_x_px));
  set_magnification(file, "level0_magnification", plan.mpp);
  set_magnification(file, "target_magnification", plan.geometry.effective_mpp);
  file.set_int("coords", "overlap", overlap_px(plan));
  file.set_text("coords", "name", plan.slide_id);
  file.set_text("coords", "savetodir", "None");
  file.set_int("coords", "level0_width", plan.geometry.slide_size_px.width);
  file.set_int("coords", "level0_height", plan.geometry.slide_size_px.height);
  file.set_text("coords", "lamella_key", key);
  file.set_text("coords", "lamella_plan",
                plan_to_json(plan).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

namespace {

[[noreturn]] void fail_nameless(const std::string& path) {
  throw Error(ErrorCode::kUnsupported,
              "its labels are numbers without names of classes, as an older lamella wrote them; "
              "plan the slide again (with `classes`, or by a study)",
              path);
}

}  // namespace

namespace {

std::vector<patch::LeftOut> read_left_out(const Hdf5File& file) {
  if (!file.has("left_out")) return {};
  const std::vector<int64_t> shape = file.shape("left_out");
  if (shape.size() != 2 || shape[1] != 2 || shape[0] > kMaxRows) {
    file.fail_corrupt("dataset 'left_out' is not of shape (N, 2)");
  }
  std::vector<int64_t> coords(2 * static_cast<size_t>(shape[0]));
  file.read("left_out", H5T_NATIVE_INT64, coords.data(), static_cast<int64_t>(coords.size()));
  std::vector<patch::LeftOut> left_out;
  for (size_t i = 0; i < coords.size(); i += 2) left_out.push_back({{coords[i], coords[i + 1]}});
  return left_out;
}

}  // namespace

patch::PatchPlan read_rows(const Hdf5File& file, const std::string& path) {
  patch::PatchPlan plan;
  const std::string text = file.required_text("coords", "lamella_plan");
  try {
    parse_or_corrupt(path, "the attribute 'lamella_plan'",
                     [&] { plan_from_json(parse_json(text), &plan); });
  } catch (const Error& error) {
    throw Error(error.code() == ErrorCode::kUnsupported ? error.code() : ErrorCode::kCorrupt,
                error.message(), path);
  }
  const std::vector<int64_t> shape = file.shape("coords");
  if (shape.size() != 2 || shape[1] != 2 || shape[0] > kMaxRows) {
    file.fail_corrupt("dataset 'coords' is not of shape (N, 2)");
  }
  const auto n = static_cast<size_t>(shape[0]);
  std::vector<int64_t> coords(2 * n);
  std::vector<int8_t> labels(n);
  std::vector<float> tissue(n), inside(n);
  file.read("coords", H5T_NATIVE_INT64, coords.data(), static_cast<int64_t>(coords.size()));
  file.read("label", H5T_NATIVE_INT8, labels.data(), shape[0]);
  file.read("tissue_fraction", H5T_NATIVE_FLOAT, tissue.data(), shape[0]);
  file.read("inside_fraction", H5T_NATIVE_FLOAT, inside.data(), shape[0]);
  for (size_t i = 0; i < n; ++i) {
    if (labels[i] != patch::kNoLabel && !plan.classes.has(labels[i])) {
      if (plan.classes.empty()) fail_nameless(path);
      file.fail_corrupt(fmt::format("row {}: label {}, expected -1 or 0 to {} ({})", i, labels[i],
                                    plan.classes.count() - 1, plan.classes.text()));
    }
    plan.rows.push_back({coords[2 * i], coords[2 * i + 1], tissue[i], labels[i], inside[i]});
  }
  plan.left_out = read_left_out(file);
  return plan;
}

void write_plan(const patch::PatchPlan& plan, const std::string& key, const std::string& path) {
  const Hdf5Lock lock;
  io::replace_file(path, [&](const std::string& place) {
    Hdf5File file = Hdf5File::create(place, path);
    write_rows(file, plan, key);
    file.flush();
  });
}

patch::PatchPlan read_plan(const std::string& path) {
  const Hdf5Lock lock;
  return read_rows(Hdf5File::open(path), path);
}

std::string plan_to_bytes(const patch::PatchPlan& plan, const std::string& key) {
  const Hdf5Lock lock;
  Hdf5File file = Hdf5File::create_in_memory("the plan of " + plan.slide_id);
  write_rows(file, plan, key);
  return file.bytes();
}

patch::PatchPlan plan_from_bytes(std::string_view bytes, const std::string& name) {
  const Hdf5Lock lock;
  return read_rows(Hdf5File::open_bytes(bytes, name), name);
}

namespace {

std::string key_path(const std::string& path) { return path + ".key"; }

}  // namespace

std::optional<std::string> read_key(const std::string& path) {
  if (!io::exists(path)) return {};
  try {
    std::string key;
    if (path.ends_with(".h5")) {
      const Hdf5Lock lock;
      key = Hdf5File::open(path).required_text("coords", "lamella_key");
    } else {
      if (!io::exists(key_path(path))) return {};
      key = io::read_text_file(key_path(path), 1 << 16);
    }
    return key.empty() ? std::nullopt : std::optional(key);
  } catch (const Error&) {
    return {};  // damaged: not to be reused
  }
}

void write_key(const std::string& key, const std::string& path) {
  io::write_file_atomic(key_path(path), key);
}

void drop_key(const std::string& path) { std::remove(key_path(path).c_str()); }

}  // namespace lamella::storage
