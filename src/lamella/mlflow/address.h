// SPDX-License-Identifier: Apache-2.0
// Tracking addresses.
#pragma once

#include <string>

namespace lamella::mlflow {

// Where a server is. Credentials in the address go into `user` and `password`, never further.
struct Address {
  std::string uri;  // http(s)://host[:port][/path], no slash at the end
  std::string user, password;
};

// Error kInvalidArgument: anything but http:// or https:// with a host (an MLflow folder or
// database can be served by 'mlflow server').
Address parse_tracking_uri(const std::string& text);

}  // namespace lamella::mlflow
