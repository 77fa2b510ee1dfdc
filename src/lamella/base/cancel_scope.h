// SPDX-License-Identifier: Apache-2.0
// Which token cancels what this thread does. Reading a byte range may wait for a network, and is
// far below any Context: a face says once, for its thread, by what its calls are cancelled, and
// parallel_for hands that on to its helpers.
#pragma once

#include "lamella/base/context.h"

namespace lamella {

class CancelScope {
 public:
  // Until the scope ends; scopes of a thread nest.
  explicit CancelScope(CancelToken token);
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  // The innermost scope's token; one that is never requested if there is none.
  static CancelToken current();

 private:
  CancelToken token_;
  const CancelScope* outer_;
};

}  // namespace lamella
