// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <openvino/runtime/infer_request.hpp>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/stopwatch.h"
#include "lamella/encoder/encoder.h"
#include "lamella/encoder/encoder_files_internal.h"
#include "lamella/encoder/network_internal.h"

namespace lamella::encoder {

namespace {

constexpr int kMaxStreams = 1024;

// One inference request: a batch in flight, or none.
class Lane {
 public:
  explicit Lane(Network& network)
      : request_(network.compiled.create_infer_request()), input_(request_.get_input_tensor()) {
    for (size_t i = 0; i < network.widths.size(); ++i) {
      outputs_.push_back(request_.get_output_tensor(i));
    }
  }

  bool busy() const { return count_ > 0; }
  int64_t first() const { return first_; }
  int64_t count() const { return count_; }

  // Starts on pictures [first, first + count); what is left of the batch is zeros, and what comes
  // of it is not read.
  void start(const uint8_t* pictures, int64_t first, int64_t count, size_t picture_bytes) {
    auto* to = input_.data<uint8_t>();
    const size_t bytes = static_cast<size_t>(count) * picture_bytes;
    std::memcpy(to, pictures + static_cast<size_t>(first) * picture_bytes, bytes);
    std::memset(to + bytes, 0, input_.get_byte_size() - bytes);
    first_ = first;
    request_.start_async();
    count_ = count;
  }

  // Waits; row k of each output belongs to picture first() + k.
  const std::vector<ov::Tensor>& finish() {
    request_.wait();
    return outputs_;
  }
  void release() { count_ = 0; }

  // Ends what is in flight, whatever came of it.
  void abandon() noexcept {
    if (!busy()) return;
    try {
      request_.wait();
    } catch (...) {
      // The error that made us abandon it is already on its way.
    }
    count_ = 0;
  }

 private:
  ov::InferRequest request_;
  ov::Tensor input_;
  std::vector<ov::Tensor> outputs_;
  int64_t first_ = 0;
  int64_t count_ = 0;
};

class OpenVinoEncoder final : public Encoder {
 public:
  OpenVinoEncoder(EncoderInfo info, Precision precision, int streams)
      : info_(std::move(info)), precision_(precision) {
    const Stopwatch watch;
    network_ = load_network(core_, info_, precision_, streams);
    lanes_.reserve(static_cast<size_t>(streams));
    for (int i = 0; i < streams; ++i) lanes_.emplace_back(network_);
    compile_seconds_ = watch.seconds();
  }

  const EncoderInfo& info() const override { return info_; }
  Precision precision() const override { return precision_; }
  double compile_seconds() const override { return compile_seconds_; }

  Encoder* reference() override {
    if (info_.int8 && !looked_for_reference_) {
      looked_for_reference_ = true;
      const auto streams = static_cast<int>(lanes_.size());
      if (const auto origin = find_origin(info_)) {
        reference_ = std::make_unique<OpenVinoEncoder>(*origin, Precision::kF32, streams);
      }
    }
    return reference_.get();
  }

  void encode(std::span<const uint8_t> patches, int64_t n, std::span<float> features,
              const Context& context) override {
    check_sizes(patches.size(), n, features.size());
    const AbandonOnExit guard{lanes_};
    const size_t lanes = std::min(lanes_.size(), static_cast<size_t>(std::max(context.threads, 1)));
    const int64_t pictures = n * views();  // each of them on its own
    size_t turn = 0;
    for (int64_t first = 0; first < pictures; first += network_.batch, turn = (turn + 1) % lanes) {
      context.cancel.check();
      collect(lanes_[turn], n, features);
      lanes_[turn].start(patches.data(), first, std::min(network_.batch, pictures - first),
                         picture_bytes());
    }
    for (size_t i = 0; i < lanes; ++i) collect(lanes_[(turn + i) % lanes], n, features);
  }

 private:
  struct AbandonOnExit {
    std::vector<Lane>& lanes;
    ~AbandonOnExit() {
      for (Lane& lane : lanes) lane.abandon();
    }
  };

  int64_t views() const { return static_cast<int64_t>(info_.views.size()); }

  size_t picture_bytes() const {
    return static_cast<size_t>(info_.input_px) * static_cast<size_t>(info_.input_px) * 3;
  }

  void check_sizes(size_t bytes, int64_t n, size_t floats) const {
    const int64_t patch = views() * static_cast<int64_t>(picture_bytes());
    if (n < 0 || static_cast<int64_t>(bytes) != checked_mul(n, patch, "bytes of patches") ||
        static_cast<int64_t>(floats) != checked_mul(n, info_.dimension, "features")) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("found {} bytes of patches and room for {} features, expected {} x {}"
                              "{} x {} x 3 bytes and {} x {} features",
                              bytes, floats, n, views() > 1 ? fmt::format("{} x ", views()) : "",
                              info_.input_px, info_.input_px, n, info_.dimension));
    }
  }

  // A patch's row is the features of its pictures, one after another.
  void collect(Lane& lane, int64_t n, std::span<float> features) {
    if (!lane.busy()) return;
    const std::vector<ov::Tensor>& outputs = finish(lane);
    for (int64_t k = 0; k < lane.count(); ++k) {
      const int64_t picture = lane.first() + k;
      float* row = features.data() + picture * network_.width();
      for (size_t j = 0; j < outputs.size(); ++j) {
        const int64_t width = network_.widths[j];
        std::copy_n(outputs[j].data<const float>() + k * width, width, row);
        check_finite({row, static_cast<size_t>(width)}, j, picture / views(), n);
        row += width;
      }
    }
    lane.release();
  }

  const std::vector<ov::Tensor>& finish(Lane& lane) {
    try {
      return lane.finish();
    } catch (const std::exception& error) {
      throw Error(ErrorCode::kInternal,
                  fmt::format("the inference engine failed: {}", engine_message(error)),
                  network_path(info_.folder));
    }
  }

  void check_finite(std::span<const float> values, size_t output, int64_t patch, int64_t n) const {
    const auto bad =
        std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
    if (bad == values.end()) return;
    throw NonFiniteFeature(
        patch, n,
        fmt::format("found the feature {} of the output '{}' to be {}, expected a finite number; "
                    "the network is not fit for these pixels, or damaged",
                    bad - values.begin(), info_.outputs[output].name, *bad),
        network_path(info_.folder));
  }

  EncoderInfo info_;
  Precision precision_;
  ov::Core core_;
  Network network_;
  std::vector<Lane> lanes_;
  bool looked_for_reference_ = false;
  std::unique_ptr<OpenVinoEncoder> reference_;
  double compile_seconds_ = 0;
};

}  // namespace

NonFiniteFeature::NonFiniteFeature(int64_t patch, int64_t n, const std::string& message,
                                   const std::string& path)
    : Error(ErrorCode::kCorrupt, fmt::format("patch {} (of {}, from 0): {}", patch, n, message),
            path),
      patch_(patch),
      reason_(message) {}

std::unique_ptr<Encoder> load_encoder(const EncoderInfo& info, Precision precision, int streams) {
  if (streams < 1 || streams > kMaxStreams) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} streams, expected 1 to {}", streams, kMaxStreams));
  }
  return std::make_unique<OpenVinoEncoder>(info, resolve_precision(precision, info), streams);
}

}  // namespace lamella::encoder
