// SPDX-License-Identifier: Apache-2.0
// Where AWS's own tools look for credentials, in their order: environment, web identity, profile
// files, the container's service, the instance's. Found once for the process, again when they
// expire.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lamella/io/net/aws_signature.h"
#include "lamella/io/net/profile_file.h"

namespace lamella::io {

struct AwsCredentials {
  AwsKeys keys;
  std::string origin;               // "the environment (AWS_ACCESS_KEY_ID)"
  std::optional<double> expires_s;  // Unix time
};

// nullopt: there are none (what was looked at is aws_places()). Error kIo: a place that is named
// does not give any; kFormat: or cannot be understood.
std::optional<AwsCredentials> find_aws_credentials();

// The process's, looked up when `now_s` is near their end or `again` says that a server took them
// for expired.
std::optional<AwsCredentials> aws_credentials(bool again = false);

// "environment, web identity …", for messages.
std::string aws_places();

// The keys of the profile that AWS_PROFILE names, of both files; and the profile's name.
ProfileValues aws_profile();
std::string aws_profile_name();

// Unix time of "2026-11-27T20:00:00Z"; nullopt if it is none.
std::optional<double> parse_utc(const std::string& text);

}  // namespace lamella::io
