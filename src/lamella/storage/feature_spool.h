// SPDX-License-Identifier: Apache-2.0
// Features on their way to a feature file: rows are kept in <path>.part as they are made, so that a
// killed process loses at most kSpoolRows of them, and memory does not grow with the slide.
//
// The file: a header with the key, then pieces {tag, n, n row numbers, n x d float32, SHA-256 of
// header and piece}, each synced. Pieces hold any rows in any order: what they become does not
// depend on how they were cut. This machine's byte order; never moved between machines.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lamella/slide/region_reader.h"
#include "lamella/storage/storage.h"

namespace lamella::storage {

inline constexpr int64_t kSpoolRows = 4096;
inline constexpr std::chrono::seconds kSpoolInterval{20};  // of slow encoders

class FeatureSpool {
 public:
  // Goes on with <path>.part if it bears this key and shape, up to its last whole piece; the rest
  // of it, or one of another key, is dropped. One process at a time. Makes the folder.
  // Error kIo (held by another process, or it cannot be written).
  FeatureSpool(std::string path, const std::string& key, int64_t rows, int64_t columns);
  ~FeatureSpool();
  FeatureSpool(const FeatureSpool&) = delete;
  FeatureSpool& operator=(const FeatureSpool&) = delete;

  // By row: it is there. Those that have been added but not yet written, too.
  const std::vector<uint8_t>& done() const { return done_; }
  int64_t rows_done() const { return rows_done_; }

  // Adds rows; writes a piece when kSpoolRows are reached or kSpoolInterval has passed.
  // Error kIo: what was written before stays.
  void add(std::span<const uint32_t> rows, std::span<const float> values);
  // Writes what has been added so far.
  void flush();
  // Throws all of it away; only destruction may follow.
  void discard();

  // Puts the feature file together in the plan's order and removes the spool. The rows that are
  // left out are named by the file's plan (patch::without_left_out).
  // Error kInternal if another row is missing; kCorrupt if all are left out; those of
  // write_features.
  struct Meaning {
    std::string feature_space, precision;
    FeatureType type = FeatureType::kFloat32;
  };
  void finish(const patch::PatchPlan& plan, const Meaning& meaning, const std::string& key,
              const std::vector<slide::RegionFailure>& left_out = {});

 private:
  void open();
  int64_t read_pieces();
  bool read_piece(int64_t offset, int64_t size, int64_t* end);
  void write_piece();
  void fill(int64_t first, std::span<float> out) const;
  void note(uint32_t row, int64_t offset);
  int64_t row_bytes() const { return columns_ * static_cast<int64_t>(sizeof(float)); }

  std::string path_, part_, header_;
  int64_t columns_ = 0;
  int file_ = -1;
  int64_t end_ = 0;  // of the last whole piece
  std::vector<uint8_t> done_;
  std::vector<int64_t> place_;  // by row: offset of its values
  int64_t rows_done_ = 0;
  std::vector<uint32_t> rows_;  // added, not yet written
  std::vector<float> values_;
  std::chrono::steady_clock::time_point last_written_;
};

// Removes what an encoding left beside `path`, unless a process is at it.
void drop_spool(const std::string& path);
// The same for all feature files of `folder` but those named here.
void drop_other_spools(const std::string& folder, const std::set<std::string>& kept);

}  // namespace lamella::storage
