// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <mutex>
#include <string>

#include "call.h"
#include "lamella/encoder/encoder.h"

namespace lamella::python {

class LoadedEncoder {
 public:
  LoadedEncoder(encoder::EncoderInfo info, encoder::Precision precision, int streams);
  LoadedEncoder(encoder::EncoderInfo info, std::unique_ptr<encoder::Encoder> loaded);
  const encoder::EncoderInfo& info() const { return info_; }
  // Error kInvalidArgument in a process forked since.
  encoder::Encoder& encoder();
  // Held while the encoder is used.
  std::unique_lock<std::mutex> use() { return std::unique_lock(mutex_); }

 private:
  encoder::EncoderInfo info_;
  std::unique_ptr<encoder::Encoder> encoder_;
  std::mutex mutex_;
  int process_;
};

// An Encoder, or one loaded by its name or folder with a stream for each of the call's threads.
std::shared_ptr<LoadedEncoder> loaded_encoder_of(nanobind::handle encoder,
                                                 const std::string& precision, const Call& call);

// Encoders whose network is a Python callable.
void bind_callable_encoder(nanobind::class_<LoadedEncoder>& bound);

}  // namespace lamella::python
