// SPDX-License-Identifier: Apache-2.0
#include "lamella/model/onnx_export.h"

#include <fmt/format.h>

#include <set>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/model/onnx_graph_internal.h"

namespace lamella::model {

namespace {

constexpr int64_t kMaxOnnxBytes = (int64_t{2} << 30) - (1 << 20);
// Numbers of fields: ModelProto, GraphProto, ValueInfoProto … of onnx.proto3.
constexpr int kModelProducer = 2, kModelProducerVersion = 3, kModelGraph = 7, kModelMetadata = 14;
constexpr int kGraphNode = 1, kGraphName = 2, kGraphInitializer = 5, kGraphInput = 11,
              kGraphOutput = 12;
constexpr int kTensorName = 8;

[[noreturn]] void unsupported(const Model& model, const std::string& message) {
  throw Error(ErrorCode::kUnsupported, message, model.encoder.folder);
}

std::string text_field(std::string_view message, int number) {
  for (const ProtoField& field : read_fields(message)) {
    if (field.number == number && field.type == 2) return std::string(field.bytes);
  }
  return "";
}

// What the graph calls the picture: its only input that is no constant.
std::string picture_name(const Model& model, const std::vector<ProtoField>& graph) {
  std::set<std::string> constants;
  for (const ProtoField& field : graph) {
    if (field.number == kGraphInitializer) constants.insert(text_field(field.bytes, kTensorName));
  }
  std::vector<std::string> inputs;
  for (const ProtoField& field : graph) {
    if (field.number != kGraphInput) continue;
    const std::string name = text_field(field.bytes, 1);
    if (!constants.contains(name)) inputs.push_back(name);
  }
  if (inputs.size() != 1) {
    unsupported(model,
                fmt::format("found the inputs '{}', expected one picture", join(inputs, "', '")));
  }
  return inputs.front();
}

// The picture's elements are float32 and its channels stand second: what add_before() makes.
bool takes_planes(std::string_view input) {
  constexpr int kValueType = 2, kTypeTensor = 1, kElement = 1, kShape = 2, kDimension = 1;
  const std::string type = text_field(input, kValueType);
  for (const ProtoField& tensor : read_fields(type)) {
    if (tensor.number != kTypeTensor) continue;
    std::vector<uint64_t> shape;
    bool is_float = false;
    for (const ProtoField& field : read_fields(tensor.bytes)) {
      if (field.number == kElement) {
        is_float = field.value == static_cast<uint64_t>(OnnxType::kFloat);
      }
      if (field.number != kShape) continue;
      for (const ProtoField& dimension : read_fields(field.bytes)) {
        if (dimension.number != kDimension) continue;
        uint64_t length = 0;  // open
        for (const ProtoField& value : read_fields(dimension.bytes)) {
          if (value.number == 1) length = value.value;
        }
        shape.push_back(length);
      }
    }
    return is_float && (shape.size() < 2 || shape[1] == 3 || shape[1] == 0);
  }
  return true;
}

// Adds the nodes before and after the encoder's. Names begin with "lamella." to be new ones.
class GraphMaker {
 public:
  explicit GraphMaker(const Model& model) : model_(model) {}

  // uint8 N x px x px x 3 -> what the network takes, under the name that it has for it.
  void add_before(const std::string& picture);
  // The encoder's outputs -> probability.
  void add_after();

  std::string nodes;        // encoded fields of the graph, in order
  std::string nodes_after;  // those that follow the encoder's
  std::string constants;

 private:
  void node(std::string& to, const std::string& op, const std::vector<std::string>& inputs,
            const std::string& output, const std::vector<OnnxAttribute>& attributes = {}) {
    ProtoWriter writer;
    writer.bytes(kGraphNode, onnx_node(op, inputs, output, attributes));
    to += writer.text();
  }
  template <typename T>
  std::string constant(const std::string& name, OnnxType type, const std::vector<int64_t>& dims,
                       const std::vector<T>& values) {
    ProtoWriter writer;
    writer.bytes(kGraphInitializer,
                 onnx_tensor("lamella." + name, type, dims, std::as_bytes(std::span(values))));
    constants += writer.text();
    return "lamella." + name;
  }
  std::string doubles(const std::string& name, const std::vector<double>& values,
                      std::vector<int64_t> dims = {}) {
    if (dims.empty()) dims = {static_cast<int64_t>(values.size())};
    return constant(name, OnnxType::kDouble, dims, values);
  }

  // "lamella.logit", N x vectors -> probability.
  void add_two_classes();
  void add_many_classes();

