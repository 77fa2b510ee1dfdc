// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lamella/io/net/range_plan_internal.h"

namespace lamella::io {

namespace {

bool holds(const ByteRange& outer, const ByteRange& inner) {
  return outer.offset <= inner.offset && inner.offset + inner.bytes <= outer.offset + outer.bytes;
}

}  // namespace

RangePlan::RangePlan(const std::vector<ByteRange>& reads, const std::vector<ByteRange>& ranges,
                     int64_t budget_bytes)
    : budget_bytes_(budget_bytes) {
  for (const ByteRange& range : ranges) requests_.push_back({range, 0, nullptr});
  std::vector<size_t> order(ranges.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto start = [&](size_t i) { return ranges[i].offset; };
  std::ranges::sort(order, {}, start);
  for (const ByteRange& range : reads) reads_.push_back({range, 0, 0});
  std::ranges::stable_sort(reads_, {}, [](const Read& read) { return read.range.offset; });
  // A tile that the file shares between places is read as often.
  std::vector<Read> each;
  for (const Read& read : reads_) {
    if (each.empty() || !(each.back().range == read.range)) each.push_back(read);
    each.back().left += read.range.bytes;
  }
  reads_.clear();
  for (Read& read : each) {
    // Requests may overlap where windows met; the last that begins before the read need not be it.
    auto at = std::ranges::upper_bound(order, read.range.offset, {}, start);
    while (at != order.begin() && !holds(ranges[*std::prev(at)], read.range)) --at;
    if (at == order.begin()) continue;
    read.request = *std::prev(at);
    ++requests_[read.request].reads_left;
    reads_.push_back(read);
  }
}

void RangePlan::fetch_ahead(const Fetch& fetch) {
  for (; next_ < requests_.size(); ++next_) {
    Request& request = requests_[next_];
    if (request.transfer || request.reads_left == 0) continue;
    if (held_bytes_ > 0 && held_bytes_ + request.range.bytes > budget_bytes_) return;
    request.transfer = fetch(request.range, false);
    held_bytes_ += request.range.bytes;
  }
}

const RangePlan::Read* RangePlan::read_of(const ByteRange& range) const {
  auto at = std::ranges::upper_bound(reads_, range.offset, {},
                                     [](const Read& read) { return read.range.offset; });
  if (at == reads_.begin()) return nullptr;
  --at;
  return holds(at->range, range) && at->left > 0 ? &*at : nullptr;
}

std::shared_ptr<Transfer> RangePlan::find(const ByteRange& range, const Fetch& fetch) {
  const Read* read = read_of(range);
  if (!read) return nullptr;
  Request& request = requests_[read->request];
  if (!request.transfer) {
    request.transfer = fetch(request.range, true);
    held_bytes_ += request.range.bytes;
  }
  return request.transfer;
}

void RangePlan::used(const ByteRange& range) {
  Read* read = const_cast<Read*>(read_of(range));
  if (!read) return;
  read->left -= range.bytes;
  if (read->left > 0) return;
  Request& request = requests_[read->request];
  if (--request.reads_left > 0 || !request.transfer) return;
  held_bytes_ -= request.range.bytes;
  request.transfer.reset();
}

std::vector<std::shared_ptr<Transfer>> RangePlan::transfers() const {
  std::vector<std::shared_ptr<Transfer>> all;
  for (const Request& request : requests_) {
    if (request.transfer) all.push_back(request.transfer);
  }
  return all;
}

}  // namespace lamella::io
