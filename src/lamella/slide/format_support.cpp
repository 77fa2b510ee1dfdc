// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "lamella/slide/formats_internal.h"
#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

namespace {

// What OpenSlide reads.
struct Known {
  const char* format;
  const char* files;
  int since;  // OpenSlide's major version
};

constexpr Known kKnown[] = {
    {"Hamamatsu", ".ndpi .vms .vmu", 3},
    {"Leica", ".scn", 3},
    {"MIRAX", ".mrxs", 3},
    {"Philips TIFF", ".tiff", 3},
    {"Sakura", ".svslide", 3},
    {"Trestle", ".tif", 3},
    {"Ventana", ".bif .tif", 3},
    {"DICOM whole-slide", ".dcm", 4},
    {"Zeiss", ".czi", 4},
};

}  // namespace

std::vector<FormatSupport> format_support() {
  const OpenSlideLibrary* library = openslide_library().library;
  const std::string version = library ? library->get_version() : "";
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  std::vector<FormatSupport> list;
  for (const Format* own : own_formats()) list.push_back({own->name, own->files, "lamella", ""});
  for (const Known& known : kKnown) {
    FormatSupport support{known.format, known.files, "", ""};
    if (library && major >= known.since) {
      support.backend = "openslide " + version;
    } else if (library) {
      support.missing = "needs OpenSlide 4, found " + version +
                        "; 'make setup' installs the package openslide-bin";
    } else {
      support.missing = openslide_version();
    }
    list.push_back(std::move(support));
  }
  return list;
}

}  // namespace lamella::slide
