// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lamella::io {

// Reads that were announced (ByteSource::plan_reads); what it holds is let go with it. It must not
// outlive its source.
class ReadPlan {
 public:
  virtual ~ReadPlan() = default;
};

}  // namespace lamella::io
