// SPDX-License-Identifier: Apache-2.0
#include <expat.h>
#include <fmt/format.h>

#include <exception>
#include <memory>

#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/xml_elements_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::annotation {

namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxItem = size_t{256} << 20;  // bytes of text in one element, roughly

[[noreturn]] void fail_xml(const std::string& path, int64_t line, int64_t column,
                           const std::string& found, const std::string& expected) {
  throw Error(
      ErrorCode::kFormat,
      fmt::format("line {}, column {}: found {}, expected {}", line, column, found, expected),
      path);
}

// The coding that the declaration names, where it is one that the stream has not dealt with.
const char* coding_of(std::string_view head) {
  const size_t end = head.find("?>");
  if (end == std::string_view::npos) return "UTF-8";
  const std::string declaration = to_lower(head.substr(0, end));
  return declaration.find("iso-8859-1") != std::string::npos ? "ISO-8859-1" : "UTF-8";
}

}  // namespace

const std::string* XmlElement::attribute(std::string_view wanted) const {
  for (const auto& [key, value] : attributes) {
    if (key == wanted) return &value;
  }
  return nullptr;
}

std::string XmlElement::attribute_or(std::string_view wanted, const std::string& otherwise) const {
  const std::string* found = attribute(wanted);
  return found ? *found : otherwise;
}

const XmlElement* XmlElement::child(std::string_view wanted) const {
  for (const XmlElement& element : children) {
    if (element.name == wanted) return &element;
  }
  return nullptr;
}

std::string XmlElement::child_text(std::string_view wanted) const {
  const XmlElement* found = child(wanted);
  return found ? std::string(trim(found->text)) : std::string();
}

void fail_at(const std::string& path, const XmlElement& element, const std::string& found,
             const std::string& expected) {
  fail_xml(path, element.line, element.column, found, expected);
}

double xml_number(const XmlElement& element, std::string_view name, const std::string& path) {
  const std::string* text = element.attribute(name);
  if (!text) {
    fail_at(path, element, fmt::format("no attribute {}", name),
            fmt::format("{} in level-0 px", name));
  }
  const std::optional<double> value = parse_double(*text);
  if (!value || !is_coordinate(*value)) {
    fail_at(path, element, fmt::format("{}='{}'", name, *text),
            "a number between -1e9 and 1e9 (level-0 px)");
  }
  return *value;
}

struct XmlReader::Parser {
  XmlReader& reader;
  const Take& take;
  XML_Parser expat = nullptr;
  std::vector<XmlElement> open = {};
  XmlElement root = {};
  size_t item_depth = 0;  // of the element that is an item, 0 outside of one
  size_t bytes = 0;       // of the item
  std::string path = {};  // "Annotations/Annotation"
  std::exception_ptr failure = nullptr;

  std::pair<int64_t, int64_t> place() const {
    return {static_cast<int64_t>(XML_GetCurrentLineNumber(expat)),
            static_cast<int64_t>(XML_GetCurrentColumnNumber(expat)) + 1};
  }

  // Exceptions must not pass through expat, which is C.
  template <typename Work>
  void guard(Work&& work) {
    if (failure) return;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
      XML_StopParser(expat, XML_FALSE);
    }
  }

  void count(size_t more) {
    if ((bytes += more) <= kMaxItem) return;
    throw Error(ErrorCode::kLimit,
                fmt::format("line {}: one annotation is longer than {} MiB; split it",
                            place().first, kMaxItem >> 20),
                reader.text_.path());
  }

  void begin(const char* name, const char** attributes) {
    XmlElement element;
    element.name = name;
    std::tie(element.line, element.column) = place();
    for (; *attributes; attributes += 2) {
      element.attributes.emplace_back(attributes[0], attributes[1]);
      count(element.attributes.back().second.size());
    }
    if (open.empty() && element.name != reader.root_) {
      fail_at(reader.text_.path(), element, fmt::format("root element '{}'", element.name),
              fmt::format("'{}'", reader.root_));
    }
    if (open.size() >= kMaxDepth) {
      fail_at(reader.text_.path(), element, "elements nested deeper than 64 levels", "annotations");
    }
    if (!path.empty()) path += '/';
    path += name;
    open.push_back(std::move(element));
    count(sizeof(XmlElement));
    if (item_depth == 0 && path == reader.items_) {
      item_depth = open.size();
      bytes = 0;
    }
  }

  void end() {
    XmlElement element = std::move(open.back());
    open.pop_back();
    path.resize(path.size() - std::min(path.size(), element.name.size() + 1));
    if (item_depth == open.size() + 1) {
      item_depth = 0;
      bytes = 0;
      take(std::move(element), open);
    } else if (!open.empty()) {
      open.back().children.push_back(std::move(element));
    } else {
      root = std::move(element);
    }
  }

  void text(const char* characters, int length) {
    if (open.empty()) return;
    count(static_cast<size_t>(length));
    open.back().text.append(characters, static_cast<size_t>(length));
  }

  void refuse_entity(const char* name) {
    const auto [line, column] = place();
    fail_xml(reader.text_.path(), line, column, fmt::format("the entity '{}' declared", name),
             "annotations without entities of their own (none are taken, from the file or from "
             "outside); remove the DOCTYPE");
  }

  void require_well_formed(XML_Status status) {
    if (failure) std::rethrow_exception(failure);
    if (status == XML_STATUS_OK) return;
    const auto [line, column] = place();
    fail_xml(reader.text_.path(), line, column, snippet(),
             fmt::format("well-formed XML ({})", XML_ErrorString(XML_GetErrorCode(expat))));
  }

  // What stands where the parser stopped.
  std::string snippet() const {
    constexpr size_t kMaxShown = 30;
    int at = 0, size = 0;
    const char* context = XML_GetInputContext(expat, &at, &size);
    if (!context || at >= size) return "the end of the file";
    const std::string_view rest(context + at, std::min<size_t>(size_t(size - at), kMaxShown));
    return fmt::format("'{}'", trim(rest.substr(0, rest.find('\n'))));
  }
};

XmlElement XmlReader::read(const Take& take) {
  const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> expat(
      XML_ParserCreate(coding_of(text_.head())), XML_ParserFree);
  if (!expat) throw std::bad_alloc();
  Parser parser{.reader = *this, .take = take, .expat = expat.get()};
  XML_SetUserData(expat.get(), &parser);
  XML_SetElementHandler(
      expat.get(),
      [](void* self, const char* name, const char** attributes) {
        auto* the = static_cast<Parser*>(self);
        the->guard([&] { the->begin(name, attributes); });
      },
      [](void* self, const char*) {
        auto* the = static_cast<Parser*>(self);
        the->guard([&] { the->end(); });
      });
  XML_SetCharacterDataHandler(expat.get(), [](void* self, const char* characters, int length) {
    auto* the = static_cast<Parser*>(self);
    the->guard([&] { the->text(characters, length); });
  });
  XML_SetEntityDeclHandler(expat.get(), [](void* self, const char* name, int, const char*, int,
                                           const char*, const char*, const char*, const char*) {
    auto* the = static_cast<Parser*>(self);
    the->guard([&] { the->refuse_entity(name); });
  });
  for (std::string_view piece = text_.next(); !piece.empty(); piece = text_.next()) {
    parser.require_well_formed(
        XML_Parse(expat.get(), piece.data(), static_cast<int>(piece.size()), XML_FALSE));
  }
  parser.require_well_formed(XML_Parse(expat.get(), "", 0, XML_TRUE));
  return std::move(parser.root);
}

}  // namespace lamella::annotation
