// SPDX-License-Identifier: Apache-2.0
// The values that Python holds, and how their numbers become numpy arrays without copying.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arrow_stream.h"
#include "lamella/base/image.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/model/model.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/storage.h"

namespace lamella::python {

namespace nb = nanobind;

template <typename T, typename... Shape>
using Array = nb::ndarray<nb::numpy, T, Shape...>;
using Pixels = Array<uint8_t, nb::ndim<3>>;

// A numpy array that keeps `owner` alive and shows n values, each `stride` values after the last.
// Only writable if T is not const.
template <typename T>
Array<T, nb::ndim<1>> view(T* data, size_t n, nb::handle owner, int64_t stride = 1) {
  return Array<T, nb::ndim<1>>(data, {n}, owner, {stride});
}

// The array owns what it shows.
Pixels to_array(Image image);

// A slide as Python holds it: opens when first used, again after a fork and after unpickling.
// Protected by the interpreter's lock.
class SlideHandle {
 public:
  SlideHandle(std::string path, slide::OpenOptions options, std::string fingerprint = {});
  // Error kInvalidArgument if closed; kMismatch if the file has changed since it was first opened.
  std::shared_ptr<const slide::Slide> get();
  void close();
  bool closed() const { return closed_; }
  const std::string& path() const { return path_; }
  const slide::OpenOptions& options() const { return options_; }
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  std::string path_;
  slide::OpenOptions options_;
  std::string fingerprint_;
  std::shared_ptr<const slide::Slide> slide_;
  int process_ = 0;
  bool closed_ = false;
};

// A Slide, or the path of one.
std::shared_ptr<const slide::Slide> slide_of(nb::handle slide, std::optional<double> mpp);
std::string slide_id_of(const slide::Slide& slide, const std::optional<std::string>& given);

// Scores with their patches. `plan` is null if they come from a file.
struct Scores {
  std::string slide_id;
  std::string source;
  heatmap::ScoredPatches patches;
  std::shared_ptr<const patch::PatchPlan> plan;
};
Scores make_scores(patch::PatchPlan plan, feature::ScoreMatrix scores);

// An RGB picture that a notebook shows.
struct Picture {
  Image image;
};

// A plan's rows for Arrow: a column a number.
std::vector<ArrowColumn> plan_columns(const patch::PatchPlan& plan);

// A Model, or the folder of one.
model::Model model_of(nb::handle model);

nb::bytes png_bytes(const Image& image);
inline nb::bytes bytes_of(const std::string& text) { return nb::bytes(text.data(), text.size()); }
inline std::string_view text_of(const nb::bytes& bytes) { return {bytes.c_str(), bytes.size()}; }

void bind_slide(nb::module_& module);
void bind_plan(nb::module_& module);
void bind_pictures(nb::module_& module);
void bind_patches(nb::module_& module);
void bind_encode(nb::module_& module);
void bind_train(nb::module_& module);
void bind_score(nb::module_& module);
void bind_study(nb::module_& module);
void bind_convert(nb::module_& module);
void bind_made_models(nb::module_& module);

}  // namespace lamella::python
