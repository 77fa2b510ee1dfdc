// SPDX-License-Identifier: Apache-2.0
// Frozen networks. An Encoder is one call: batch in, features out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/feature/feature.h"
#include "lamella/patch/patch_extractor.h"

namespace lamella::encoder {

// encoder.json, beside network.onnx. The network is one file (no external data): its hash covers
// all of its weights.
struct EncoderInfo {
  std::string name;  // letters, digits, '.', '_', '-'
  std::string folder;
  std::string source;
  std::string licence;
  std::string sha256;                          // of network.onnx; checked on loading
  int input_px = 0;                            // h = w
  std::string colour_order;                    // "rgb" or "bgr"
  std::vector<float> mean;                     // 3, of 0-255 values, in the order of colour_order:
  std::vector<float> std;                      // the network gets (x - mean) / std
  std::vector<std::string> outputs;            // names of outputs, concatenated in this order
  int dimension = 0;                           // d
  std::optional<double> recommended_mpp = {};  // µm/px the network was trained at, if it was
};

enum class Precision { kAuto, kF32, kBf16 };
std::string_view to_string(Precision precision);
// Error kInvalidArgument that names the valid ones.
Precision parse_precision(const std::string& text);

// One caller at a time.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual const EncoderInfo& info() const = 0;
  virtual Precision precision() const = 0;  // kF32 or kBf16: what is run
  virtual double compile_seconds() const = 0;
  // patches: n x input_px x input_px x 3 uint8 RGB; features: n x d, row-major. Any n; the
  // network runs on fixed batches, the last padded: the same bits for any split and thread count.
  // At most context.threads streams work. Error kInvalidArgument if a size is not as said;
  // kCorrupt if a feature is not finite (which patch of these n); kInterrupted.
  virtual void encode(std::span<const uint8_t> patches, int64_t n, std::span<float> features,
                      const Context& context) = 0;
};

// Reads encoder.json and checks the hash. Error kNotFound (a file is missing), kFormat (key, found,
// expected; unknown keys too), kMismatch (hash).
EncoderInfo read_encoder_info(const std::string& folder);

// `streams` inference streams of one thread each; the precision is resolve_precision's.
// Error kMismatch (the network's hash, input size or dimension is not the info's), kCorrupt (no
// ONNX that the engine can read), kUnsupported (other inputs or outputs than a picture in, vectors
// out).
std::unique_ptr<Encoder> load_encoder(const EncoderInfo& info, Precision precision, int streams);

// The processor has bf16 arithmetic (AVX-512 BF16 or AMX), as the engine sees it.
bool processor_has_bf16();
// kF32 or kBf16, what is run if `asked` is. kAuto: bf16 where the processor has it (lite0 runs
// twice as fast in it on AVX-512 BF16, measured), else f32. Error kUnsupported if bf16 is asked for
// and the processor lacks it.
Precision resolve_precision(Precision asked);
std::string inference_engine_version();  // "openvino 2026.4.1-..."

// Where encoders are looked for by name: $LAMELLA_ENCODERS (colon separated), then folders beside
// the program or Python module (../../encoders, ../share/lamella/encoders,
// share/lamella/encoders), then ./encoders.
std::vector<std::string> encoder_search_path();
// A folder, or the name of a folder on the search path, or the name in its encoder.json; the first
// found.
// Error kNotFound lists what there is and where it was looked for.
EncoderInfo find_encoder(const std::string& name_or_folder);
// Every encoder on the search path, sorted by name within each of its folders. A damaged one is an
// Error, as read_encoder_info's.
std::vector<EncoderInfo> list_encoders();

// The fingerprint written into FeatureMatrix::feature_space:
// "<name>/<sha256 of network>/<preprocessing>/<size_px>px@<mpp 4 digits>mpp" or "...@level<L>"
// where there is no mpp.
std::string feature_space(const EncoderInfo& info, const patch::PatchPlan& plan);

struct EncodeResult {
  feature::FeatureMatrix features;  // one row per plan row, in the plan's order
  std::vector<slide::RegionFailure> failures;
  double seconds = 0;  // without network compilation
};

// The verb encode. Patches are extracted while earlier ones are in the network, unless
// context.threads is 1. The features do not depend on threads, nor on the order of extraction.
// Error of the first tile that cannot be read, as Encoder::encode's, kInterrupted.
EncodeResult encode_patches(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                            Encoder& encoder, const Context& context);

}  // namespace lamella::encoder
