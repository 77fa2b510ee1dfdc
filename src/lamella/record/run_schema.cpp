// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/record/run_json.h"
#include "lamella/record/run_members_internal.h"

namespace lamella::record {

namespace {

using Json = nlohmann::ordered_json;

class SchemaMaker {
 public:
  SchemaMaker()
      : schema_({{"type", "object"},
                 {"properties", Json::object()},
                 {"required", Json::array()},
                 {"additionalProperties", false}}) {}

  template <typename T>
  void operator()(const char* name, const T& member, const char* help, How how = How::kPlain) {
    Json& property = schema_["properties"][name];
    if constexpr (kIsOptional<T>) {
      property = of(typename T::value_type{});
    } else {
      property = of(member);
    }
    if (how == How::kNull) {
      Json& numbers = property.contains("items") ? property["items"] : property;
      numbers["type"] = {numbers["type"], "null"};
    }
    property["description"] = help;
    if (how == How::kIfAny || (kIsOptional<T> && how != How::kNull)) return;
    schema_["required"].push_back(name);
  }

  template <typename T>
  static Json of(const T& example) {
    if constexpr (Described<T>) {
      SchemaMaker maker;
      describe(maker, example);
      return maker.schema_;
    } else if constexpr (Map<T>) {
      return {{"type", "object"}, {"additionalProperties", of(typename T::mapped_type{})}};
    } else if constexpr (std::same_as<T, std::array<double, 2>>) {
      return {{"type", "array"}, {"items", {{"type", "number"}}}, {"minItems", 2}, {"maxItems", 2}};
    } else if constexpr (List<T>) {
      return {{"type", "array"}, {"items", of(typename T::value_type{})}};
    } else {
      return plain(example);
    }
  }

 private:
  static Json plain(const std::string&) { return {{"type", "string"}}; }
  static Json plain(bool) { return {{"type", "boolean"}}; }
  static Json plain(double) { return {{"type", "number"}}; }
  static Json plain(int64_t) { return {{"type", "integer"}}; }
  static Json plain(uint64_t) { return {{"type", "integer"}, {"minimum", 0}}; }
  static Json plain(const Options&) { return {{"type", "object"}}; }
  static Json plain(const evaluation::ClassMetrics&) { return evaluation::class_metrics_schema(); }
  static Json plain(Status) {
    return {{"type", "string"}, {"enum", {"RUNNING", "FINISHED", "FAILED", "KILLED"}}};
  }

  Json schema_;
};

}  // namespace

Json run_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "run.json of lamella"}};
  Json members = SchemaMaker::of(RunDocument{});
  members["properties"]["format"] = {{"const", kRecordFormat},
                                     {"description", "of this shape; it goes up when it changes"}};
  members["required"].push_back("format");
  schema.update(members);
  return schema;
}

}  // namespace lamella::record
