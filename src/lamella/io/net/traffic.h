// SPDX-License-Identifier: Apache-2.0
// What reading objects of stores has cost this process so far, by object.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace lamella::io {

struct Traffic {
  int64_t requests = 0;        // with those that were sent again
  int64_t bytes_fetched = 0;   // bodies of answers
  int64_t bytes_needed = 0;    // what was asked for of them
  double seconds_waiting = 0;  // of readers for bytes, summed over threads
  Traffic& operator+=(const Traffic& other);
};

struct TrafficCounter {
  std::atomic<int64_t> requests{0}, bytes_fetched{0}, bytes_needed{0}, waiting_us{0};
  Traffic read() const;
};

// The counter of an object, by its name without credentials.
std::shared_ptr<TrafficCounter> traffic_counter(const std::string& name);

// Of every object that was opened, by name; and of one (nothing if it never was).
std::map<std::string, Traffic> traffic_so_far();
Traffic traffic_of(const std::string& place);

}  // namespace lamella::io
