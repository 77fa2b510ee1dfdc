// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

namespace {

struct Known {
  const char* format;
  const char* files;
  int since;  // OpenSlide's major version; 0: read by lamella itself
};

constexpr Known kKnown[] = {
    {"Aperio", ".svs", 0},
    {"TIFF and BigTIFF, pyramidal or not", ".tif .tiff", 0},
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
  for (const Known& known : kKnown) {
    FormatSupport support{known.format, known.files, "", ""};
    if (known.since == 0) {
      support.backend = "lamella";
    } else if (library && major >= known.since) {
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
