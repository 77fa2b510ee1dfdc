// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <openvino/op/concat.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/gather.hpp>
#include <openvino/op/reduce_mean.hpp>
#include <openvino/op/slice.hpp>
#include <sstream>

#include "lamella/base/error.h"
#include "lamella/encoder/pooling_internal.h"

namespace lamella::encoder {

namespace {

using Node = ov::Output<ov::Node>;

constexpr std::array<const char*, 5> kNames = {"none", "mean_of_map", "class_token",
                                               "mean_of_tokens", "class_token_and_mean"};

Node whole_numbers(const std::vector<int64_t>& values) {
  return ov::op::v0::Constant::create(ov::element::i64, {values.size()}, values);
}

Node mean_over(const Node& from, const std::vector<int64_t>& axes) {
  return std::make_shared<ov::op::v1::ReduceMean>(from, whole_numbers(axes), false)->output(0);
}

Node class_token(const Node& tokens) {
  const Node first = ov::op::v0::Constant::create(ov::element::i64, {}, {0});
  const Node axis = ov::op::v0::Constant::create(ov::element::i64, {}, {1});
  return std::make_shared<ov::op::v8::Gather>(tokens, first, axis)->output(0);
}

Node mean_of_tokens(const Node& tokens, int64_t prefix) {
  const auto count = static_cast<int64_t>(tokens.get_shape()[1]);
  const Node rest =
      std::make_shared<ov::op::v8::Slice>(tokens, whole_numbers({prefix}), whole_numbers({count}),
                                          whole_numbers({1}), whole_numbers({1}))
          ->output(0);
  return mean_over(rest, {1});
}

size_t expected_rank(Pooling pooling) {
  if (pooling == Pooling::kNone) return 2;
  return pooling == Pooling::kMeanOfMap ? 4 : 3;
}

const char* advice(size_t rank) {
  switch (rank) {
    case 2:
      return "none";
    case 3:
      return "class_token, mean_of_tokens or class_token_and_mean";
    case 4:
      return "mean_of_map";
    default:
      return "none that there is; pool it inside the network";
  }
}

void check_shape(const Node& output, const OutputInfo& info, int prefix_tokens, int64_t batch) {
  const ov::PartialShape& shape = output.get_partial_shape();
  std::ostringstream text;
  text << shape;
  if (shape.is_dynamic() || shape.size() == 0 || shape[0] != batch ||
      shape.size() != expected_rank(info.pooling)) {
    const bool known = shape.rank().is_static();
    throw Error(ErrorCode::kUnsupported,
                fmt::format("found the output '{}' of shape {} for {} pictures, expected [{},{}] "
                            "with the pooling '{}'; the pooling for it is {}",
                            info.name, text.str(), batch, batch,
                            info.pooling == Pooling::kNone        ? "d"
                            : info.pooling == Pooling::kMeanOfMap ? "channels,h,w"
                                                                  : "tokens,d",
                            to_string(info.pooling), advice(known ? shape.size() : 0)));
  }
  const bool tokens =
      info.pooling == Pooling::kMeanOfTokens || info.pooling == Pooling::kClassTokenAndMean;
  if (tokens && shape[1].get_length() <= prefix_tokens) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("found the output '{}' with {} tokens, expected more than the {} of "
                            "prefix_tokens",
                            info.name, shape[1].get_length(), prefix_tokens));
  }
}

}  // namespace

std::vector<std::string> pooling_names() { return {kNames.begin(), kNames.end()}; }

std::optional<Pooling> find_pooling(const std::string& name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Pooling>(found - kNames.begin());
}

std::string_view to_string(Pooling pooling) { return kNames.at(static_cast<size_t>(pooling)); }

Node pooled(const Node& output, const OutputInfo& info, int prefix_tokens, bool channels_last,
            int64_t batch) {
  check_shape(output, info, prefix_tokens, batch);
  switch (info.pooling) {
    case Pooling::kNone:
      return output;
    case Pooling::kMeanOfMap:
      return mean_over(output,
                       channels_last ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{2, 3});
    case Pooling::kClassToken:
      return class_token(output);
    case Pooling::kMeanOfTokens:
      return mean_of_tokens(output, prefix_tokens);
    case Pooling::kClassTokenAndMean:
      break;
  }
  const ov::OutputVector both = {class_token(output), mean_of_tokens(output, prefix_tokens)};
  return std::make_shared<ov::op::v0::Concat>(both, 1)->output(0);
}

}  // namespace lamella::encoder
