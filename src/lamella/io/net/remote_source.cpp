// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/remote_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <mutex>

#include "lamella/base/error.h"
#include "lamella/io/net/block_cache_internal.h"
#include "lamella/io/net/merge_ranges.h"
#include "lamella/io/net/range_plan_internal.h"
#include "lamella/io/net/transfers.h"

namespace lamella::io {

namespace {

// The header and the first tile's tables are mostly in it.
constexpr int64_t kFirstBytes = kRemoteEndBytes;
static_assert(kFirstBytes % BlockCache::kBlockBytes == 0);
constexpr int64_t kMinGapBytes = int64_t{64} << 10, kMaxGapBytes = int64_t{4} << 20;

// The bytes that a link carries in the time that another request costs, when as many requests as
// may be are on their way: so much may lie between two reads that are one request.
int64_t gap_for(const LinkEstimate& link, int64_t otherwise) {
  if (link.latency_s <= 0 || link.bytes_per_second <= 0) return otherwise;
  const double bytes = link.latency_s * link.bytes_per_second / Transfers::kMaxInFlight;
  return std::clamp(static_cast<int64_t>(std::min(bytes, 1e12)), kMinGapBytes, kMaxGapBytes);
}

class RemoteSource final : public ByteSource {
 public:
  RemoteSource(std::shared_ptr<Store> store, const RemoteOptions& options)
      : store_(std::move(store)),
        options_(options),
        traffic_(traffic_counter(store_->name())),
        first_(fetch_first()),
        cache_(first_->version.size, options.cache_budget_bytes) {
    if (size() == 0) return;
    cache_.add(first_, {0, first_->byte_count});
    // Many writers put directories at the end, and the fingerprint needs it.
    const int64_t end = std::max(int64_t{0}, size() - kRemoteEndBytes);
    will_need(end, size() - end);
  }
  ~RemoteSource() override {
    for (const auto& transfer : cache_.all()) Transfers::drop(transfer);
  }
  RemoteSource(const RemoteSource&) = delete;
  RemoteSource& operator=(const RemoteSource&) = delete;

  const std::string& name() const override { return store_->name(); }
  int64_t size() const override { return first_->version.size; }
  bool is_remote() const override { return true; }
  std::string version() const override {
    const ObjectVersion& known = first_->version;
    return is_strong_etag(known.etag) ? known.etag : known.last_modified;
  }
  std::string md5() const override { return first_->answer.md5; }
  std::vector<std::string> warnings() const override;
  void read_at(int64_t offset, std::span<std::byte> out) const override;
  void require_unchanged() const override;
  void will_need(int64_t offset, int64_t bytes) const noexcept override;
  std::unique_ptr<ReadPlan> plan_reads(std::vector<ByteRange> in_order) const override;

 private:
  class Announced;
  std::shared_ptr<Transfer> fetch_first() const;
  std::shared_ptr<Transfer> fetch(const ByteRange& range, bool urgent) const {
    return Transfers::instance().start({store_, traffic_, range, first_->version}, urgent);
  }
  RangePlan::Fetch fetcher() const {
    return [this](const ByteRange& range, bool urgent) { return fetch(range, urgent); };
  }
  bool read_planned(const ByteRange& range, std::span<std::byte> out) const;
  void read_blocks(const ByteRange& range, std::span<std::byte> out) const;

  std::shared_ptr<Store> store_;
  RemoteOptions options_;
  std::shared_ptr<TrafficCounter> traffic_;
  std::shared_ptr<Transfer> first_;
  mutable std::mutex mutex_;  // guards what follows
  mutable BlockCache cache_;
  mutable std::list<std::shared_ptr<RangePlan>> plans_;
};

// Takes the plan out of its source, and what is on its way for it.
class RemoteSource::Announced final : public ReadPlan {
 public:
  Announced(const RemoteSource& source, std::shared_ptr<RangePlan> plan)
      : source_(source), plan_(std::move(plan)) {}
  ~Announced() override {
    const std::lock_guard lock(source_.mutex_);
    source_.plans_.remove(plan_);
    for (const auto& transfer : plan_->transfers()) Transfers::drop(transfer);
  }
  Announced(const Announced&) = delete;
  Announced& operator=(const Announced&) = delete;

