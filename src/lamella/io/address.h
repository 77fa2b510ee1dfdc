// SPDX-License-Identifier: Apache-2.0
// Where a slide may lie beside the file system: s3://bucket/key, gs://bucket/key,
// az://container/blob, abfss://container@account.dfs.core.windows.net/blob, https://…, http://….
// Keys of buckets stand as they are, nothing in them is percent-encoded; web addresses are.
#pragma once

#include <string>

namespace lamella::io {

// Whether a place is such an address and no path.
bool is_address(const std::string& place);

// The last part of an address without its extension, decoded.
std::string address_stem(const std::string& address);

// Error kInvalidArgument if the place is an address: `what` ("outputs") must be local files.
void require_path(const std::string& place, const std::string& what);

// Error kInvalidArgument for "s3:/bucket/key", which is what pathlib makes of an address.
void refuse_half_address(const std::string& place);

}  // namespace lamella::io
