// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/runtime/properties.hpp>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/encoder/encoder_files_internal.h"
#include "lamella/encoder/network_internal.h"
#include "lamella/io/files.h"

namespace lamella::encoder {

namespace {

// Small, so that a stream's intermediate pictures stay in its cache and little is padded; measured,
// lite0 is as fast with 2 to 4 and slower from 8 on.
constexpr int64_t kBatch = 4;
constexpr size_t kMaxMessage = 300;
constexpr int64_t kMaxNetworkBytes = int64_t{2} << 30;  // of one ONNX file

[[noreturn]] void throw_unsupported(const EncoderInfo& info, const std::string& message) {
  throw Error(ErrorCode::kUnsupported, message, network_path(info.folder));
}

[[noreturn]] void throw_mismatch(const EncoderInfo& info, const std::string& message) {
  throw Error(ErrorCode::kMismatch, message, network_path(info.folder));
}

std::string shape_text(const ov::PartialShape& shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

// The bytes that are hashed are the bytes that are run.
std::shared_ptr<ov::Model> read_network(ov::Core& core, const EncoderInfo& info) {
  const std::string path = network_path(info.folder);
  const std::string bytes = io::read_text_file(path, kMaxNetworkBytes);
  check_network_hash(sha256_hex(bytes), info);
  try {
    return core.read_model(bytes, ov::Tensor());
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("found no network that the inference engine can read, expected ONNX in "
                            "one file: {}",
                            engine_message(error)),
                path);
  }
}

// Returns the batch that the network is run with: its own if it is fixed.
int64_t check_input(const ov::Model& model, const EncoderInfo& info) {
  const std::string expected = fmt::format("one float32 input [N,3,{0},{0}]", info.input_px);
  if (model.inputs().size() != 1) {
    throw_unsupported(info,
                      fmt::format("found {} inputs, expected {}", model.inputs().size(), expected));
  }
  const ov::Output<const ov::Node> input = model.input();
  const ov::PartialShape& shape = input.get_partial_shape();
  const std::string found = fmt::format(
      "found the input {} {}", input.get_element_type().get_type_name(), shape_text(shape));
  if (input.get_element_type() != ov::element::f32 || shape.rank().is_dynamic() ||
      shape.size() != 4) {
    throw_unsupported(info, fmt::format("{}, expected {}", found, expected));
  }
  if (!shape[1].compatible(3)) {
    throw_unsupported(info, fmt::format("{}, expected {} (channels second)", found, expected));
  }
  if (!shape[2].compatible(info.input_px) || !shape[3].compatible(info.input_px)) {
    throw_mismatch(info,
                   fmt::format("{}, expected {} (input_px of encoder.json)", found, expected));
  }
  return shape[0].is_static() ? shape[0].get_length() : kBatch;
}

ov::Output<ov::Node> find_output(ov::Model& model, const std::string& name,
                                 const EncoderInfo& info) {
  std::vector<std::string> names;
  for (const ov::Output<ov::Node>& output : model.outputs()) {
    for (const std::string& found : output.get_names()) {
      if (found == name) return output;
      names.push_back(found);
    }
  }
  std::sort(names.begin(), names.end());
  throw_mismatch(info,
                 fmt::format("found the outputs {}, expected '{}' (outputs of encoder.json){}",
                             join(names, ", "), name, did_you_mean(name, names)));
}

// Widths of the outputs that encoder.json names, the model having a fixed input by now.
std::vector<int64_t> check_outputs(ov::Model& model, const EncoderInfo& info, int64_t batch) {
  std::vector<int64_t> widths;
  for (const std::string& name : info.outputs) {
    const ov::Output<ov::Node> output = find_output(model, name, info);
    const ov::PartialShape& shape = output.get_partial_shape();
    if (shape.is_dynamic() || shape.size() != 2 || shape[0] != batch) {
      throw_unsupported(
          info,
          fmt::format("found the output '{}' of shape {} for {} patches, expected [{},d]: one "
                      "vector for each; average it inside the network",
                      name, shape_text(shape), batch, batch));
    }
    widths.push_back(shape[1].get_length());
  }
  const int64_t sum = std::accumulate(widths.begin(), widths.end(), int64_t{0});
  if (sum != info.dimension) {
    throw_mismatch(info, fmt::format("found {} = {} features, expected {} (dimension of "
                                     "encoder.json)",
                                     fmt::join(widths, " + "), sum, info.dimension));
  }
  return widths;
}

// uint8 RGB, channels last -> what the network was trained with.
std::shared_ptr<ov::Model> add_preprocessing(const std::shared_ptr<ov::Model>& model,
                                             const EncoderInfo& info) {
  ov::preprocess::PrePostProcessor processor(model);
  ov::preprocess::InputInfo& input = processor.input();
  input.tensor()
      .set_element_type(ov::element::u8)
      .set_layout("NHWC")
      .set_color_format(ov::preprocess::ColorFormat::RGB);
  input.preprocess().convert_element_type(ov::element::f32);
  if (info.colour_order == "bgr") {
    input.preprocess().convert_color(ov::preprocess::ColorFormat::BGR);
  }
  input.preprocess().mean(info.mean).scale(info.std);
  input.model().set_layout("NCHW");
  for (size_t i = 0; i < model->outputs().size(); ++i) {
    processor.output(i).tensor().set_element_type(ov::element::f32);
  }
  return processor.build();
}

ov::AnyMap compile_options(Precision precision, int streams) {
  const bool f32 = precision == Precision::kF32;
  return {ov::hint::inference_precision(f32 ? ov::element::f32 : ov::element::bf16),
          ov::hint::execution_mode(f32 ? ov::hint::ExecutionMode::ACCURACY
                                       : ov::hint::ExecutionMode::PERFORMANCE),
          ov::num_streams(streams),
          ov::inference_num_threads(streams),  // one thread a stream: the bits depend on neither
          ov::hint::enable_cpu_pinning(false),
          ov::hint::enable_hyper_threading(true)};
}

}  // namespace

std::string engine_message(const std::exception& error) {
  std::string message;
  std::string_view rest = error.what();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.starts_with("Exception from ") || line.starts_with("Check '"))
      continue;
    if (!message.empty()) message += "; ";
    message += line;
  }
  if (message.empty()) message = "no reason given";
  if (message.size() > kMaxMessage) message = message.substr(0, kMaxMessage) + "...";
  return message;
}

Network load_network(ov::Core& core, const EncoderInfo& info, Precision precision, int streams) {
  std::shared_ptr<ov::Model> model = read_network(core, info);
  Network network;
  network.batch = check_input(*model, info);
  try {
    model->reshape(ov::PartialShape{network.batch, 3, info.input_px, info.input_px});
  } catch (const std::exception& error) {
    throw_unsupported(info, fmt::format("found a network that cannot be run on {} pictures at "
                                        "once: {}; export it with a dynamic or a fixed batch",
                                        network.batch, engine_message(error)));
  }
  network.widths = check_outputs(*model, info, network.batch);
  try {
    network.compiled = core.compile_model(add_preprocessing(model, info), "CPU",
                                          compile_options(precision, streams));
  } catch (const std::exception& error) {
    throw_unsupported(info, fmt::format("found a network that the inference engine cannot run: {}",
                                        engine_message(error)));
  }
  return network;
}

}  // namespace lamella::encoder
