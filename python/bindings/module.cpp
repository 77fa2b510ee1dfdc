// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>

#include "bind_finetune.h"
#include "bind_search.h"
#include "call.h"
#include "values.h"

NB_MODULE(_core, module) {
  using namespace lamella::python;
  module.doc() = "lamella's C++ core.";
  module.def("version", [] { return LAMELLA_VERSION; });
  register_errors(module);
  bind_slide(module);
  bind_plan(module);
  bind_pictures(module);
  bind_patches(module);
  bind_encode(module);
  bind_train(module);
  bind_score(module);
  bind_study(module);
  bind_search(module);
  bind_convert(module);
  bind_made_models(module);
  bind_finetune(module);
}
