// SPDX-License-Identifier: Apache-2.0
// Frozen networks. An Encoder is one call: batch in, features out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/error.h"
#include "lamella/feature/feature.h"
#include "lamella/patch/patch_extractor.h"

namespace lamella::encoder {

// What one vector is made of, of one output of the network.
enum class Pooling {
  kNone,               // [N, d]: the vector itself
  kMeanOfMap,          // [N, c, h, w] or, where the network's layout is nhwc, [N, h, w, c]: mean
                       // over h and w
  kClassToken,         // [N, t, d]: the first token
  kMeanOfTokens,       // [N, t, d]: mean of all tokens but the first prefix_tokens
  kClassTokenAndMean,  // [N, t, d]: both, 2 d numbers
};
// Names as in encoder.json.
std::string_view to_string(Pooling pooling);
std::vector<std::string> pooling_names();
std::optional<Pooling> find_pooling(const std::string& name);

struct OutputInfo {
  std::string name;
  Pooling pooling = Pooling::kNone;
  bool operator==(const OutputInfo&) const = default;
};

// The float network that an int8 one was made of, which need not be on this machine.
struct Origin {
  std::string name, sha256;
};

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
  std::vector<OutputInfo> outputs;             // concatenated in this order
  int prefix_tokens = 1;                       // that stand before those of the picture's parts
  std::vector<double> views = {1};             // fields of view, in sides of the patch; the
                                               // features of each, one after another
  int dimension = 0;                           // d, of all outputs and views
  std::optional<double> recommended_mpp = {};  // µm/px the network was trained at, if it was
  bool int8 = false;                           // a network quantized to 8-bit whole numbers
  std::map<std::string, double> quality = {};  // measured when it was quantized; for the record
  std::optional<Origin> made_from = {};        // of an int8 one
};

enum class Precision { kAuto, kF32, kBf16, kInt8 };
std::string_view to_string(Precision precision);
// Each with its name, for tables of options.
std::vector<std::pair<std::string, Precision>> precision_choices();
// Error kInvalidArgument that names the valid ones.
Precision parse_precision(const std::string& text);

// kCorrupt, of the patch `patch` among the n of a call.
class NonFiniteFeature : public Error {
 public:
  NonFiniteFeature(int64_t patch, int64_t n, const std::string& message, const std::string& path);
  int64_t patch() const { return patch_; }
  // Without "patch i of n".
  const std::string& reason() const { return reason_; }

 private:
  int64_t patch_;
  std::string reason_;
};

// One caller at a time.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual const EncoderInfo& info() const = 0;
  virtual Precision precision() const = 0;  // what is run; never kAuto
  virtual double compile_seconds() const = 0;
  // The float network that this int8 one was made of, in f32; loaded when it is first asked for.
  // Null if this is not int8, or that network is not here (find_origin).
  virtual Encoder* reference() { return nullptr; }
  // patches: n x v x input_px x input_px x 3 uint8 RGB, v the info's views; features: n x d,
  // row-major. Any n; the network runs on fixed batches, the last padded: the same bits for any
  // split and thread count.
  // At most context.threads streams work. Error kInvalidArgument if a size is not as said;
  // NonFiniteFeature; kInterrupted.
  virtual void encode(std::span<const uint8_t> patches, int64_t n, std::span<float> features,
                      const Context& context) = 0;
};

// The network's part of a feature space: "<name>/<sha256 of network>/<preprocessing>".
std::string network_space(const EncoderInfo& info);

// Reads encoder.json and checks the hash. Error kNotFound (a file is missing), kFormat (key, found,
// expected; unknown keys too), kMismatch (hash).
EncoderInfo read_encoder_info(const std::string& folder);

// Writes encoder.json and network.onnx (info.sha256 is set from its bytes; info.folder is not
// looked at) into a folder that must not exist or be empty, and reads it again.
// Error kInvalidArgument (the folder, or what encoder.json could not say), kIo.
EncoderInfo write_encoder(EncoderInfo info, std::string_view network, const std::string& folder);

// The encoder with other fields of view, as a folder of its own beneath `folder`: "lite0-views1-2".
// One that is there already is taken; the encoder itself where the views are its own. Error
// kInvalidArgument: no views, too many, one outside 0.125 to 16 sides; another encoder in the way.
EncoderInfo encoder_with_views(const EncoderInfo& info, const std::vector<double>& views,
                               const std::string& folder);

struct ImportedEncoder {
  EncoderInfo info;
  bool takes_pixels = false;  // the network's input is uint8: no preprocessing
};

