// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/address.h"

#include <fmt/format.h>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/net/url.h"

namespace lamella::mlflow {

Address parse_tracking_uri(const std::string& text) {
  constexpr std::string_view kMark = "://";
  const auto wrong = [&] {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("MLflow's tracking URI: found '{}', expected http://host:port or "
                             "https://…; a folder or database is served by 'mlflow server'",
                             without_credentials(text)));
  };
  const size_t mark = text.find(kMark);
  if (mark == std::string::npos) throw wrong();
  const std::string scheme = to_lower(text.substr(0, mark));
  std::string rest = text.substr(mark + kMark.size());
  Address address;
  // The last "@": a password may hold one as it is.
  const size_t at = rest.substr(0, rest.find('/')).rfind('@');
  if (at != std::string::npos) {
    const std::string both = rest.substr(0, at);
    const size_t colon = both.find(':');
    address.user = io::percent_decode(both.substr(0, colon));
    if (colon != std::string::npos) address.password = io::percent_decode(both.substr(colon + 1));
    rest = rest.substr(at + 1);
  }
  while (rest.ends_with('/')) rest.pop_back();
  address.uri = fmt::format("{}{}{}", scheme, kMark, rest);
  const auto url = io::parse_url(address.uri);
  const bool is_web = scheme == "http" || scheme == "https";
  if (!url || !is_web || url->has_query || rest.starts_with('/')) throw wrong();
  return address;
}

}  // namespace lamella::mlflow