 private:
  const RemoteSource& source_;
  std::shared_ptr<RangePlan> plan_;
};

std::shared_ptr<Transfer> RemoteSource::fetch_first() const {
  auto transfer =
      Transfers::instance().start({store_, traffic_, {0, kFirstBytes}, std::nullopt}, true);
  try {
    Transfers::instance().wait(transfer);
  } catch (...) {
    Transfers::drop(transfer);
    throw;
  }
  return transfer;
}

std::vector<std::string> RemoteSource::warnings() const {
  const ObjectVersion& known = first_->version;
  if (!known.condition.empty() && is_strong_etag(known.etag)) return {};
  const std::string what = known.etag.empty() ? "no ETag" : "a weak ETag";
  if (known.last_modified.empty()) {
    return {
        fmt::format("its server gives {} and no Last-Modified: that the slide was changed while "
                    "it was read can be told by its size alone",
                    what)};
  }
  return {
      fmt::format("its server gives {}: that the slide was changed while it was read is told by "
                  "Last-Modified and its size",
                  what)};
}

// Copies what of `range` the transfer, which began at `start`, holds.
void copy_part(const Transfer& transfer, const ByteRange& range, std::span<std::byte> out) {
  const int64_t start = transfer.request.range.offset;
  const int64_t begin = std::max(start, range.offset);
  const int64_t end = std::min(start + transfer.byte_count, range.offset + range.bytes);
  if (end <= begin) return;
  std::memcpy(out.data() + (begin - range.offset), transfer.bytes.get() + (begin - start),
              static_cast<size_t>(end - begin));
}

void RemoteSource::read_at(int64_t offset, std::span<std::byte> out) const {
  const ByteRange range = {offset, static_cast<int64_t>(out.size())};
  if (offset < 0 || offset > size() || range.bytes > size() - offset) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("{} bytes at offset {} lie beyond the end of the object ({} bytes); is "
                            "it cut short?",
                            range.bytes, offset, size()),
                name());
  }
  if (out.empty()) return;
  if (!read_planned(range, out)) read_blocks(range, out);
  traffic_->bytes_needed += range.bytes;
}

bool RemoteSource::read_planned(const ByteRange& range, std::span<std::byte> out) const {
  std::shared_ptr<Transfer> transfer;
  std::shared_ptr<RangePlan> plan;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : plans_) {
      transfer = each->find(range, fetcher());
      if (!transfer) continue;
      plan = each;
      break;
    }
  }
  if (!transfer) return false;
  Transfers::instance().hurry(transfer);
  Transfers::instance().wait(transfer);
  copy_part(*transfer, range, out);
  const std::lock_guard lock(mutex_);
  plan->used(range);
  if (std::ranges::find(plans_, plan) != plans_.end()) plan->fetch_ahead(fetcher());
  return true;
}

void RemoteSource::read_blocks(const ByteRange& range, std::span<std::byte> out) const {
  std::vector<std::shared_ptr<Transfer>> transfers;
  {
    const std::lock_guard lock(mutex_);
    transfers = cache_.get(range, [&](const ByteRange& missing) { return fetch(missing, true); });
  }
  for (const auto& transfer : transfers) {
    try {
      Transfers::instance().hurry(transfer);
      Transfers::instance().wait(transfer);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      for (const auto& each : transfers) {
        Transfers::drop(each);
        cache_.forget(each);
      }
      throw;
    }
    copy_part(*transfer, range, out);
  }
}

void RemoteSource::will_need(int64_t offset, int64_t bytes) const noexcept {
  const ByteRange range = {std::clamp<int64_t>(offset, 0, size()),
                           std::min(bytes, size() - std::min(offset, size()))};
  if (range.bytes <= 0) return;
  try {
    const std::lock_guard lock(mutex_);
    // Planned reads are on their way; and the cache must be able to hold what is hinted at.
    if (range.bytes > cache_.budget_bytes() / 2 || !plans_.empty()) return;
    cache_.get(range, [&](const ByteRange& missing) { return fetch(missing, false); });
  } catch (...) {  // it is a hint; the read itself will say what is wrong
  }
}

std::unique_ptr<ReadPlan> RemoteSource::plan_reads(std::vector<ByteRange> in_order) const {
  std::erase_if(in_order, [&](const ByteRange& range) {
    return range.bytes <= 0 || range.offset < 0 || range.offset > size() ||
           range.bytes > size() - range.offset;
  });
  MergeOptions merge;
  merge.max_gap_bytes = gap_for(Transfers::instance().estimate(), merge.max_gap_bytes);
  // So many requests are to be on their way that one of them does not stop the others.
  merge.max_range_bytes = std::min(merge.max_range_bytes, options_.plan_budget_bytes / 16);
  merge.max_window_bytes = options_.plan_budget_bytes / 2;
  auto plan = std::make_shared<RangePlan>(in_order, merge_ranges(in_order, merge),
                                          options_.plan_budget_bytes);
  const std::lock_guard lock(mutex_);
  plans_.push_back(plan);
  plan->fetch_ahead(fetcher());
  return std::make_unique<Announced>(*this, std::move(plan));
}

// One byte, of the version that was opened.
void RemoteSource::require_unchanged() const {
  if (size() == 0) return;
  const auto transfer = fetch({0, 1}, true);
  try {
    Transfers::instance().wait(transfer);
  } catch (...) {
    Transfers::drop(transfer);
    throw;
  }
}

}  // namespace

std::shared_ptr<const ByteSource> open_remote(std::shared_ptr<Store> store,
                                              const RemoteOptions& options) {
  return std::make_shared<RemoteSource>(std::move(store), options);
}

std::shared_ptr<const ByteSource> open_remote(const std::string& address) {
  return open_remote(make_store(address));
}

}  // namespace lamella::io
