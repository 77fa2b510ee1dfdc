// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <openvino/runtime/core.hpp>
#include <sstream>

#include "lamella/base/text.h"
#include "lamella/encoder/encoder.h"
#include "lamella/encoder/encoder_files_internal.h"
#include "lamella/encoder/network_internal.h"
#include "lamella/encoder/onnx_weights_internal.h"
#include "lamella/encoder/pooling_internal.h"
#include "lamella/io/files.h"

namespace lamella::encoder {

namespace {

std::string name_of(const ov::Output<ov::Node>& output) {
  return output.get_names().empty() ? std::string() : output.get_any_name();
}

std::string list_outputs(const ov::Model& model) {
  std::vector<std::string> lines;
  for (const ov::Output<const ov::Node>& output : model.outputs()) {
    std::ostringstream text;
    text << (output.get_names().empty() ? "(without a name)" : output.get_any_name()) << " "
         << output.get_partial_shape();
    lines.push_back(text.str());
  }
  return join(lines, ", ");
}

// Height or width that the input has, if it is a picture of a fixed size.
int fixed_px(const ov::PartialShape& shape) {
  if (shape.rank().is_dynamic() || shape.size() != 4) return 0;
  const ov::Dimension& side = shape[2];  // h of [N,3,h,w], w of [N,h,w,3]
  return side.is_static() ? static_cast<int>(side.get_length()) : 0;
}

Pooling usual_pooling(const ov::Output<ov::Node>& output, const std::string& path) {
  const ov::PartialShape& shape = output.get_partial_shape();
  const size_t rank = shape.rank().is_static() ? shape.size() : 0;
  if (rank == 2) return Pooling::kNone;
  if (rank == 4) return Pooling::kMeanOfMap;
  std::ostringstream text;
  text << shape;
  throw Error(
      ErrorCode::kInvalidArgument,
      fmt::format("found the output '{}' of shape {}, expected a choice of how it becomes "
                  "one vector; give `output` {}:POOLING with one of {}",
                  name_of(output), text.str(), name_of(output), join(pooling_names(), ", ")),
      path);
}

void find_out_the_rest(ov::Model& model, EncoderInfo& info, const std::string& path) {
  if (model.inputs().size() == 1 && info.input_px == 0) {
    info.input_px = fixed_px(model.input().get_partial_shape());
    if (info.input_px == 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "the network does not say how large its input is; give `input_px`", path);
    }
  }
  if (!info.outputs.empty()) return;
  if (model.outputs().size() != 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} outputs, expected a choice; give `output` NAME[:POOLING], "
                            "repeated if several are wanted: {}",
                            model.outputs().size(), list_outputs(model)),
                path);
  }
  const ov::Output<ov::Node> output = model.output();
  info.outputs = {{name_of(output), usual_pooling(output, path)}};
}

}  // namespace

ImportedEncoder import_encoder(const std::string& onnx_path, EncoderInfo wanted,
                               const std::string& folder) {
  if (const auto odd = odd_normalisation(wanted)) {
    throw Error(ErrorCode::kInvalidArgument, *odd, onnx_path);
  }
  const std::string bytes =
      with_all_weights(io::read_text_file(onnx_path, kMaxNetworkBytes), onnx_path);
  ov::Core core;
  const std::shared_ptr<ov::Model> model = read_network(core, bytes, onnx_path);
  find_out_the_rest(*model, wanted, onnx_path);
  const bool takes_pixels =
      model->inputs().size() == 1 && model->input().get_element_type() == ov::element::u8;
  const PreparedNetwork prepared = [&] {
    try {
      return prepare_network(model, wanted);
    } catch (const Error& error) {
      throw Error(error.code(), error.message(), onnx_path);
    }
  }();
  int64_t width = 0;
  for (const int64_t one : prepared.widths) width += one;
  wanted.dimension = static_cast<int>(width * static_cast<int64_t>(wanted.views.size()));
  return {write_encoder(std::move(wanted), bytes, folder), takes_pixels};
}

}  // namespace lamella::encoder
