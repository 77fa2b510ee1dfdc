// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/run_json.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/record/run_writer_internal.h"

namespace lamella::record {

using Json = nlohmann::json;

namespace {

constexpr std::array kStatuses = {Status::kRunning, Status::kFinished, Status::kFailed,
                                  Status::kKilled};

[[noreturn]] void refuse(const std::string& place, const Json& found, const std::string& expected) {
  throw Error(ErrorCode::kCorrupt,
              fmt::format("{}: found {}, expected {}", place.empty() ? "the whole text" : place,
                          json_excerpt(found), expected));
}

class Reader {
 public:
  Reader(const Json& in, std::string place) : in_(in), place_(std::move(place)) {
    if (!in.is_object()) refuse(place_, in, "an object");
  }

  template <typename T>
  void operator()(const char* name, T& member, const char* help, How how = How::kPlain) {
    const std::string place = place_.empty() ? name : fmt::format("{}.{}", place_, name);
    const auto found = in_.find(name);
    // Null is nothing, but for a number: that one was not finite.
    if (found == in_.end() || (found->is_null() && !std::same_as<T, double>)) {
      if (how == How::kRequired) {
        throw Error(ErrorCode::kCorrupt, fmt::format("'{}' is missing ({})", place, help));
      }
    } else if constexpr (kIsOptional<T>) {
      read(*found, member.emplace(), place);
    } else {
      read(*found, member, place);
    }
  }

  template <typename T>
  static void read(const Json& in, T& member, const std::string& place) {
    if constexpr (Described<T>) {
      Reader reader(in, place);
      describe(reader, member);
    } else if constexpr (Map<T>) {
      if (!in.is_object()) refuse(place, in, "an object");
      for (const auto& [key, item] : in.items()) {
        read(item, member[key], fmt::format("{}.{}", place, key));
      }
    } else if constexpr (List<T>) {
      read_list(in, member, place);
    } else {
      read_one(in, member, place);
    }
  }

 private:
  template <typename T>
  static void read_list(const Json& in, T& member, const std::string& place) {
    if (!in.is_array()) refuse(place, in, "a list");
    for (size_t i = 0; i < in.size(); ++i) {
      typename T::value_type item{};
      read(in[i], item, fmt::format("{}[{}]", place, i));
      member.insert(member.end(), std::move(item));
    }
  }

  // x and y; one number stands for both.
  static void read_list(const Json& in, std::array<double, 2>& member, const std::string& place) {
    if (in.is_number()) {
      member.fill(in.get<double>());
    } else if (in.is_array() && in.size() == 2) {
      read_one(in[0], member[0], place);
      read_one(in[1], member[1], place);
    } else {
      refuse(place, in, "two numbers");
    }
  }

  static void read_one(const Json& in, std::string& member, const std::string& place) {
    if (!in.is_string()) refuse(place, in, "text");
    member = in.get<std::string>();
  }
  static void read_one(const Json& in, bool& member, const std::string& place) {
    if (!in.is_boolean()) refuse(place, in, "true or false");
    member = in.get<bool>();
  }
  // What is not finite is written as null.
  static void read_one(const Json& in, double& member, const std::string& place) {
    if (!in.is_number() && !in.is_null()) refuse(place, in, "a number");
    member = in.is_null() ? std::numeric_limits<double>::quiet_NaN() : in.get<double>();
  }
  template <std::integral T>
  static void read_one(const Json& in, T& member, const std::string& place) {
    try {
      member = json_whole<T>(in);
    } catch (const Json::exception&) {
      refuse(place, in, "a whole number that fits");
    }
  }
  static void read_one(const Json& in, Status& member, const std::string& place) {
    for (const Status status : kStatuses) {
      if (!in.is_string() || in.get_ref<const std::string&>() != to_string(status)) continue;
      member = status;
      return;
    }
    refuse(place, in, "RUNNING, FINISHED, FAILED or KILLED");
  }
  static void read_one(const Json& in, Options& member, const std::string& place) {
    if (!in.is_object()) refuse(place, in, "an object");
    member = in;
  }
  static void read_one(const Json& in, evaluation::ClassMetrics& member, const std::string& place) {
    if (!in.is_object()) refuse(place, in, "an object");
    try {
      member = in.get<evaluation::ClassMetrics>();
    } catch (const Json::exception&) {
      refuse(place, in, "figures");
    }
  }

  const Json& in_;
  const std::string place_;
};

// The first format had no members for what later ones take out of the options, and two classes
// without names.
Json from_first_format(Json json) {
  const auto take = [&](const char* from, const char* to) {
    const Json::json_pointer source(from), target(to);
    if (json.contains(source) && !json[source].is_null()) json[target] = json[source];
  };
  take("/study/output", "/output");
  take("/study/tracking/mlflow", "/server");
  if (json.contains("training") && json["training"].is_object()) {
    take("/study/patches/size_px", "/training/size_px");
    Json& training = json["training"];
    if (training.contains("rows_negative") && training.contains("rows_positive")) {
      training["classes"] = {"normal", "tumour"};
      training["class_rows"] = {training["rows_negative"], training["rows_positive"]};
    }
  }
  return json;
}

int64_t format_of(const Json& json) {
  int64_t format = 1;
  if (json.contains("format")) Reader::read(json["format"], format, "format");
  if (format < 1) refuse("format", json["format"], fmt::format("1 to {}", kRecordFormat));
  if (format > kRecordFormat) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("is a record of format {}, which a newer lamella wrote; this one reads "
                            "formats 1 to {}: use the newer lamella",
                            format, kRecordFormat));
  }
  return format;
}

template <typename Out>
Out whole_document(const RunDocument& document) {
  Out json = Out::object();
  json["format"] = kRecordFormat;
  Writer<Out> writer(json);
  describe(writer, document);
  return json;
}

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::kRunning:
      return "RUNNING";
    case Status::kFinished:
      return "FINISHED";
    case Status::kFailed:
      return "FAILED";
    case Status::kKilled:
      break;
  }
  return "KILLED";
}

std::string slides_table_of(const RunDocument& document) {
  for (const Input& input : document.inputs) {
    if (input.kind == "slides table") return input.path;
  }
  return "";
}

void to_json(Json& json, const Input& input) { json = Writer<Json>::value(input); }
void from_json(const Json& json, Input& input) { Reader::read(json, input, ""); }
void to_json(Json& json, const Cohort& cohort) { json = Writer<Json>::value(cohort); }
void to_json(Json& json, const EncoderUsed& encoder) { json = Writer<Json>::value(encoder); }
void to_json(Json& json, const Software& software) { json = Writer<Json>::value(software); }
void to_json(Json& json, const Training& training) { json = Writer<Json>::value(training); }
void to_json(Json& json, const Output& output) { json = Writer<Json>::value(output); }
void to_json(Json& json, const Outcome& outcome) { json = Writer<Json>::value(outcome); }
void to_json(Json& json, const Command& command) { json = Writer<Json>::value(command); }

void to_json(nlohmann::ordered_json& json, const RunDocument& document) {
  json = whole_document<nlohmann::ordered_json>(document);
}

void to_json(Json& json, const RunDocument& document) { json = whole_document<Json>(document); }

void from_json(const Json& json, RunDocument& document) {
  if (!json.is_object()) refuse("", json, "an object");
  document = {};
  Reader::read(format_of(json) == 1 ? from_first_format(json) : json, document, "");
}

}  // namespace lamella::record
