// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/base/text.h"
#include "lamella/encoder/encoder.h"
#include "lamella/encoder/encoder_files_internal.h"
#include "lamella/encoder/pooling_internal.h"
#include "lamella/feature/feature_space.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"

namespace lamella::encoder {

namespace {

using nlohmann::json;

constexpr int64_t kMaxDescriptionBytes = 1 << 20;
constexpr int kMaxInputPx = 4096;
constexpr int kMaxDimension = 1'000'000;
constexpr size_t kMaxOutputs = 256;
constexpr size_t kMaxNameLength = 64;

constexpr int kMaxPrefixTokens = 1024;

const std::vector<std::string> kKeys = {
    "name",      "source",   "licence",      "sha256",          "mean",  "std",
    "dimension", "outputs",  "colour_order", "recommended_mpp", "views", "prefix_tokens",
    "weights",   "input_px", "quality",      "made_from"};

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// One encoder.json; each reader throws kFormat naming the key, what was found and expected.
class Description {
 public:
  Description(json object, std::string path) : object_(std::move(object)), path_(std::move(path)) {
    if (!object_.is_object()) fail_whole(object_.type_name());
    for (const auto& [key, value] : object_.items()) {
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
        throw Error(ErrorCode::kFormat,
                    fmt::format("found the unknown key '{}'{}; expected {}", key,
                                did_you_mean(key, kKeys), join(kKeys, ", ")),
                    path_);
      }
    }
  }

  std::string text(const std::string& key) const {
    const json& value = at(key, "text");
    if (!value.is_string()) fail(key, value, "text");
    return value.get<std::string>();
  }

  int integer(const std::string& key, int low, int high) const {
    const std::string expected = fmt::format("a whole number from {} to {}", low, high);
    const json& value = at(key, expected);
    if (!value.is_number_integer() || value < low || value > high) fail(key, value, expected);
    return value.get<int>();
  }

  // Three finite numbers, positive if asked.
  std::vector<float> colour(const std::string& key, bool positive) const {
    const std::string expected = fmt::format("a list of 3 {}numbers", positive ? "positive " : "");
    const json& value = at(key, expected);
    if (!value.is_array() || value.size() != 3) fail(key, value, expected);
    std::vector<float> numbers;
    for (const json& item : value) {
      const float number = item.is_number() ? item.get<float>() : NAN;
      if (!std::isfinite(number) || (positive && !(number > 0))) fail(key, value, expected);
      numbers.push_back(number);
    }
    return numbers;
  }

  bool has(const std::string& key) const { return object_.contains(key); }

  std::vector<OutputInfo> outputs(const std::string& key) const {
    const std::string expected = fmt::format(
        "a list of 1 to {} different outputs, each \"name\" or {{\"name\": ..., \"pooling\": one "
        "of "
        "{}}}",
        kMaxOutputs, join(pooling_names(), ", "));
    const json& value = at(key, expected);
    if (!value.is_array() || value.empty() || value.size() > kMaxOutputs) {
      fail(key, value, expected);
    }
    std::vector<OutputInfo> outputs;
    for (const json& item : value) {
      const bool whole = item.is_object() && item.size() == 2 && item.contains("pooling");
      const json name = whole ? item.value("name", json()) : item;
      const json pooling = whole ? item["pooling"] : json("none");
      if (!name.is_string() || name.get<std::string>().empty() || !pooling.is_string()) {
        fail(key, value, expected);
      }
      const auto found = find_pooling(pooling.get<std::string>());
      if (!found) fail(key, value, expected);
      outputs.push_back({name.get<std::string>(), *found});
      if (std::count(outputs.begin(), outputs.end(), outputs.back()) > 1) {
        fail(key, value, expected);
      }
    }
    return outputs;
  }

  std::vector<double> views(const std::string& key) const {
    const std::string expected = fmt::format("a list of 1 to {} numbers from {} to {}",
                                             patch::kMaxViews, patch::kMinView, patch::kMaxView);
    const json& value = at(key, expected);
    if (!value.is_array() || value.empty() || value.size() > patch::kMaxViews)
      fail(key, value, expected);
    std::vector<double> views;
    for (const json& item : value) {
      const double side = item.is_number() ? item.get<double>() : NAN;
      if (!(side >= patch::kMinView && side <= patch::kMaxView)) fail(key, value, expected);
      views.push_back(side);
    }
    return views;
  }

  std::map<std::string, double> numbers(const std::string& key) const {
    std::map<std::string, double> numbers;
    const json& value = at(key, "an object of numbers");
    if (!value.is_object()) fail(key, value, "an object of numbers");
    for (const auto& [name, number] : value.items()) {
      if (!number.is_number()) fail(key, value, "an object of numbers");
      numbers[name] = number.get<double>();
    }
    return numbers;
  }

  Origin origin(const std::string& key) const {
    const std::string expected = "{\"name\": ..., \"sha256\": 64 hexadecimal digits}";
    const json& value = at(key, expected);
    if (!value.is_object() || value.size() != 2 || !value.value("name", json()).is_string() ||
        !value.value("sha256", json()).is_string()) {
      fail(key, value, expected);
    }
    Origin origin{value["name"], to_lower(value["sha256"].get<std::string>())};
    if (!is_sha256(origin.sha256)) fail(key, value, expected);
    return origin;
  }

  std::optional<double> optional_mpp(const std::string& key) const {
    const auto found = object_.find(key);
    if (found == object_.end() || found->is_null()) return std::nullopt;
    if (!found->is_number() || !(*found > 0.0) || !(*found <= 1000.0)) {
      fail(key, *found, "null or um/px above 0 and at most 1000");
    }
    return found->get<double>();
  }

