// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "lamella/base/json_text.h"
#include "lamella/storage/piece_key.h"

namespace lamella::storage {

namespace {

using Pointer = nlohmann::json::json_pointer;

struct Part {
  std::string_view name;   // in the key
  std::string_view words;  // for the user
  bool valued = false;     // an option or a number: the two values tell more
};

constexpr std::array kParts = {
    Part{"lamella", "lamella's version", true},
    Part{"slide", "the slide"},
    Part{"backend", "what the slide is read with", true},
    Part{"slide_id", "slide_id", true},
    Part{"mpp", "the slide's mpp", true},
    Part{"spec", "patches", true},
    Part{"scaled", "whether the training slides have an mpp", true},
    Part{"on_damage", "patches.on_damage", true},
    Part{"tissue", "tissue", true},
    Part{"rule", "patches", true},
    Part{"annotations", "the annotations"},
    Part{"centres", "the labelled centres"},
    Part{"classes", "classes", true},
    Part{"score", "score", true},
    Part{"encoder", "the encoder"},
    Part{"precision", "encoder.precision", true},
    Part{"engine", "the inference engine", true},
    Part{"stored as", "encoder.features_dtype", true},
    Part{"model", "the model"},
    Part{"heatmap", "heatmap", true},
};

// "/inputs/plan/inputs/spec/size_px" -> its words, an array's places left out.
std::string words_of(std::string pointer, bool* valued) {
  std::vector<std::string> elements;
  for (Pointer rest(pointer); !rest.empty(); rest = rest.parent_pointer()) {
    elements.insert(elements.begin(), rest.back());
  }
  for (size_t i = 0; i < elements.size(); ++i) {
    const auto* part = std::find_if(kParts.begin(), kParts.end(),
                                    [&](const Part& p) { return p.name == elements[i]; });
    if (part == kParts.end()) continue;
    *valued = part->valued;
    std::string words(part->words);
    for (size_t k = i + 1; part->valued && k < elements.size(); ++k) {
      if (elements[k].find_first_not_of("0123456789") != std::string::npos) {
        words += "." + elements[k];
      }
    }
    return words;
  }
  *valued = false;
  return pointer;
}

std::string value_text(const nlohmann::json& flat, const std::string& pointer) {
  if (!flat.contains(pointer)) return "none";
  const nlohmann::json& value = flat[pointer];
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "none" : value.dump();
}

}  // namespace

std::vector<std::string> changes(const std::string& found, const std::string& wanted) {
  if (found == wanted) return {};
  const auto parsed = [](const std::string& key) { return parse_json_or_discard(key).flatten(); };
  const nlohmann::json old = parsed(found), fresh = parsed(wanted);
  if (!old.contains("/lamella")) return {"it is of an earlier lamella"};
  std::set<std::string> pointers;
  for (const auto* flat : {&old, &fresh}) {
    for (const auto& [pointer, value] : flat->items()) {
      if (!old.contains(pointer) || !fresh.contains(pointer) || old[pointer] != fresh[pointer]) {
        pointers.insert(pointer);
      }
    }
  }
  std::vector<std::string> list;
  for (const std::string& pointer : pointers) {
    bool valued = false;
    std::string words = words_of(pointer, &valued);
    if (valued) words += " " + value_text(old, pointer) + " -> " + value_text(fresh, pointer);
    if (std::find(list.begin(), list.end(), words) == list.end()) list.push_back(std::move(words));
  }
  return list;
}

}  // namespace lamella::storage
