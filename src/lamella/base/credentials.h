// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lamella {

// Every "//name:password@" of the text without the part up to the "@", and every value in the query
// of an http(s) address as "…", as signatures and tokens stand there ("?sv=…&sig=…"), but for those
// that say which version is meant. Applied to all that goes into records, logs and messages.
std::string without_credentials(std::string text);

}  // namespace lamella
