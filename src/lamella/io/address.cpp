// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/net/url.h"

namespace lamella::io {

namespace {

constexpr std::array<std::string_view, 6> kSchemes = {"s3", "gs", "az", "abfss", "https", "http"};

bool has_scheme(const std::string& place, std::string_view mark) {
  const size_t at = place.find(mark);
  if (at == std::string::npos) return false;
  return std::ranges::find(kSchemes, to_lower(std::string_view(place).substr(0, at))) !=
         kSchemes.end();
}

}  // namespace

bool is_address(const std::string& place) { return has_scheme(place, "://"); }

std::string address_stem(const std::string& address) {
  std::string path = address;
  if (to_lower(path).starts_with("http")) path = path.substr(0, path.find_first_of("?#"));
  std::string name = path.substr(path.rfind('/') + 1);
  if (to_lower(path).starts_with("http")) name = percent_decode(name);
  const size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

void require_path(const std::string& place, const std::string& what) {
  if (!is_address(place)) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("is an address; {} are local files: name a path", what), place);
}

void refuse_half_address(const std::string& place) {
  if (is_address(place) || !has_scheme(place, ":/")) return;
  throw Error(ErrorCode::kInvalidArgument,
              "looks like an address that lost a '/', as pathlib.Path makes of one; give the "
              "address as text, with '://'",
              place);
}

}  // namespace lamella::io
