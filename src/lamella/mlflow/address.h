// SPDX-License-Identifier: Apache-2.0
// Tracking addresses.
#pragma once

#include <string>

namespace lamella::mlflow {

// Where a server is. Credentials in the address go into `user` and `password`, never further.
struct Address {
  std::string uri{};  // http(s)://host[:port][/path], no slash at the end
  std::string user{}, password{};
  // "databricks" or "databricks://PROFILE" as given, "" for other servers; then `uri` and `token`
  // are empty until find_workspace.
  std::string workspace{};
  std::string token{};
};

// The environment is not looked at. Error kInvalidArgument: an address that cannot work; what to do
// about this one is in the message.
Address parse_tracking_uri(const std::string& text);

// With host and token of a Databricks workspace: of the profile that it names in ~/.databrickscfg
// (DATABRICKS_CONFIG_FILE); without one DATABRICKS_HOST and DATABRICKS_TOKEN, else the profile
// DATABRICKS_CONFIG_PROFILE or DEFAULT. Other addresses stay as they are.
// Error kInvalidArgument: there are none.
Address find_workspace(Address address);

}  // namespace lamella::mlflow
