// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/io/address.h"
#include "lamella/io/byte_source.h"
#include "lamella/study/run_state_internal.h"

namespace lamella::study {

namespace {

std::string place(const cohort::SlideEntry& entry) {
  return fmt::format("'{}' ({}, line {})", entry.slide_id, to_string(entry.role), entry.line);
}

// The fingerprint takes samples; only the whole content tells that two files are the same.
bool same_content(const SlideWork& one, const SlideWork& other) {
  if (one.entry.path == other.entry.path) return true;
  // Of objects the fingerprint has what the store says of their content, too.
  if (io::is_address(one.entry.path) && io::is_address(other.entry.path)) return true;
  try {
    return io::file_sha256(one.entry.path) == io::file_sha256(other.entry.path);
  } catch (const Error&) {  // one is gone since; the steps that need its pixels say so
    return false;
  }
}

}  // namespace

void refuse_same_slides(const RunState& state) {
  std::map<std::string, std::vector<const SlideWork*>> seen;
  for (const SlideWork& work : state.works) {
    if (!work.alive() || work.entry.role == cohort::Role::kScore) continue;
    state.context.cancel.check();
    std::vector<const SlideWork*>& like = seen[work.slide->info.fingerprint];
    for (const SlideWork* other : like) {
      if (!same_content(*other, work)) continue;
      const std::string both =
          fmt::format("slides {} and {} are the same file", place(other->entry), place(work.entry));
      throw Error(ErrorCode::kMismatch,
                  both + (other->entry.role != work.entry.role
                              ? "; a model must not be judged by a slide that it learned from"
                              : "; it would count twice: give each slide once"),
                  state.study.slides_table);
    }
    like.push_back(&work);
  }
}

}  // namespace lamella::study
