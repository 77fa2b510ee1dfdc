// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

namespace lamella::python {

void bind_finetune(nanobind::module_& module);

}  // namespace lamella::python
