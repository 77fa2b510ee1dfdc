// SPDX-License-Identifier: Apache-2.0
// What becomes of the parts of a slide that cannot be decoded: one option for whatever reads
// pixels.
#pragma once

#include "lamella/base/error.h"
#include "lamella/base/option.h"

namespace lamella::slide {

enum class OnDamage { kFail, kSkip };

struct DamageOptions {
  OnDamage on_damage = OnDamage::kFail;
  bool skips() const { return on_damage == OnDamage::kSkip; }
  static const OptionTable<DamageOptions>& table();
};

// The error tells of the bytes that are stored, not of reading them: trying again will not help.
bool is_damage(ErrorCode code);

}  // namespace lamella::slide
