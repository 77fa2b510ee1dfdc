// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>

#include <algorithm>
#include <numeric>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/runtime/properties.hpp>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/encoder/encoder_files_internal.h"
#include "lamella/encoder/network_internal.h"
#include "lamella/encoder/onnx_weights_internal.h"
#include "lamella/encoder/pooling_internal.h"
#include "lamella/io/files.h"

namespace lamella::encoder {

namespace {

// Small, so that a stream's intermediate pictures stay in its cache and little is padded; measured,
// lite0 is as fast with 2 to 4 and slower from 8 on.
constexpr int64_t kBatch = 4;
constexpr size_t kMaxMessage = 300;
// Address space that the engine takes for its threads and kernels beside the weights; measured.
constexpr size_t kEngineRoom = size_t{320} << 20;

[[noreturn]] void throw_unsupported(const EncoderInfo& info, const std::string& message) {
  throw Error(ErrorCode::kUnsupported, message, network_path(info.folder));
}

[[noreturn]] void throw_mismatch(const EncoderInfo& info, const std::string& message) {
  throw Error(ErrorCode::kMismatch, message, network_path(info.folder));
}

// An engine whose memory ends while it starts its threads may abort or wait for ever; so what it
// needs is asked for and given back before.
void check_room(const EncoderInfo& info, size_t network_bytes) {
  const size_t room = kEngineRoom + 3 * network_bytes;
  void* mapped = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    throw Error(ErrorCode::kLimit,
                fmt::format("memory is limited to less than the {} MiB that are still needed to "
                            "make the network ready; allow more (ulimit -v)",
                            room >> 20),
                network_path(info.folder));
  }
  munmap(mapped, room);
}

std::string shape_text(const ov::PartialShape& shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

bool is_picture(const ov::PartialShape& shape, size_t channels, size_t height, int64_t px) {
  return shape[channels].compatible(3) && shape[height].compatible(px) &&
         shape[height + 1].compatible(px);
}

Input check_input(const ov::Model& model, const EncoderInfo& info) {
  const std::string expected =
      fmt::format("one input [N,3,{0},{0}] or [N,{0},{0},3] of float32 or uint8", info.input_px);
  if (model.inputs().size() != 1) {
    throw_unsupported(info,
                      fmt::format("found {} inputs, expected {}", model.inputs().size(), expected));
  }
  const ov::Output<const ov::Node> input = model.input();
  const ov::PartialShape& shape = input.get_partial_shape();
  const ov::element::Type type = input.get_element_type();
  const std::string found =
      fmt::format("found the input {} {}", type.get_type_name(), shape_text(shape));
  if ((type != ov::element::f32 && type != ov::element::u8) || shape.rank().is_dynamic() ||
      shape.size() != 4 || (!shape[1].compatible(3) && !shape[3].compatible(3))) {
    throw_unsupported(info, fmt::format("{}, expected {}", found, expected));
  }
  const bool channels_first = is_picture(shape, 1, 2, info.input_px);
  if (!channels_first && !is_picture(shape, 3, 1, info.input_px)) {
    throw_mismatch(info,
                   fmt::format("{}, expected {} (input_px of encoder.json)", found, expected));
  }
  const bool scaled =
      info.mean != std::vector<float>{0, 0, 0} || info.std != std::vector<float>{1, 1, 1};
  if (type == ov::element::u8 && scaled) {
    throw_mismatch(info, fmt::format("{}, which takes pixels as they are, expected a mean of 0 and "
                                     "a std of 1 in encoder.json",
                                     found));
  }
  return {shape[0].is_static() ? shape[0].get_length() : kBatch, !channels_first};
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

// The network that gives the pooled outputs that encoder.json names, and no others; the model
// having a fixed input by now.
std::shared_ptr<ov::Model> add_pooling(const std::shared_ptr<ov::Model>& model,
                                       const EncoderInfo& info, const Input& input,
                                       std::vector<int64_t>& widths) {
  ov::OutputVector outputs;
  for (const OutputInfo& output : info.outputs) {
    try {
      const ov::Output<ov::Node> found = find_output(*model, output.name, info);
      // What feeds the result: the vector itself.
      outputs.push_back(pooled(found.get_node()->input_value(0), output, info.prefix_tokens,
                               input.channels_last, input.batch));
    } catch (const Error& error) {
      throw Error(error.code(), error.message(), network_path(info.folder));
    }
    widths.push_back(static_cast<int64_t>(outputs.back().get_shape().at(1)));
  }
  return std::make_shared<ov::Model>(outputs, model->get_parameters());
}

void check_dimension(const Network& network, const EncoderInfo& info) {
  const int64_t sum = network.width();
  const auto views = static_cast<int64_t>(info.views.size());
  if (sum * views == info.dimension) return;
  throw_mismatch(info, fmt::format("found {} = {} features{}, expected {} (dimension of "
                                   "encoder.json)",
                                   fmt::join(network.widths, " + "), sum,
                                   views > 1 ? fmt::format(" in each of {} views", views) : "",
                                   info.dimension));
}

// uint8 RGB, channels last -> what the network was trained with.
std::shared_ptr<ov::Model> add_preprocessing(const std::shared_ptr<ov::Model>& model,
                                             const EncoderInfo& info, bool channels_last) {
  ov::preprocess::PrePostProcessor processor(model);
  ov::preprocess::InputInfo& input = processor.input();
  input.tensor()
      .set_element_type(ov::element::u8)
      .set_layout("NHWC")
      .set_color_format(ov::preprocess::ColorFormat::RGB);
  const bool takes_pixels = model->input().get_element_type() == ov::element::u8;
  if (!takes_pixels) input.preprocess().convert_element_type(ov::element::f32);
  if (info.colour_order == "bgr") {
    input.preprocess().convert_color(ov::preprocess::ColorFormat::BGR);
  }
  if (!takes_pixels) input.preprocess().mean(info.mean).scale(info.std);
  input.model().set_layout(channels_last ? "NHWC" : "NCHW");
  for (size_t i = 0; i < model->outputs().size(); ++i) {
    processor.output(i).tensor().set_element_type(ov::element::f32);
  }
  return processor.build();
}

ov::AnyMap compile_options(Precision precision, int streams) {
  // Of an int8 network, what is not int8.
  const bool f32 = precision == Precision::kF32 || precision == Precision::kInt8;
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

std::shared_ptr<ov::Model> read_network(ov::Core& core, const std::string& bytes,
                                        const std::string& path) {
  require_all_weights(bytes, path);
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

PreparedNetwork prepare_network(const std::shared_ptr<ov::Model>& model, const EncoderInfo& info) {
  PreparedNetwork network;
  network.input = check_input(*model, info);
  const Input& input = network.input;
  try {
    model->reshape(input.channels_last
                       ? ov::PartialShape{input.batch, info.input_px, info.input_px, 3}
                       : ov::PartialShape{input.batch, 3, info.input_px, info.input_px});
  } catch (const std::exception& error) {
    throw_unsupported(info, fmt::format("found a network that cannot be run on {} pictures at "
                                        "once: {}; export it with a dynamic or a fixed batch",
                                        input.batch, engine_message(error)));
  }
  network.model = add_pooling(model, info, input, network.widths);
  return network;
}

Network load_network(ov::Core& core, const EncoderInfo& info, Precision precision, int streams) {
  const std::string path = network_path(info.folder);
  // The bytes that are hashed are the bytes that are run.
  const std::string bytes = io::read_text_file(path, kMaxNetworkBytes);
  check_network_hash(sha256_hex(bytes), info);
  const PreparedNetwork prepared = prepare_network(read_network(core, bytes, path), info);
  Network network;
  network.batch = prepared.input.batch;
  network.widths = prepared.widths;
  check_dimension(network, info);
  check_room(info, bytes.size());
  try {
    network.compiled =
        core.compile_model(add_preprocessing(prepared.model, info, prepared.input.channels_last),
                           "CPU", compile_options(precision, streams));
  } catch (const std::exception& error) {
    const std::string why = engine_message(error);
    // The engine tells of these in words alone; the network is not to blame.
    for (const char* starved :
         {"bad_alloc", "can't alloc", "Resource temporarily unavailable", "Broken promise"}) {
      if (why.find(starved) == why.npos) continue;
      throw Error(ErrorCode::kLimit,
                  fmt::format("memory or threads ran out while the network was made ready ({}); "
                              "allow more, or try 1 of `threads`",
                              why),
                  network_path(info.folder));
    }
    throw_unsupported(info, fmt::format("found a network that the inference engine cannot run: {}; "
                                        "if it ran before, memory or threads may be short",
                                        why));
  }
  return network;
}

}  // namespace lamella::encoder
