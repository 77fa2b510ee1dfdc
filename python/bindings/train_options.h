// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <string>

namespace lamella::python {

// None, {slide_id: patient_id} or a CSV, as slide_id in lower case -> patient_id.
std::map<std::string, std::string> patients_of(nanobind::handle groups);

}  // namespace lamella::python
