// SPDX-License-Identifier: Apache-2.0
// The visitor that writes.
#pragma once

#include <cmath>
#include <string>

#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/record/run_members_internal.h"

namespace lamella::record {

template <typename Json>
class Writer {
 public:
  explicit Writer(Json& out) : out_(out) {}

  template <typename T>
  void operator()(const char* name, const T& member, const char* /*help*/, How how = How::kPlain) {
    if constexpr (kIsOptional<T>) {
      if (member) {
        out_[name] = value(*member);
      } else if (how == How::kNull) {
        out_[name] = nullptr;
      }
    } else {
      if constexpr (Empties<T>) {
        if (how == How::kIfAny && member.empty()) return;
      }
      out_[name] = value(member);
    }
  }

  template <typename T>
  static Json value(const T& member) {
    if constexpr (Described<T>) {
      Json object = Json::object();
      Writer writer(object);
      describe(writer, member);
      return object;
    } else if constexpr (Map<T>) {
      Json object = Json::object();
      for (const auto& [key, item] : member) object[key] = value(item);
      return object;
    } else if constexpr (List<T>) {
      Json list = Json::array();
      for (const auto& item : member) list.push_back(value(item));
      return list;
    } else if constexpr (std::same_as<T, Status>) {
      return Json(std::string(to_string(member)));
    } else if constexpr (std::same_as<T, evaluation::ClassMetrics>) {
      return Json(nlohmann::json(member));
    } else if constexpr (std::same_as<T, double>) {
      return std::isfinite(member) ? Json(member) : Json();
    } else {
      return Json(member);
    }
  }

 private:
  Json& out_;
};

}  // namespace lamella::record