  [[noreturn]] void fail(const std::string& key, const json& found,
                         const std::string& expected) const {
    throw Error(ErrorCode::kFormat,
                fmt::format("key '{}': found {}, expected {}", key, json_excerpt(found), expected),
                path_);
  }

 private:
  const json& at(const std::string& key, const std::string& expected) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      throw Error(ErrorCode::kFormat,
                  fmt::format("found no key '{}', expected {}; add it", key, expected), path_);
    }
    return *found;
  }

  [[noreturn]] void fail_whole(const char* type) const {
    throw Error(ErrorCode::kFormat, fmt::format("found {}, expected an object in {{}}", type),
                path_);
  }

  json object_;
  std::string path_;
};

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kMaxNameLength &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
             "0123456789._-") == std::string::npos;
}

json parse_description(const std::string& path) {
  const std::string text = io::read_text_file(path, kMaxDescriptionBytes);
  try {
    return parse_json(text);
  } catch (const json::exception& error) {
    std::string_view why = error.what();
    const size_t bracket = why.find("] ");
    if (bracket != std::string_view::npos) why.remove_prefix(bracket + 2);
    throw Error(ErrorCode::kFormat, fmt::format("is not valid JSON: {}", why), path);
  }
}

}  // namespace

std::string description_path(const std::string& folder) {
  return io::resolve(folder, "encoder.json");
}

std::string network_path(const std::string& folder) { return io::resolve(folder, "network.onnx"); }

void check_network_hash(const std::string& found, const EncoderInfo& info) {
  if (found == info.sha256) return;
  throw Error(ErrorCode::kMismatch,
              fmt::format("found a network with sha256 {}, expected {} (encoder.json); the file is "
                          "damaged or another network: restore it or make the encoder again",
                          found, info.sha256),
              network_path(info.folder));
}

EncoderInfo read_description(const std::string& folder) {
  const std::string path = description_path(folder);
  const Description read(parse_description(path), path);
  EncoderInfo info;
  info.folder = folder;
  info.name = read.text("name");
  if (!is_name(info.name)) {
    read.fail("name", info.name, "1 to 64 letters, digits, '.', '_' or '-'");
  }
  info.source = read.text("source");
  info.licence = read.text("licence");
  info.sha256 = to_lower(read.text("sha256"));
  if (!is_sha256(info.sha256)) read.fail("sha256", info.sha256, "64 hexadecimal digits");
  info.input_px = read.integer("input_px", 1, kMaxInputPx);
  info.colour_order = read.text("colour_order");
  if (info.colour_order != "rgb" && info.colour_order != "bgr") {
    read.fail("colour_order", info.colour_order, "\"rgb\" or \"bgr\"");
  }
  info.mean = read.colour("mean", false);
  info.std = read.colour("std", true);
  if (const auto odd = odd_normalisation(info)) throw Error(ErrorCode::kFormat, *odd, path);
  info.outputs = read.outputs("outputs");
  if (read.has("views")) info.views = read.views("views");
  if (read.has("prefix_tokens")) {
    info.prefix_tokens = read.integer("prefix_tokens", 0, kMaxPrefixTokens);
  }
  if (read.has("weights")) {
    const std::string weights = read.text("weights");
    if (weights != "float" && weights != "int8") {
      read.fail("weights", weights, "\"float\" or \"int8\"");
    }
    info.int8 = weights == "int8";
  }
  if (read.has("quality")) info.quality = read.numbers("quality");
  if (read.has("made_from")) info.made_from = read.origin("made_from");
  info.dimension = read.integer("dimension", 1, kMaxDimension);
  info.recommended_mpp = read.optional_mpp("recommended_mpp");
  return info;
}

EncoderInfo read_encoder_info(const std::string& folder) {
  EncoderInfo info = read_description(folder);
  check_network_hash(io::file_sha256(network_path(folder)), info);
  return info;
}

std::string network_space(const EncoderInfo& info) {
  const auto triple = [](const std::vector<float>& values) {
    return fmt::format("{},{},{}", format_float(values.at(0)), format_float(values.at(1)),
                       format_float(values.at(2)));
  };
  std::string space =
      fmt::format("{}/{}/{}-{}px-{}-mean{}-std{}", info.name, info.sha256, info.colour_order,
                  info.input_px, feature::kScaleBeforeSize, triple(info.mean), triple(info.std));
  bool tokens = false;
  for (const OutputInfo& output : info.outputs) {
    space += fmt::format("-{}", output.name);
    if (output.pooling != Pooling::kNone) space += fmt::format(":{}", to_string(output.pooling));
    tokens = tokens || output.pooling == Pooling::kMeanOfTokens ||
             output.pooling == Pooling::kClassTokenAndMean;
  }
  if (tokens) space += fmt::format("-prefix{}", info.prefix_tokens);
  if (info.views != std::vector<double>{1}) {
    space += fmt::format("-views{}", fmt::join(info.views, ","));
  }
  return space;
}

std::string feature_space(const EncoderInfo& info, const patch::PatchPlan& plan) {
  const patch::PatchGeometry& geometry = plan.geometry;
  const std::string scale = geometry.effective_mpp
                                ? fmt::format("{:.4f}mpp", *geometry.effective_mpp)
                                : fmt::format("level{}", geometry.level);
  return fmt::format("{}/{}px@{}", network_space(info), geometry.size_px, scale);
}

}  // namespace lamella::encoder
