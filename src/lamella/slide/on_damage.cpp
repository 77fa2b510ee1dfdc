// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/on_damage.h"

namespace lamella::slide {

const OptionTable<DamageOptions>& DamageOptions::table() {
  static const auto kTable = OptionTable<DamageOptions>().choice(
      "on_damage", &DamageOptions::on_damage,
      {.help = "where a slide cannot be decoded: fail, or skip: patches are left out, named and "
               "counted; masks and pictures are white there"},
      {{"fail", OnDamage::kFail}, {"skip", OnDamage::kSkip}});
  return kTable;
}

bool is_damage(ErrorCode code) {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported ||
         code == ErrorCode::kLimit;
}

}  // namespace lamella::slide
