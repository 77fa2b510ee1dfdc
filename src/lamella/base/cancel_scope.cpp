// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/cancel_scope.h"

#include <utility>

namespace lamella {

namespace {
thread_local const CancelScope* innermost = nullptr;
}  // namespace

CancelScope::CancelScope(CancelToken token) : token_(std::move(token)), outer_(innermost) {
  innermost = this;
}

CancelScope::~CancelScope() { innermost = outer_; }

CancelToken CancelScope::current() { return innermost ? innermost->token_ : CancelToken(); }

}  // namespace lamella
