// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/base64.h"

#include <openssl/evp.h>

#include <vector>

namespace lamella {

std::string base64(std::string_view bytes) {
  constexpr size_t kStep = size_t{3} << 20;  // a multiple of 3; OpenSSL counts in int
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4 + 1);
  std::vector<unsigned char> part;
  for (size_t at = 0; at < bytes.size(); at += kStep) {
    const std::string_view some = bytes.substr(at, kStep);
    part.resize((some.size() + 2) / 3 * 4 + 1);
    const int written =
        EVP_EncodeBlock(part.data(), reinterpret_cast<const unsigned char*>(some.data()),
                        static_cast<int>(some.size()));
    text.append(part.begin(), part.begin() + written);
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  // libcrypto counts what "=" stands for as bytes.
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<size_t>(length) - padding);
  return bytes;
}

}  // namespace lamella
