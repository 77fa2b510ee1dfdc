// SPDX-License-Identifier: Apache-2.0
// JSON whose long lists are read an item at a time.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/io/text_stream.h"

namespace lamella::annotation {

// Goes through a document that is a list, or an object with long lists among its members. Bare NaN
// and Infinity, which older Java programs write, are read as the texts "NaN", "Infinity",
// "-Infinity".
class JsonLists {
 public:
  using Take = std::function<void(const std::string& place, nlohmann::json&& item)>;

  // `what` was expected, for messages.
  JsonLists(io::TextStream& text, const char* what) : text_(text), what_(what) {}

  // Calls take for each item of the members named in `lists` ("" names a document that is a list;
  // its items' places are "[0]", of others "features[0]"). Other members of the object, and lists
  // that are none, are put together in rest(). Error kFormat: no JSON, with the line; kLimit: an
  // item beyond 256 MiB.
  void read(const std::vector<std::string>& lists, const Take& take);

  bool is_list() const { return is_list_; }
  bool saw(const std::string& list) const;
  const nlohmann::json& rest() const { return rest_; }

 private:
  [[noreturn]] void fail(const std::string& found, const std::string& expected) const;
  bool fill();          // more text; false at the end
  char peek();          // the next character that is no space; '\0' at the end
  void skip(char c);    // peek() must be it
  std::string value();  // the text of the value that begins here
  void bare_word(std::string& out);
  nlohmann::json parse(const std::string& text, const std::string& place) const;
  void read_list(const std::string& name, const Take& take);
  void read_object(const std::vector<std::string>& lists, const Take& take);

  io::TextStream& text_;
  const char* what_;
  std::string_view piece_;
  size_t at_ = 0;
  int64_t line_ = 1;
  bool is_list_ = false;
  std::vector<std::string> seen_;
  nlohmann::json rest_ = nlohmann::json::object();
};

}  // namespace lamella::annotation
