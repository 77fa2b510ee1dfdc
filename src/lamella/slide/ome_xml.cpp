// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <set>

#include "lamella/base/text.h"
#include "lamella/slide/ome_xml_internal.h"

namespace lamella::slide {

namespace {

// Elements may carry a prefix ("ome:Image").
bool is(const pugi::xml_node& node, std::string_view name) {
  std::string_view found = node.name();
  if (const size_t colon = found.rfind(':'); colon != found.npos) found.remove_prefix(colon + 1);
  return found == name;
}

std::vector<pugi::xml_node> children(const pugi::xml_node& parent, std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const pugi::xml_node& node : parent.children()) {
    if (is(node, name)) found.push_back(node);
  }
  return found;
}

pugi::xml_node child(const pugi::xml_node& parent, std::string_view name) {
  const auto found = children(parent, name);
  return found.empty() ? pugi::xml_node() : found.front();
}

int64_t integer(const pugi::xml_node& node, const char* name, int64_t fallback) {
  return parse_int(node.attribute(name).value()).value_or(fallback);
}

// µm in one of the unit; nullopt for a unit that is no length ("pixel", "reference frame").
std::optional<double> um_per(std::string_view unit) {
  struct Unit {
    const char* name;
    double um;
  };
  // Micro sign, Greek mu, and the micro sign read as Latin-1.
  constexpr std::array<Unit, 11> kUnits = {{{"", 1},
                                            {"\u00b5m", 1},
                                            {"\u03bcm", 1},
                                            {"\u00c2\u00b5m", 1},
                                            {"um", 1},
                                            {"micron", 1},
                                            {"nm", 1e-3},
                                            {"mm", 1e3},
                                            {"cm", 1e4},
                                            {"m", 1e6},
                                            {"\u00c5", 1e-4}}};
  const auto* found = std::ranges::find(kUnits, unit, &Unit::name);
  return found == kUnits.end() ? std::nullopt : std::optional<double>(found->um);
}

std::optional<double> physical_size(const pugi::xml_node& pixels, const char* name) {
  const auto size = parse_double(pixels.attribute(name).value());
  const std::string unit_name = std::string(name) + "Unit";
  const auto um = um_per(trim(std::string_view(pixels.attribute(unit_name.c_str()).value())));
  return size && um ? std::optional<double>(*size * *um) : std::nullopt;
}

// "Channel 0", "C:1" and the like are no names.
bool is_name(std::string_view text) {
  std::string rest = to_lower(text);
  for (const char* word : {"channel", "ch", "c"}) {
    if (!rest.starts_with(word)) continue;
    rest.erase(0, std::string_view(word).size());
    break;
  }
  return rest.find_first_not_of(" _:-#0123456789") != rest.npos;
}

OmeChannel read_channel(const pugi::xml_node& node) {
  OmeChannel channel;
  const std::string name(trim(std::string_view(node.attribute("Name").value())));
  if (is_name(name)) channel.name = name;
  if (const auto colour = parse_int(node.attribute("Color").value())) {
    channel.colour = static_cast<uint32_t>(*colour);
  }
  const auto says = [&](const char* key) {
    return to_lower(node.attribute(key).value()).find("fluorescence") != std::string::npos;
  };
  channel.fluorescent = node.attribute("Fluor") || node.attribute("EmissionWavelength") ||
                        node.attribute("ExcitationWavelength") || says("ContrastMethod") ||
                        says("IlluminationType") || says("AcquisitionMode");
  return channel;
}

std::optional<double> objective_power(const pugi::xml_node& root, const pugi::xml_node& image) {
  const std::string wanted = child(image, "ObjectiveSettings").attribute("ID").value();
  std::vector<double> powers;
  for (const pugi::xml_node& instrument : children(root, "Instrument")) {
    for (const pugi::xml_node& objective : children(instrument, "Objective")) {
      if (!wanted.empty() && wanted != objective.attribute("ID").value()) continue;
      const auto power = parse_double(objective.attribute("NominalMagnification").value());
      if (power && *power > 0) powers.push_back(*power);
    }
  }
  return powers.size() == 1 ? std::optional<double>(powers.front()) : std::nullopt;
}

// `next`: the page after the last image's, where this one's planes begin if it does not say.
void read_pages(const pugi::xml_node& pixels, size_t file_pages, size_t& next, OmeImage& image) {
  const auto planes = static_cast<int64_t>(image.pages.size());
  const auto limit = static_cast<int64_t>(file_pages);
  const auto blocks = children(pixels, "TiffData");
  const auto put = [&](int64_t channel, int64_t page) {
    if (channel >= planes || channel < 0 || page < 0 || page >= limit) return;
    image.pages[static_cast<size_t>(channel)] = static_cast<size_t>(page);
    next = std::max(next, static_cast<size_t>(page) + 1);
  };
  const auto first_page = static_cast<int64_t>(next);
  for (const pugi::xml_node& block : blocks) {
    const bool placed = block.attribute("IFD");
    const int64_t page = integer(block, "IFD", first_page);
    const int64_t count = integer(block, "PlaneCount", placed ? 1 : planes);
    if (integer(block, "FirstZ", 0) != 0 || integer(block, "FirstT", 0) != 0) continue;
    const int64_t channel = integer(block, "FirstC", 0);
    for (int64_t i = 0; i < std::min(count, planes); ++i) put(channel + i, page + i);
  }
  if (!blocks.empty()) return;
  for (int64_t i = 0; i < planes; ++i) put(i, first_page + i);
}

// The other file that an image's pixels are said to be in. A file that names only one, or itself by
// its UUID, was at most renamed.
std::string other_file(const pugi::xml_node& root, const pugi::xml_node& pixels) {
  const std::string own = root.attribute("UUID").value();
  std::set<std::string> all;
  std::string first;
  for (const pugi::xml_node& image : children(root, "Image")) {
    for (const pugi::xml_node& block : children(child(image, "Pixels"), "TiffData")) {
      all.insert(child(block, "UUID").attribute("FileName").value());
    }
  }
  if (all.size() <= 1) return {};
  for (const pugi::xml_node& block : children(pixels, "TiffData")) {
    const pugi::xml_node uuid = child(block, "UUID");
    if (!uuid || (!own.empty() && trim(std::string_view(uuid.child_value())) == own)) return {};
    if (first.empty()) first = uuid.attribute("FileName").value();
  }
  return first;
}

}  // namespace

