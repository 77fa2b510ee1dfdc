// SPDX-License-Identifier: Apache-2.0
// Encoders whose network is a Python callable. The verbs see an encoder like any other, which reads
// the next patches while the callable works.
#include <fmt/format.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lamella/base/error.h"
#include "loaded_encoder.h"
#include "values.h"

namespace lamella::python {

namespace {

using encoder::EncoderInfo;
using encoder::Precision;

class CallableEncoder : public encoder::Encoder {
 public:
  // forward: n x h x w x 3 uint8 -> n x d float32.
  CallableEncoder(EncoderInfo info, Precision precision, nb::object forward)
      : info_(std::move(info)), precision_(precision), forward_(std::move(forward)) {}
  ~CallableEncoder() override {
    const nb::gil_scoped_acquire lock;
    forward_.reset();
  }

  const EncoderInfo& info() const override { return info_; }
  Precision precision() const override { return precision_; }
  double compile_seconds() const override { return 0; }

  // The views of a patch are pictures of their own, their vectors one after another.
  void encode(std::span<const uint8_t> patches, int64_t n, std::span<float> features,
              const Context& context) override {
    context.cancel.check();
    const auto views = static_cast<int64_t>(info_.views.size());
    const auto pictures = static_cast<size_t>(n * views), px = static_cast<size_t>(info_.input_px);
    if (patches.size() != pictures * px * px * 3 ||
        static_cast<int64_t>(features.size()) != n * info_.dimension) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("found {} bytes for {} patches of {} px", patches.size(), n, px));
    }
    const nb::gil_scoped_acquire lock;
    const Array<const uint8_t, nb::ndim<4>> pixels(patches.data(), {pictures, px, px, 3});
    const nb::object made = forward_(nb::cast(pixels, nb::rv_policy::reference));
    using Vectors = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
    const auto vectors = nb::cast<Vectors>(made);
    if (vectors.shape(0) != pictures || vectors.size() != features.size()) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("found {} x {} numbers of the encoder '{}', expected {} x {}",
                              vectors.shape(0), vectors.shape(1), info_.name, pictures,
                              info_.dimension / views));
    }
    std::copy_n(vectors.data(), vectors.size(), features.begin());
    require_finite(features, n);
  }

 private:
  void require_finite(std::span<const float> features, int64_t n) const {
    const auto bad = std::find_if_not(features.begin(), features.end(),
                                      [](float value) { return std::isfinite(value); });
    if (bad == features.end()) return;
    const int64_t at = bad - features.begin();
    throw encoder::NonFiniteFeature(
        at / info_.dimension, n,
        fmt::format("number {} of its features is {}; expected finite numbers",
                    at % info_.dimension, *bad),
        info_.name);
  }

  EncoderInfo info_;
  Precision precision_;
  nb::object forward_;
};

void require_valid(const EncoderInfo& info) {
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message);
  };
  if (info.name.empty() || info.name.find('/') != std::string::npos) {
    refuse(fmt::format("name: found '{}', expected one without '/'", info.name));
  }
  if (info.colour_order != "rgb" && info.colour_order != "bgr") {
    refuse(fmt::format("colour_order: found '{}', expected rgb or bgr", info.colour_order));
  }
  if (info.input_px < 1)
    refuse(fmt::format("input_px: found {}, expected 1 or more", info.input_px));
  if (info.dimension < 1) refuse("found vectors of no numbers, expected some");
  if (info.mean.size() != 3 || info.std.size() != 3 ||
      std::any_of(info.std.begin(), info.std.end(), [](float value) { return !(value > 0); })) {
    refuse("mean, std: expected three numbers each, those of std above 0");
  }
  if (info.views.empty()) refuse("views: found none, expected one or more");
}

std::shared_ptr<LoadedEncoder> of_callable(nb::object forward, const std::string& name,
                                           const std::string& sha256, int input_px,
                                           const std::string& colour_order, std::vector<float> mean,
                                           std::vector<float> std, std::vector<double> views,
                                           int dimension, const std::string& precision) {
  EncoderInfo info;
  info.name = name;
  info.sha256 = sha256;
  info.source = "a Python object";
  info.input_px = input_px;
  info.colour_order = colour_order;
  info.mean = std::move(mean);
  info.std = std::move(std);
  info.outputs = {{"vectors", encoder::Pooling::kNone}};
  info.views = std::move(views);
  info.dimension = dimension;
  require_valid(info);
  auto made = std::make_unique<CallableEncoder>(info, encoder::parse_precision(precision),
                                                std::move(forward));
  return std::make_shared<LoadedEncoder>(std::move(info), std::move(made));
}

}  // namespace

void bind_callable_encoder(nb::class_<LoadedEncoder>& bound) {
  bound.def_static("of_callable", of_callable, nb::arg("forward"), nb::kw_only(), nb::arg("name"),
                   nb::arg("sha256"), nb::arg("input_px"), nb::arg("colour_order"), nb::arg("mean"),
                   nb::arg("std"), nb::arg("views"), nb::arg("dimension"), nb::arg("precision"),
                   "An encoder whose network is forward: n x h x w x 3 uint8, valid during the "
                   "call -> n x d float32. sha256: of all that its output depends on.");
}

}  // namespace lamella::python
