// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/local_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "lamella/base/base64.h"
#include "lamella/base/cancel_scope.h"
#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/io/address.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/io/net/http_client.h"
#include "lamella/io/net/store.h"
#include "lamella/io/temporary.h"

namespace lamella::io {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kPartBytes = int64_t{4} << 20;

struct Kept {
  std::string address, folder, version;
  int64_t bytes = 0;
  std::shared_ptr<const LocalCopy> copy;
};

// Copies of this process, oldest first.
struct Registry {
  std::mutex mutex;
  std::list<Kept> kept;
};

Registry& registry() {
  static Registry all;
  return all;
}

class Md5 {
 public:
  Md5() { EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr); }
  void update(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  }
  std::string base64_text() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
    return base64({reinterpret_cast<const char*>(digest.data()), length});
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free};
};

// Lets go of copies that nobody uses until there is room for another.
void make_room(const std::string& address, const std::string& folder, int64_t bytes) {
  const auto room = [&] { return static_cast<int64_t>(fs::space(folder).available); };
  auto& kept = registry().kept;
  for (auto each = kept.begin(); each != kept.end() && room() < bytes;) {
    each = each->copy.use_count() == 1 ? kept.erase(each) : std::next(each);
  }
  if (room() >= bytes) return;
  throw Error(ErrorCode::kIo,
              fmt::format("has {} bytes; in {} only {} are free", bytes, folder, room()),
              without_credentials(address));
}

void copy_by_parts(const ByteSource& source, const std::string& path) {
  std::vector<ByteRange> parts;
  for (int64_t offset = 0; offset < source.size(); offset += kPartBytes) {
    parts.push_back({offset, std::min(kPartBytes, source.size() - offset)});
  }
  const auto plan = source.plan_reads(parts);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool good = file >= 0;
  Md5 md5;
  std::vector<std::byte> bytes;
  try {
    for (const ByteRange& part : parts) {
      bytes.resize(static_cast<size_t>(part.bytes));
      source.read_at(part.offset, bytes);
      md5.update(bytes);
      good = good && write_all(file, part.offset, bytes);
    }
  } catch (...) {
    ::close(file);
    throw;
  }
  if (file >= 0 && ::close(file) != 0) good = false;
  if (!good) throw Error(ErrorCode::kIo, "cannot be written", path);
  const std::string told = source.md5();
  if (const std::string found = md5.base64_text(); !told.empty() && told != found) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("came with the MD5 {}; its store says {}", found, told), source.name());
  }
}

// From a server that sends nothing but the whole.
void copy_whole(const std::string& address, const std::string& path) {
  const SignedRequest asked = make_store(address)->sign({});
  HttpRequest request;
  request.url = asked.url;
  request.headers = asked.headers;
  request.into_file = path;
  HttpOptions options;
  options.user = asked.user;
  options.password = asked.password;
  options.ca_file = environment_ca_file();
  const HttpResponse response = HttpClient(options, CancelScope::current()).send(request);
  if (response.status != 200) {
    throw Error(ErrorCode::kIo, fmt::format("its server answered {}", response.status),
                without_credentials(address));
  }
}

std::string file_name(const std::string& address) {
  std::string name = address.substr(0, address.find_first_of("?#", address.find("://")));
  name = name.substr(name.rfind('/') + 1);
  return name.empty() ? "slide" : name.substr(0, 200);
}

}  // namespace

LocalCopy::LocalCopy(std::string folder, std::string path)
    : folder_(std::move(folder)), path_(std::move(path)) {}

LocalCopy::~LocalCopy() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::shared_ptr<const LocalCopy> fetch_copy(const std::string& address, const std::string& folder) {
  std::shared_ptr<const ByteSource> source;
  try {
    source = open_source(address);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;  // a server without ranges
  }
  const std::string version =
      source ? fmt::format("{} {}", source->size(), source->version()) : std::string();
  const std::lock_guard lock(registry().mutex);
  for (const Kept& kept : registry().kept) {
    if (kept.address == address && kept.folder == folder && kept.version == version) {
      return kept.copy;
    }
  }
  require_writable_folder(folder);
  remove_left_temporaries(folder, false);
  make_room(address, folder, source ? source->size() : 0);
  const std::string own = temporary_name(folder + "/slide");
  make_folders(own);
  auto copy = std::make_shared<LocalCopy>(own, own + "/" + file_name(address));
  if (source) {
    copy_by_parts(*source, copy->path());
    copy->fingerprint = fingerprint(*source);
  } else {
    copy_whole(address, copy->path());
  }
  registry().kept.push_back({address, folder, version, source ? source->size() : 0, copy});
  return copy;
}

}  // namespace lamella::io
