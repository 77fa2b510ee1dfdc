// SPDX-License-Identifier: Apache-2.0
// Reading run records: one, or all beneath a folder.
#pragma once

#include <string>
#include <vector>

#include "lamella/record/run_document.h"

namespace lamella::record {

// run.json of the folder as it is on disk, but with status KILLED (and no end time) where it says
// RUNNING and its process is gone: nobody holds the folder's lock.
// Error kNotFound (no run.json), kCorrupt (not a run record: what is wrong with it), kUnsupported
// (the record of a newer version), kIo.
RunDocument read_run(const std::string& folder);

struct FoundRun {
  std::string folder;
  RunDocument document;
};

struct FoundRuns {
  std::vector<FoundRun> runs;           // oldest first
  std::vector<std::string> unreadable;  // why, each with its path; the others are still listed
};

// All records <...>/runs/<run_id>/run.json beneath the folder, which may be a study's output, its
// runs folder, or one that holds several outputs (down to `kDepth` folders). Their lists (slides,
// inputs, history …) and details (curves) are not read: they are empty.
// Error kNotFound if there is no such folder.
inline constexpr int kDepth = 4;
FoundRuns find_runs(const std::string& folder, int threads);

// The folder of a run: a path to its folder or run.json, or an id (or the only id that begins so)
// beneath `folder`. Error kNotFound (with the nearest), kInvalidArgument (several begin so).
std::string find_run(const std::string& id_or_path, const std::string& folder);

// A path of the record, which is relative to the folder in which lamella was run.
std::string recorded_path(const RunDocument& document, const std::string& path);

}  // namespace lamella::record
