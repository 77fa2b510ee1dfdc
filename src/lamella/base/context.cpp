// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/context.h"

#include "lamella/base/error.h"

namespace lamella {

void CancelToken::check() const {
  if (requested()) throw Error(ErrorCode::kInterrupted, "interrupted");
}

}  // namespace lamella
