// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> wheel_paths() {
  std::vector<std::string> paths;
  std::error_code ignored;
  const fs::path folder = io::own_folder();
  if (folder.empty()) return paths;
  // Beside the Python package, then in the project's own environment.
  for (const char* up : {"../..", ".."}) {
    const fs::path file = (folder / up / "openslide_bin" / "libopenslide.so.1").lexically_normal();
    if (fs::exists(file, ignored)) paths.push_back(file.string());
  }
  for (const char* up : {"../..", ".."}) {
    const fs::path lib = (folder / up / ".venv" / "lib").lexically_normal();
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(lib, ignored)) {
      const fs::path file = entry.path() / "site-packages" / "openslide_bin" / "libopenslide.so.1";
      if (fs::exists(file, ignored)) found.push_back(file.string());
    }
    std::ranges::sort(found);
    paths.insert(paths.end(), found.begin(), found.end());
  }
  return paths;
}

template <typename Function>
bool resolve(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

std::unique_ptr<OpenSlideLibrary> load(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return nullptr;
  auto api = std::make_unique<OpenSlideLibrary>();
  const bool complete =
      resolve(library, "openslide_detect_vendor", api->detect_vendor) &&
      resolve(library, "openslide_open", api->open) &&
      resolve(library, "openslide_close", api->close) &&
      resolve(library, "openslide_get_error", api->get_error) &&
      resolve(library, "openslide_get_version", api->get_version) &&
      resolve(library, "openslide_get_level_count", api->get_level_count) &&
      resolve(library, "openslide_get_level_dimensions", api->get_level_dimensions) &&
      resolve(library, "openslide_get_level_downsample", api->get_level_downsample) &&
      resolve(library, "openslide_read_region", api->read_region) &&
      resolve(library, "openslide_get_property_names", api->get_property_names) &&
      resolve(library, "openslide_get_property_value", api->get_property_value) &&
      resolve(library, "openslide_get_associated_image_names", api->get_associated_image_names) &&
      resolve(library, "openslide_get_associated_image_dimensions",
              api->get_associated_image_dimensions) &&
      resolve(library, "openslide_read_associated_image", api->read_associated_image);
  if (!complete) {
    dlclose(library);
    return nullptr;
  }
  api->path = path;
  return api;
}

OpenSlideSearch search() {
  std::vector<std::string> candidates;
  if (const char* wanted = std::getenv("LAMELLA_OPENSLIDE"); wanted && *wanted) {
    candidates = {wanted};
  } else {
    candidates = wheel_paths();
    candidates.insert(candidates.end(), {"libopenslide.so.1", "libopenslide.so.0"});
  }
  OpenSlideSearch result;
  result.tried = join(candidates, ", ");
  for (const std::string& path : candidates) {
    if (auto api = load(path)) {
      result.library = api.release();  // lives as long as the program, as the library does
      break;
    }
  }
  return result;
}

}  // namespace

const OpenSlideSearch& openslide_library() {
  static const OpenSlideSearch result = search();
  return result;
}

std::string openslide_version() {
  const OpenSlideSearch& found = openslide_library();
  if (!found.library) {
    return "openslide is missing (looked for " + found.tried +
           "); install the package libopenslide0 or set LAMELLA_OPENSLIDE";
  }
  return std::string("openslide ") + found.library->get_version() + " (" + found.library->path +
         ")";
}

}  // namespace lamella::slide
