// SPDX-License-Identifier: Apache-2.0
// MLflow's own Python client, where it is installed: it reaches the stores in which some servers
// keep artifacts without taking them themselves (S3, Azure, Google, DBFS, folders).
#pragma once

#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/mlflow/address.h"

namespace lamella::mlflow {

// The interpreter of the program 'mlflow' on the PATH, "" if there is none.
std::string find_packaged_client();

struct ClientFile {
  std::string name;  // at the server, with folders
  std::string file;  // path, or
  std::string bytes;
};

struct Upload {
  std::string run_id, model_id;  // to one of them
  std::vector<ClientFile> files;
};

// All files in one process of the interpreter. Error kIo: in the client's own words, without
// secrets; kInterrupted.
void upload_by_client(const std::string& python, const Address& address, const Upload& upload,
                      const Context& context);

}  // namespace lamella::mlflow
