// SPDX-License-Identifier: Apache-2.0
// XML read an element at a time (expat), so that memory does not grow with the file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lamella/io/text_stream.h"

namespace lamella::annotation {

struct XmlElement {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  // of its own, without that of elements inside it
  std::vector<XmlElement> children;
  int64_t line = 0, column = 0;  // of its '<', from 1

  const std::string* attribute(std::string_view name) const;  // nullptr if it has none
  std::string attribute_or(std::string_view name, const std::string& otherwise = {}) const;
  const XmlElement* child(std::string_view name) const;
  std::string child_text(std::string_view name) const;  // trimmed; "" without such a child
};

// Error kFormat: "line L, column C: found ..., expected ...".
[[noreturn]] void fail_at(const std::string& path, const XmlElement& element,
                          const std::string& found, const std::string& expected);

// Level-0 px or the like. Error kFormat: no such attribute, no number, beyond +-1e9.
double xml_number(const XmlElement& element, std::string_view name, const std::string& path);

// Calls `take` with each element whose path from the root ("Annotations/Annotation") is `items`,
// whole, when it ends; the elements around it have their attributes, and those children that came
// root. Error kFormat: no XML; another root; a document that declares entities: none are taken,
// neither from it nor from outside.
class XmlReader {
 public:
  using Take = std::function<void(XmlElement&& item, const std::vector<XmlElement>& around)>;

  XmlReader(io::TextStream& text, std::string root, std::string items)
      : text_(text), root_(std::move(root)), items_(std::move(items)) {}
  XmlElement read(const Take& take);

 private:
  struct Parser;
  io::TextStream& text_;
  const std::string root_, items_;
};

}  // namespace lamella::annotation
