// SPDX-License-Identifier: Apache-2.0
#include "lamella/report/projection.h"

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/io/files.h"

namespace lamella::report {

namespace {

constexpr int64_t kMaxBytes = int64_t{64} << 20;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::kCorrupt, what); }

Projection parsed(const nlohmann::json& json) {
  if (json_whole<int>(json.at("format")) != 1) refuse("found another format than 1");
  Projection result;
  result.made_by = json.at("made_by").get<std::string>();
  result.score_of = json.at("score_of").get<std::string>();
  result.of = json_whole<size_t>(json.at("of"));
  const auto x = json.at("x").get<std::vector<double>>(),
             y = json.at("y").get<std::vector<double>>();
  result.classes = json.at("class").get<std::vector<std::string>>();
  result.patients = json.at("patient").get<std::vector<std::string>>();
  result.slides = json.at("slide").get<std::vector<std::string>>();
  result.scores = json.at("score").get<std::vector<double>>();
  const size_t n = x.size();
  if (n == 0 || n > kMostProjected) refuse("found no points, or more than are shown");
  for (const size_t size : {y.size(), result.classes.size(), result.patients.size(),
                            result.slides.size(), result.scores.size()}) {
    if (size != n) refuse("found lists of different lengths");
  }
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) refuse("found a place that is no number");
    if (!(result.scores[i] >= 0 && result.scores[i] <= 1)) refuse("found a score outside 0 to 1");
    result.places.push_back({x[i], y[i]});
  }
  return result;
}

}  // namespace

Projection read_projection(const std::string& path) {
  const std::string text = io::read_text_file(path, kMaxBytes);
  try {
    return parsed(parse_json(text));
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kCorrupt, error.what(), path);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), path);
  }
}

}  // namespace lamella::report