  const Model& model_;
};

void GraphMaker::add_before(const std::string& picture) {
  const encoder::EncoderInfo& info = model_.encoder;
  std::string at = "lamella.float";
  node(nodes, "Cast", {"patches"}, at,
       {{"to", {static_cast<int64_t>(OnnxType::kFloat)}, false, ""}});
  if (info.colour_order == "bgr") {
    node(nodes, "Gather", {at, constant<int64_t>("bgr", OnnxType::kInt64, {3}, {2, 1, 0})},
         "lamella.colours", {{"axis", {3}, false, ""}});
    at = "lamella.colours";
  }
  node(nodes, "Transpose", {at}, "lamella.planes", {{"perm", {0, 3, 1, 2}, true, ""}});
  at = "lamella.planes";
  if (exported_px(model_) < info.input_px) {
    const float factor =
        static_cast<float>(info.input_px) / static_cast<float>(exported_px(model_));
    node(nodes, "Resize",
         {at, constant<float>("roi", OnnxType::kFloat, {0}, {}),
          constant<float>("scales", OnnxType::kFloat, {4}, {1, 1, factor, factor})},
         "lamella.resized",
         {{"mode", {}, false, "linear"},
          {"coordinate_transformation_mode", {}, false, "half_pixel"}});
    // Patches are uint8 when the encoder sees them.
    node(nodes, "Add", {"lamella.resized", constant<float>("half", OnnxType::kFloat, {1}, {0.5F})},
         "lamella.raised");
    node(nodes, "Floor", {"lamella.raised"}, "lamella.rounded");
    at = "lamella.rounded";
  }
  node(nodes, "Sub", {at, constant("mean", OnnxType::kFloat, {1, 3, 1, 1}, info.mean)},
       "lamella.centred");
  node(nodes, "Div", {"lamella.centred", constant("std", OnnxType::kFloat, {1, 3, 1, 1}, info.std)},
       picture);
}

void GraphMaker::add_after() {
  const classifier::LinearModel& linear = model_.classifier;
  const auto d = linear.columns();
  const auto vectors = static_cast<int64_t>(linear.biases.size());
  std::string& to = nodes_after;
  std::vector<std::string> outputs;
  for (const encoder::OutputInfo& output : model_.encoder.outputs) outputs.push_back(output.name);
  node(to, "Concat", outputs, "lamella.features", {{"axis", {1}, false, ""}});
  // In double, as lamella itself.
  node(to, "Cast", {"lamella.features"}, "lamella.wide",
       {{"to", {static_cast<int64_t>(OnnxType::kDouble)}, false, ""}});
  node(to, "Sub", {"lamella.wide", doubles("feature_mean", linear.mean)}, "lamella.shifted");
  node(to, "Div", {"lamella.shifted", doubles("feature_scale", linear.scale)},
       "lamella.standardised");
  std::vector<double> columns;  // d x vectors
  for (int64_t j = 0; j < d; ++j) {
    for (int64_t k = 0; k < vectors; ++k) {
      columns.push_back(linear.weights[static_cast<size_t>(k * d + j)]);
    }
  }
  node(to, "MatMul", {"lamella.standardised", doubles("weights", columns, {d, vectors})},
       "lamella.weighted");
  node(to, "Add", {"lamella.weighted", doubles("bias", linear.biases)}, "lamella.logit");
  node(to, "Mul", {"lamella.logit", doubles("slope", {linear.calibration.slope})},
       "lamella.sloped");
  node(to, "Add", {"lamella.sloped", doubles("intercept", {linear.calibration.intercept})},
       "lamella.calibrated");
  if (vectors == 1) {
    add_two_classes();
  } else {
    add_many_classes();
  }
}

void GraphMaker::add_two_classes() {
  std::string& to = nodes_after;
  node(to, "Sigmoid", {"lamella.calibrated"}, "lamella.sigmoid");
  node(to, "Cast", {"lamella.sigmoid"}, "lamella.second",
       {{"to", {static_cast<int64_t>(OnnxType::kFloat)}, false, ""}});
  node(to, "Sub", {constant<float>("one", OnnxType::kFloat, {1}, {1}), "lamella.second"},
       "lamella.first");
  node(to, "Concat", {"lamella.first", "lamella.second"}, "probability",
       {{"axis", {1}, false, ""}});
}

void GraphMaker::add_many_classes() {
  std::string& to = nodes_after;
  node(to, "Softmax", {"lamella.calibrated"}, "lamella.softmax", {{"axis", {1}, false, ""}});
  node(to, "Cast", {"lamella.softmax"}, "probability",
       {{"to", {static_cast<int64_t>(OnnxType::kFloat)}, false, ""}});
}

std::string make_graph(const Model& model, std::string_view encoded) {
  const std::vector<ProtoField> old = read_fields(encoded);
  GraphMaker maker(model);
  const std::string picture = picture_name(model, old);
  maker.add_before(picture);
  maker.add_after();
  const int64_t px = exported_px(model);

  ProtoWriter graph;
  graph.bytes(kGraphName, "lamella");
  graph.raw(maker.nodes);
  for (const ProtoField& field : old) {
    if (field.number == kGraphNode) graph.raw(field.encoded);
  }
  graph.raw(maker.nodes_after);
  graph.raw(maker.constants);
  for (const ProtoField& field : old) {
    const bool replaced = field.number == kGraphNode || field.number == kGraphName ||
                          field.number == kGraphOutput ||
                          (field.number == kGraphInput && text_field(field.bytes, 1) == picture);
    if (!replaced) graph.raw(field.encoded);
  }
  graph.bytes(kGraphInput, onnx_value("patches", OnnxType::kUint8, {-1, px, px, 3}));
  graph.bytes(kGraphOutput,
              onnx_value("probability", OnnxType::kFloat, {-1, model.classifier.classes.count()}));
  return graph.take();
}

// False where the network's picture is not what add_before() makes.
bool network_takes_planes(const Model& model, const std::string& network) {
  for (const ProtoField& part : read_fields(network)) {
    if (part.number != kModelGraph || part.type != 2) continue;
    const std::vector<ProtoField> graph = read_fields(part.bytes);
    const std::string picture = picture_name(model, graph);
    for (const ProtoField& field : graph) {
      const bool is_picture = field.number == kGraphInput && text_field(field.bytes, 1) == picture;
      if (is_picture && !takes_planes(field.bytes)) return false;
    }
  }
  return true;
}

std::string metadata_entry(const std::string& key, const std::string& value) {
  ProtoWriter entry;
  entry.bytes(1, "lamella." + key);
  entry.bytes(2, value);
  return entry.take();
}

void add_metadata(const Model& model, ProtoWriter& writer) {
  const auto add = [&](const std::string& key, const std::string& value) {
    writer.bytes(kModelMetadata, metadata_entry(key, value));
  };
  add("name", model.name);
  add("patch_px", std::to_string(exported_px(model)));
  if (model.effective_mpp) {
    // µm per px of the exported network's patches.
    add("mpp", format_double(*model.effective_mpp * model.spec.size_px / exported_px(model)));
  }
  add("encoder", model.encoder.name);
  add("encoder_sha256", model.encoder.sha256);
  add("feature_space", model.classifier.feature_space);
  add("classes", join(model.classifier.classes.names, ","));
}

std::optional<std::string> why_not_exported(const Model& model, const std::string& network) {
  if (model.classifier.columns() != model.encoder.dimension) {
    return fmt::format(
        "the classifier takes {} numbers, the encoder gives {}; such a model cannot "
        "be one network",
        model.classifier.columns(), model.encoder.dimension);
  }
  if (model.encoder.views != std::vector<double>{1}) {
    return fmt::format(
        "the encoder '{}' sees more of the slide than a patch; one network takes the "
        "patch alone",
        model.encoder.name);
  }
  for (const encoder::OutputInfo& output : model.encoder.outputs) {
    if (output.pooling != encoder::Pooling::kNone) {
      return fmt::format("the output '{}' of the encoder '{}' is pooled outside its network",
                         output.name, model.encoder.name);
    }
  }
  try {
    if (!network_takes_planes(model, network)) {
      return fmt::format(
          "the encoder '{}' takes uint8 or has its channels last; only float32 with "
          "the channels second can be exported",
          model.encoder.name);
    }
  } catch (const Error&) {
    // Exporting says what is wrong with the file.
  }
  return {};
}

std::string network_path(const Model& model) { return model.encoder.folder + "/network.onnx"; }

std::string read_network(const Model& model) {
  return io::read_text_file(network_path(model), kMaxOnnxBytes);
}

}  // namespace

int exported_px(const Model& model) { return std::min(model.spec.size_px, model.encoder.input_px); }

std::optional<std::string> why_not_exported(const Model& model) {
  return why_not_exported(model, io::exists(network_path(model)) ? read_network(model) : "");
}

std::string export_onnx(const Model& model) {
  OnnxExport made = try_export_onnx(model);
  if (made.why_not) unsupported(model, *made.why_not);
  return std::move(made.bytes);
}

void add_onnx_metadata(std::string& onnx, const std::map<std::string, std::string>& entries) {
  ProtoWriter writer;
  for (const auto& [key, value] : entries) {
    writer.bytes(kModelMetadata, metadata_entry(key, value));
  }
  onnx += writer.text();
}

OnnxExport try_export_onnx(const Model& model) {
  const std::string path = network_path(model);
  const std::string network = read_network(model);
  if (auto reason = why_not_exported(model, network)) return {"", std::move(reason)};
  ProtoWriter file;
  bool has_graph = false;
  try {
    for (const ProtoField& field : read_fields(network)) {
      if (field.number == kModelGraph && field.type == 2) {
        file.bytes(kModelGraph, make_graph(model, field.bytes));
        has_graph = true;
      } else if (field.number != kModelProducer && field.number != kModelProducerVersion &&
                 field.number != kModelMetadata) {
        file.raw(field.encoded);
      }
    }
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), path);
  }
  if (!has_graph) throw Error(ErrorCode::kCorrupt, "has no graph, expected an ONNX file", path);
  file.bytes(kModelProducer, "lamella");
  file.bytes(kModelProducerVersion, LAMELLA_VERSION);
  add_metadata(model, file);
  if (static_cast<int64_t>(file.text().size()) > kMaxOnnxBytes) {
    throw Error(ErrorCode::kLimit, "an ONNX file holds at most 2 GiB", path);
  }
  return {file.take(), {}};
}

}  // namespace lamella::model
