// SPDX-License-Identifier: Apache-2.0
// Frozen networks. An Encoder is one call: batch in, features out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/feature/feature.h"
#include "lamella/patch/patch_extractor.h"

namespace lamella::encoder {

// encoder.json, beside network.onnx.
struct EncoderInfo {
  std::string name;
  std::string folder;
  std::string source;
  std::string licence;
  std::string sha256;              // of network.onnx; checked on loading
  int input_px = 0;                // h = w
  std::string colour_order;        // "rgb" or "bgr"
  std::vector<float> mean;         // 3, of 0-255 values: (x - mean) / std before the network
  std::vector<float> std;          // 3
  std::vector<std::string> outputs;  // names of outputs, concatenated in this order
  int dimension = 0;               // d
};

enum class Precision { kAuto, kF32, kBf16 };
std::string_view to_string(Precision precision);
// Error kInvalidArgument that names the valid ones.
Precision parse_precision(const std::string& text);

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual const EncoderInfo& info() const = 0;
  virtual Precision precision() const = 0;       // kF32 or kBf16: what is run
  virtual double compile_seconds() const = 0;
  // patches: n x input_px x input_px x 3 uint8 RGB; features: n x d, row-major. Any n; the
  // network runs on fixed batches, the last padded: the same bits for any split and thread count.
  // Error kInternal/kCorrupt if a feature is not finite (which patch).
  virtual void encode(std::span<const uint8_t> patches, int64_t n, std::span<float> features,
                      const Context& context) = 0;
};

// Reads encoder.json and checks the hash. Error kNotFound, kFormat, kMismatch (hash), kUnsupported.
EncoderInfo read_encoder_info(const std::string& folder);

// `streams` inference streams of one thread each. Precision kAuto: bf16 where the processor has
// it, else f32. Error kUnsupported if bf16 is asked for and the processor lacks it.
std::unique_ptr<Encoder> load_encoder(const EncoderInfo& info, Precision precision, int streams);
bool processor_has_bf16();
std::string inference_engine_version();

// Where encoders are looked for by name: $LAMELLA_ENCODERS (colon separated), then folders beside
// the program (../../encoders, ../share/lamella/encoders), then ./encoders.
std::vector<std::string> encoder_search_path();
// A name or a folder. Error kNotFound lists what there is and where it was looked for.
EncoderInfo find_encoder(const std::string& name_or_folder);
std::vector<EncoderInfo> list_encoders();

// The fingerprint written into FeatureMatrix::feature_space:
// "<name>/<sha256 of network>/<preprocessing>/<size_px>px@<mpp 4 digits>mpp" or "...@level<L>"
// where there is no mpp.
std::string feature_space(const EncoderInfo& info, const patch::PatchPlan& plan);

struct EncodeResult {
  feature::FeatureMatrix features;  // one row per plan row, in the plan's order
  std::vector<slide::RegionFailure> failures;
  double seconds = 0;               // without network compilation
};

// The verb encode.
EncodeResult encode_patches(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                            Encoder& encoder, const Context& context);

}  // namespace lamella::encoder
