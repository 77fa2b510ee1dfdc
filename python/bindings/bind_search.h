// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <string>

#include "lamella/mlflow/tracking.h"

namespace lamella::python {

// What the package says of MLflow's client in this process.
mlflow::CallingClient calling_client(const std::map<std::string, std::string>& client);

void bind_search(nanobind::module_& module);

}  // namespace lamella::python
