// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/traffic.h"

#include <mutex>

#include "lamella/base/credentials.h"

namespace lamella::io {

namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<TrafficCounter>> counters;
};

Registry& registry() {
  static Registry all;
  return all;
}

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  requests += other.requests;
  bytes_fetched += other.bytes_fetched;
  bytes_needed += other.bytes_needed;
  seconds_waiting += other.seconds_waiting;
  return *this;
}

Traffic TrafficCounter::read() const {
  return {requests.load(), bytes_fetched.load(), bytes_needed.load(),
          static_cast<double>(waiting_us.load()) * 1e-6};
}

std::shared_ptr<TrafficCounter> traffic_counter(const std::string& name) {
  const std::lock_guard lock(registry().mutex);
  auto& counter = registry().counters[name];
  if (!counter) counter = std::make_shared<TrafficCounter>();
  return counter;
}

std::map<std::string, Traffic> traffic_so_far() {
  const std::lock_guard lock(registry().mutex);
  std::map<std::string, Traffic> all;
  for (const auto& [name, counter] : registry().counters) all[name] = counter->read();
  return all;
}

Traffic traffic_of(const std::string& place) {
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().counters.find(without_credentials(place));
  return found == registry().counters.end() ? Traffic() : found->second->read();
}

}  // namespace lamella::io
