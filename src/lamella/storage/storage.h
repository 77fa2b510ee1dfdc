// SPDX-License-Identifier: Apache-2.0
// The core's tables on disk. Every file is written atomically and carries `key`, the hash of its
// inputs and options: a file is reused only if the key stored in it matches.
// Errors: kNotFound, kCorrupt (not such a file, or a field is missing: which), kIo.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/feature/feature.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/io/text_file.h"
#include "lamella/patch/patch_plan.h"

namespace lamella::storage {

// TRIDENT's layout (coords N x 2 int64 with its attributes) plus label, tissue_fraction, the plan's
// geometry and the names of its classes. Error kUnsupported: labels of an older lamella, which had
// no names; a newer format.
void write_plan(const patch::PatchPlan& plan, const std::string& key, const std::string& path);
patch::PatchPlan read_plan(const std::string& path);
// The same as bytes, made and read in memory, for plans that travel. Errors name `name`.
std::string plan_to_bytes(const patch::PatchPlan& plan, const std::string& key = {});
patch::PatchPlan plan_from_bytes(std::string_view bytes,
                                 const std::string& name = "the bytes of a plan");

// Features with the plan they belong to: features N x d (chunked, compressed), coords,
// label, feature_space.
struct FeatureFile {
  patch::PatchPlan plan;
  feature::FeatureMatrix features;
};
// How features are stored; they are float32 when read. float16 halves the file, and keeps 11 bits
// of each number.
enum class FeatureType { kFloat32, kFloat16 };
std::string_view to_string(FeatureType type);
// Error kInvalidArgument that names the valid ones.
FeatureType parse_feature_type(const std::string& text);

// Error kLimit (row, column) for a number beyond 65504 as float16.
void write_features(const FeatureFile& file, const std::string& key, const std::string& path,
                    FeatureType type = FeatureType::kFloat32);
FeatureFile read_features(const std::string& path);
std::string features_to_bytes(const FeatureFile& file, const std::string& key = {});
FeatureFile features_from_bytes(std::string_view bytes,
                                const std::string& name = "the bytes of features");

// A feature file read a few rows at a time, so that memory does not grow with the slide.
class FeatureReader {
 public:
  explicit FeatureReader(const std::string& path);
  ~FeatureReader();
  FeatureReader(const FeatureReader&) = delete;
  FeatureReader& operator=(const FeatureReader&) = delete;
  const patch::PatchPlan& plan() const;
  int64_t columns() const;
  const std::string& feature_space() const;
  const std::string& precision() const;
  FeatureType type() const;  // as they are stored
  // Rows [first, first + count). Error kCorrupt.
  feature::FeatureMatrix read(int64_t first, int64_t count) const;
  // The same as they are stored, n x d; of float16 alone.
  std::vector<uint16_t> read_halves(int64_t first, int64_t count) const;

 private:
  struct State;
  explicit FeatureReader(std::unique_ptr<State> state);
  friend FeatureFile features_from_bytes(std::string_view bytes, const std::string& name);
  std::unique_ptr<State> state_;
};
FeatureFile read_all(const FeatureReader& reader);
// Reads every row once, so that damage (the chunks bear checksums) is found before it is met in the
// middle of the work. Error kCorrupt.
void require_readable(const FeatureReader& reader);

// The key of a piece; nullopt if there is no readable file with one. HDF5 files hold theirs, all
// others have it in <path>.key beside them.
std::optional<std::string> read_key(const std::string& path);
// Writes <path>.key; call it when `path` is complete, and drop_key before it is written anew, so
// that a key never stands beside another piece than its own.
void write_key(const std::string& key, const std::string& path);
void drop_key(const std::string& path);

// WSInfer's CSV: minx,miny,width,height and prob_<Class> of each class, level-0 px. <path>.json
// beside it says which slide was scored, and which of its patches could not be. Reading takes any 2
// to 64 classes, columns in any order and among others (left out, and noted), and files without a
// .json (of other programs).
void write_scores(const patch::PatchPlan& plan, const feature::ScoreMatrix& scores,
                  const std::string& key, const std::string& path);
heatmap::ScoredPatches read_scores(const std::string& path, io::Notes notes = nullptr);
// The same of any program's table: width and height may be missing (both are 0 then), and a single
// column prob_<Class> stands for that class beside "other", whose probability is the rest.
heatmap::ScoredPatches read_any_scores(const std::string& path, io::Notes notes = nullptr);
// What the rows of scores are checked against: a table minx,miny,label and, where it is of several
// slides, slide_id; columns in any order and among others (left out, and noted). A label is the
// name of a class. A plan for each slide, without geometry; `slide_id` is that of a table without
// the column. Error kFormat (file, line, column): no number, an empty or unknown label.
std::vector<patch::PatchPlan> read_label_table(const std::string& path, const std::string& slide_id,
                                               const ClassTable& classes,
                                               io::Notes notes = nullptr);

}  // namespace lamella::storage
