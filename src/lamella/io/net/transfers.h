// SPDX-License-Identifier: Apache-2.0
// Fetches byte ranges of objects, many at a time, over connections that are kept. One thread of the
// process does it, started with the first transfer: the one exception to the rule that threads are
// a caller's to give, for a network's waiting must not be a core's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "lamella/io/byte_source.h"
#include "lamella/io/net/store.h"
#include "lamella/io/net/traffic.h"

namespace lamella::io {

// Which object, as its first answer told; every later answer must be of the same.
struct ObjectVersion {
  std::string etag, last_modified;
  int64_t size = 0;
  std::string condition;  // header of each request, "" if the store has none
};

struct TransferRequest {
  std::shared_ptr<Store> store;
  std::shared_ptr<TrafficCounter> traffic;
  ByteRange range;                       // within the object, but for the first
  std::optional<ObjectVersion> version;  // nullopt: the first, which learns it
};

// One range on its way. All of it is told by Transfers.
class Transfer {
 public:
  explicit Transfer(TransferRequest what) : request(std::move(what)) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  const TransferRequest request;
  // Once it is done and has not failed:
  std::unique_ptr<std::byte[]> bytes;
  int64_t byte_count = 0;  // less than the range where the object ends
  ObjectVersion version;
  StoreAnswer answer;

 private:
  friend class Transfers;
  enum class State { kWaiting, kRunning, kDone };
  State state = State::kWaiting;
  bool dropped = false;
  int waiters = 0;
  const void* owner = nullptr;
  std::exception_ptr error;
  int attempts = 0;  // that failed
  double due_s = 0;  // when the next may begin
};

// What connections have done so far, to tell what a request costs.
struct LinkEstimate {
  double latency_s = 0;         // to the first byte; 0: not known yet
  double bytes_per_second = 0;  // of all connections together while any is at work
};

class Transfers {
 public:
  // Small ranges, together less than kFewBytes, may be more: their time is all latency.
  static constexpr int kMaxInFlight = 16, kMaxSmallInFlight = 48;
  static constexpr int64_t kFewBytes = int64_t{4} << 20;

  // The process's own; a forked child gets a fresh one.
  static Transfers& instance();

  // Urgent ones, for which somebody waits, go before all that are not.
  std::shared_ptr<Transfer> start(TransferRequest request, bool urgent);
  void hurry(const std::shared_ptr<Transfer>& transfer);
  // Nobody wants it any more.
  static void drop(const std::shared_ptr<Transfer>& transfer);
  // Until it is done. Error as ByteSource::read_at; kInterrupted when the CancelScope says so.
  void wait(const std::shared_ptr<Transfer>& transfer);
  LinkEstimate estimate() const;

  Transfers();
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lamella::io
