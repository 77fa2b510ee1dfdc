// SPDX-License-Identifier: Apache-2.0
// The clouds' stores. Errors as make_store.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "lamella/io/net/store.h"

namespace lamella::io {

std::shared_ptr<Store> make_s3_store(const std::string& address);
std::shared_ptr<Store> make_azure_store(const std::string& address);
std::shared_ptr<Store> make_google_store(const std::string& address);

// "bucket" and "key" of "scheme://bucket/key". Error kInvalidArgument if one is missing.
std::pair<std::string, std::string> bucket_and_key(const std::string& address);

// An environment variable; "" if it is not set.
std::string environment(const char* name);

}  // namespace lamella::io