bool is_ome_xml(std::string_view description) {
  const std::string_view start = description.substr(0, 4096);
  return start.find("<OME") != start.npos || start.find(":OME ") != start.npos;
}

std::vector<OmeImage> read_ome_xml(const std::string& text, size_t file_pages) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size())) return {};
  const pugi::xml_node root = document.document_element();
  if (!is(root, "OME")) return {};
  std::vector<OmeImage> images;
  size_t next = 0;
  for (const pugi::xml_node& node : children(root, "Image")) {
    const pugi::xml_node pixels = child(node, "Pixels");
    OmeImage image;
    image.name = node.attribute("Name").value();
    image.size_px = {integer(pixels, "SizeX", 0), integer(pixels, "SizeY", 0)};
    image.focal_planes = integer(pixels, "SizeZ", 1);
    image.size_c = integer(pixels, "SizeC", 1);
    image.time_points = integer(pixels, "SizeT", 1);
    for (const pugi::xml_node& channel : children(pixels, "Channel")) {
      image.channels.push_back(read_channel(channel));
    }
    // Each <Channel> is a plane (of SamplesPerPixel samples); without them, each of SizeC.
    const int64_t planes =
        image.channels.empty() ? image.size_c : static_cast<int64_t>(image.channels.size());
    if (planes < 1 || planes > static_cast<int64_t>(file_pages) + 64) continue;
    image.channels.resize(static_cast<size_t>(planes));
    image.pages.resize(static_cast<size_t>(planes));
    const auto x = physical_size(pixels, "PhysicalSizeX"),
               y = physical_size(pixels, "PhysicalSizeY");
    if (x && y) image.mpp = Mpp{*x, *y};
    image.objective_power = objective_power(root, node);
    read_pages(pixels, file_pages, next, image);
    image.other_file = other_file(root, pixels);
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace lamella::slide