// A folder from any ONNX file; weights that lie in files beside it are taken into it, so that the
// sha256 covers them. Of `wanted`, what is left open is found out: input_px, outputs and
// their pooling where there is no choice; always dimension and sha256.
// Error kInvalidArgument (several outputs and none chosen: lists them with their shapes; a size
// that must be given; the folder exists; a mean and a std by which the network would get absurd
// values), kUnsupported, kMismatch, kCorrupt as load_encoder's.
ImportedEncoder import_encoder(const std::string& onnx_path, EncoderInfo wanted,
                               const std::string& folder);

// Least cosine between rows of d numbers of a and b; rows of zeros in both are left out.
double least_cosine(std::span<const float> a, std::span<const float> b, int64_t d);

// What `encoder check` found: the encoder has run on made-up patches.
struct EncoderCheck {
  Precision precision = Precision::kF32;
  int64_t patches = 0;
  double compile_seconds = 0;
  double patches_per_second = 0;
  bool same_bits = false;    // for 1 and `streams` streams, and any split
  double spread = 0;         // largest over columns of the features' standard deviation; 0: it does
                             // not see its input
  double cosine_to_f32 = 1;  // least, where it is run in bf16
};
// Error as load_encoder's and Encoder::encode's.
EncoderCheck check_encoder(const EncoderInfo& info, Precision precision, const Context& context);

// `streams` inference streams of one thread each; the precision is resolve_precision's.
// Error kMismatch (the network's hash, input size or dimension is not the info's), kCorrupt (no
// ONNX that the engine can read), kUnsupported (an operator that the engine lacks, by name; other
// inputs or outputs than a picture in, vectors out).
std::unique_ptr<Encoder> load_encoder(const EncoderInfo& info, Precision precision, int streams);

// The processor has bf16 arithmetic (AVX-512 BF16 or AMX), as the engine sees it.
bool processor_has_bf16();
// What is run if `asked` is. An int8 network: kInt8. Any other, kAuto: bf16 where the processor has
// it (lite0 runs twice as fast in it on AVX-512 BF16, measured), else f32. Error kUnsupported if
// bf16 is asked for and the processor lacks it; kInvalidArgument if int8 is asked of a network that
// is not, or f32 or bf16 of one that is.
Precision resolve_precision(Precision asked, const EncoderInfo& info);
std::string inference_engine_version();  // "openvino 2026.4.1-..."

// Where encoders are looked for by name: $LAMELLA_ENCODERS (colon separated), then folders beside
// the program or Python module (../../encoders, ../share/lamella/encoders,
// share/lamella/encoders), then ./encoders.
std::vector<std::string> encoder_search_path();
// A folder, or the name of a folder on the search path, or the name in its encoder.json; the first
// found.
// Error kNotFound lists what there is and where it was looked for.
EncoderInfo find_encoder(const std::string& name_or_folder);
// Where info.made_from is: by its hash, in the folders beside info.folder, then on the search path.
std::optional<EncoderInfo> find_origin(const EncoderInfo& info);
// Every encoder on the search path, sorted by name within each of its folders. A damaged one is an
// Error, as read_encoder_info's.
std::vector<EncoderInfo> list_encoders();

// The fingerprint written into FeatureMatrix::feature_space:
// "<name>/<sha256 of network>/<preprocessing>/<size_px>px@<mpp 4 digits>mpp" or "...@level<L>"
// where there is no mpp. Pooling and views are part of the preprocessing where they are not the
// usual ones.
std::string feature_space(const EncoderInfo& info, const patch::PatchPlan& plan);

// Gets features as they are made: row numbers of the plan, and n x d numbers.
using TakeFeatures =
    std::function<void(std::span<const uint32_t> rows, std::span<const float> features)>;

struct StreamOptions {
  std::span<const uint8_t> done = {};  // by row: its feature is there already; empty: none is
  slide::OnDamage on_damage = slide::OnDamage::kFail;
};

struct StreamResult {
  std::vector<slide::RegionFailure> failures;  // left out, by row of the plan (kSkip)
  double seconds = 0;                          // without network compilation
};

// The verb encode, for a plan of any length: features are not kept, but given to `take` (in the
// caller's thread) in the order of extraction, at most 256 rows at a time.
// Patches are extracted while earlier ones are in the network, unless context.threads is 1. The
// features do not depend on threads, on the order of extraction, nor on what is done already.
// Error of the first tile that cannot be read, unless it is left out; as Encoder::encode's
// (kCorrupt names the position of the patch whose feature is not finite); take's; kInterrupted.
StreamResult stream_features(std::shared_ptr<const slide::Slide> slide,
                             const patch::PatchPlan& plan, Encoder& encoder,
                             const StreamOptions& options, const TakeFeatures& take,
                             const Context& context);

struct EncodeResult {
  feature::FeatureMatrix features;  // one row per plan row, in the plan's order
  double seconds = 0;               // without network compilation
};

// The same with all features in memory. Errors: those of stream_features.
EncodeResult encode_patches(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                            Encoder& encoder, const Context& context);

}  // namespace lamella::encoder
