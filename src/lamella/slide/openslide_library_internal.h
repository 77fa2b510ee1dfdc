// SPDX-License-Identifier: Apache-2.0
// OpenSlide's functions, found in its shared library at run time. Prototypes as documented by
// OpenSlide's C API; a handle is used by one thread at a time
// (OpenSlide allows more; its DICOM reader does not bear it).
#pragma once

#include <cstdint>
#include <string>

namespace lamella::slide {

struct openslide_handle;  // OpenSlide's openslide_t

struct OpenSlideLibrary {
  const char* (*detect_vendor)(const char* path);
  openslide_handle* (*open)(const char* path);
  void (*close)(openslide_handle*);
  const char* (*get_error)(openslide_handle*);
  const char* (*get_version)();
  int32_t (*get_level_count)(openslide_handle*);
  void (*get_level_dimensions)(openslide_handle*, int32_t level, int64_t* width, int64_t* height);
  double (*get_level_downsample)(openslide_handle*, int32_t level);
  void (*read_region)(openslide_handle*, uint32_t* out, int64_t x0, int64_t y0, int32_t level,
                      int64_t width, int64_t height);
  const char* const* (*get_property_names)(openslide_handle*);
  const char* (*get_property_value)(openslide_handle*, const char* name);
  const char* const* (*get_associated_image_names)(openslide_handle*);
  void (*get_associated_image_dimensions)(openslide_handle*, const char* name, int64_t* width,
                                          int64_t* height);
  void (*read_associated_image)(openslide_handle*, const char* name, uint32_t* out);
  std::string path;  // of the library
};

struct OpenSlideSearch {
  const OpenSlideLibrary* library = nullptr;  // never unloaded; null if none was found
  std::string tried;                          // what was looked for, for messages
};

// Looks once, in this order: $LAMELLA_OPENSLIDE (if set, only that), the openslide-bin wheel in
// .venv two folders or one above the program's, the system's libopenslide.so.1, .so.0.
const OpenSlideSearch& openslide_library();

}  // namespace lamella::slide
