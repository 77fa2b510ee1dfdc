// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/array.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "call.h"
#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/io/address.h"
#include "lamella/io/files.h"
#include "values.h"

namespace lamella::python {

namespace {

constexpr int kNotebookPx = 512;

std::string backend_name(slide::OpenOptions::Backend backend) {
  switch (backend) {
    case slide::OpenOptions::Backend::kLamella:
      return "lamella";
    case slide::OpenOptions::Backend::kOpenSlide:
      return "openslide";
    default:
      return "auto";
  }
}

slide::OpenOptions open_options(std::optional<double> mpp, const std::string& backend,
                                const std::optional<std::string>& image,
                                const std::string& fetch_to) {
  slide::OpenOptions options;
  options.fetch_to = fetch_to;
  options.mpp = mpp;
  options.image = image.value_or("");
  if (backend == "lamella") {
    options.backend = slide::OpenOptions::Backend::kLamella;
  } else if (backend == "openslide") {
    options.backend = slide::OpenOptions::Backend::kOpenSlide;
  } else if (backend != "auto") {
    throw Error(ErrorCode::kInvalidArgument,
                "backend: found '" + backend + "', expected auto, lamella or openslide");
  }
  return options;
}

// x, y in level-0 px; width, height in px of the level.
Image read_part(const slide::Slide& slide, int64_t x, int64_t y, int64_t width, int64_t height,
                int level) {
  const slide::SlideInfo& info = slide.info();
  if (level < 0 || static_cast<size_t>(level) >= info.levels.size()) {
    throw Error(ErrorCode::kNotFound,
                "found level " + std::to_string(level) + ", expected 0 to " +
                    std::to_string(info.levels.size() - 1),
                info.path);
  }
  const slide::LevelInfo& at = info.levels[static_cast<size_t>(level)];
  const auto to_level = [](int64_t px, double downsample) {
    return static_cast<int64_t>(std::llround(static_cast<double>(px) / downsample));
  };
  return slide::read_region(
      slide, level, {to_level(x, at.downsample_x), to_level(y, at.downsample_y), width, height});
}

std::pair<int64_t, int64_t> pair_of(const SizePx& size) { return {size.width, size.height}; }

std::string slide_repr(SlideHandle& self) {
  const std::string path = without_credentials(self.path());
  if (self.closed()) return "Slide('" + path + "', closed)";
  const slide::SlideInfo& info = self.get()->info();
  std::string text = "Slide('" + path + "', " + std::to_string(info.size_px().width) + " x " +
                     std::to_string(info.size_px().height) + " px, " +
                     std::to_string(info.levels.size()) + " levels";
  if (info.mpp) text += ", " + nb::cast<std::string>(nb::str(nb::float_(info.mpp->x))) + " µm/px";
  return text + ")";
}

// Path, mpp, backend, fingerprint, closed, image, fetch_to.
using SlideState = std::tuple<std::string, std::optional<double>, std::string, std::string, bool,
                              std::string, std::string>;

void bind_reading(nb::class_<SlideHandle>& slide) {
  slide
      .def(
          "read_region",
          [](SlideHandle& self, int64_t x, int64_t y, int64_t width, int64_t height, int level) {
            const auto opened = self.get();
            Image image;
            {
              const nb::gil_scoped_release release;
              image = read_part(*opened, x, y, width, height, level);
            }
            return to_array(std::move(image));
          },
          nb::arg("x"), nb::arg("y"), nb::arg("width"), nb::arg("height"), nb::kw_only(),
          nb::arg("level") = 0,
          "RGB pixels, height x width x 3 uint8. x, y: top-left in level-0 px; width, height: px "
          "of the level. Outside the slide is white.")
      .def(
          "thumbnail",
          [](SlideHandle& self, int max_px, std::optional<int> threads) {
            const auto opened = self.get();
            Image image;
            {
              const nb::gil_scoped_release release;
              image = slide::read_thumbnail(*opened, max_px, threads.value_or(available_threads()));
            }
            return to_array(std::move(image));
          },
          nb::arg("max_px") = kNotebookPx, nb::kw_only(), nb::arg("threads") = nb::none(),
          "The whole slide, at most max_px on its longer side, height x width x 3 uint8.")
      .def(
          "associated_image",
          [](SlideHandle& self, const std::string& name) {
            const auto opened = self.get();
            return to_array(opened->read_associated_image(name));
          },
          nb::arg("name"), "Label, macro or thumbnail as stored; see associated_images.")
      .def("_repr_png_", [](SlideHandle& self) {
        return png_bytes(slide::read_thumbnail(*self.get(), kNotebookPx, 1));
      });
}

void bind_facts(nb::class_<SlideHandle>& slide) {
  slide.def_prop_ro("path", [](SlideHandle& self) { return without_credentials(self.path()); })
      .def_prop_ro(
          "size", [](SlideHandle& self) { return pair_of(self.get()->info().size_px()); },
          "Width and height in level-0 px.")
      .def_prop_ro("levels", [](SlideHandle& self) { return self.get()->info().levels; })
      .def_prop_ro(
          "mpp",
          [](SlideHandle& self) -> std::optional<std::pair<double, double>> {
            const auto& mpp = self.get()->info().mpp;
            if (!mpp) return {};
            return std::pair(mpp->x, mpp->y);
          },
          "µm per level-0 px, x and y; None if unknown.")
      .def_prop_ro("mpp_source",
                   [](SlideHandle& self) {
                     return std::string(slide::to_string(self.get()->info().mpp_source));
                   })
      .def_prop_ro("format", [](SlideHandle& self) { return self.get()->info().format; })
      .def_prop_ro("backend", [](SlideHandle& self) { return self.get()->info().backend; })
      .def_prop_ro("properties", [](SlideHandle& self) { return self.get()->info().properties; })
      .def_prop_ro("associated_images",
                   [](SlideHandle& self) { return self.get()->info().associated_images; })
      .def_prop_ro(
          "layout", [](SlideHandle& self) { return self.get()->info().layout; },
          "How the levels were found: 'Aperio', 'OME-TIFF, levels in SubIFDs' ...")
      .def_prop_ro(
          "images",
          [](SlideHandle& self) {
            std::vector<std::tuple<std::string, std::pair<int64_t, int64_t>, int>> images;
            for (const slide::ImageInfo& image : self.get()->info().images) {
              images.emplace_back(image.name, pair_of(image.size_px), image.levels);
            }
            return images;
          },
          "The images that a TIFF holds: name, size in px, number of levels.")
      .def_prop_ro(
          "image", [](SlideHandle& self) { return self.get()->info().image; },
          "Which of the images this slide is.")
      .def_prop_ro(
          "warnings", [](SlideHandle& self) { return self.get()->info().warnings; },
          "What the reader adapted or doubts.")
      .def_prop_ro(
          "icc_profile",
          [](SlideHandle& self) -> std::optional<std::pair<std::string, std::string>> {
            const auto& icc = self.get()->info().icc;
            if (!icc) return {};
            return std::pair(icc->name, icc->sha256);
          },
          "Name and SHA-256 of the file's colour profile, which is not applied; None without one.")
      .def_prop_ro("objective_power",
                   [](SlideHandle& self) { return self.get()->info().objective_power; })
      .def_prop_ro("fingerprint", [](SlideHandle& self) { return self.get()->info().fingerprint; })
      .def_prop_ro("closed", &SlideHandle::closed);
}

}  // namespace

namespace {

// Opening what lies in a store may take a while, in which Ctrl-C must be heard.
std::shared_ptr<const slide::Slide> open_for_python(const std::string& path,
                                                    const slide::OpenOptions& options) {
  if (!io::is_address(path)) return slide::open_slide(path, options);
  return Call(1, nb::none()).run([&](const Context&) { return slide::open_slide(path, options); });
}

}  // namespace

SlideHandle::SlideHandle(std::string path, slide::OpenOptions options, std::string fingerprint)
    : path_(std::move(path)), options_(options), fingerprint_(std::move(fingerprint)) {}

std::shared_ptr<const slide::Slide> SlideHandle::get() {
  if (closed_) {
    throw Error(ErrorCode::kInvalidArgument, "the slide is closed; open it again", path_);
  }
  if (slide_ && process_ == ::getpid()) return slide_;
  // What a forked process inherits is its parent's: never used, never freed.
  if (slide_) new std::shared_ptr<const slide::Slide>(std::move(slide_));
  auto opened = open_for_python(path_, options_);
  if (!fingerprint_.empty() && fingerprint_ != opened->info().fingerprint) {
    throw Error(ErrorCode::kMismatch,
                "found another file than the one that was first opened (its fingerprint "
                "differs); open the slide again",
                path_);
  }
  fingerprint_ = opened->info().fingerprint;
  slide_ = std::move(opened);
  process_ = ::getpid();
  return slide_;
}

void SlideHandle::close() {
  slide_.reset();
  closed_ = true;
}

std::shared_ptr<const slide::Slide> slide_of(nb::handle slide, std::optional<double> mpp) {
  if (nb::isinstance<SlideHandle>(slide)) {
    if (mpp) {
      throw Error(ErrorCode::kInvalidArgument,
                  "slide_mpp was given beside an opened slide; give it to Slide(path, mpp=...)");
    }
    return nb::cast<SlideHandle&>(slide).get();
  }
  slide::OpenOptions options;
  options.mpp = mpp;
  return open_for_python(nb::cast<std::filesystem::path>(slide).string(), options);
}

std::string slide_id_of(const slide::Slide& slide, const std::optional<std::string>& given) {
  return given.value_or(io::stem(slide.info().path));
}

Pixels to_array(Image image) {
  auto* kept = new Image(std::move(image));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<Image*>(p); });
  return Pixels(kept->row(0),
                {static_cast<size_t>(kept->height()), static_cast<size_t>(kept->width()),
                 static_cast<size_t>(kept->channels())},
                owner);
}

void bind_slide(nb::module_& module) {
  nb::class_<slide::LevelInfo>(module, "Level", "One level of a slide's pyramid.")
      .def_prop_ro("size", [](const slide::LevelInfo& self) { return pair_of(self.size_px); })
      .def_prop_ro("downsample",
                   [](const slide::LevelInfo& self) {
                     return std::pair(self.downsample_x, self.downsample_y);
                   })
      .def_prop_ro("tile", [](const slide::LevelInfo& self) { return pair_of(self.tile_px); })
      .def_ro("compression", &slide::LevelInfo::compression)
      .def("__repr__", [](const slide::LevelInfo& self) {
        return "Level(" + std::to_string(self.size_px.width) + " x " +
               std::to_string(self.size_px.height) + " px, " + self.compression + ")";
      });
  nb::class_<SlideHandle> slide(
      module, "Slide",
      "One whole-slide image. May be shared by threads, pickled, used after fork and in spawned "
      "processes: it opens again where it is used.");
  slide
      .def(
          "__init__",
          [](SlideHandle* self, const std::filesystem::path& path, std::optional<double> mpp,
             const std::string& backend, const std::optional<std::string>& image,
             const std::optional<std::filesystem::path>& fetch_to) {
            const std::string copies = fetch_to ? fetch_to->string() : "";
            new (self) SlideHandle(path.string(), open_options(mpp, backend, image, copies));
            self->get();
          },
          nb::arg("path"), nb::kw_only(), nb::arg("mpp") = nb::none(), nb::arg("backend") = "auto",
          nb::arg("image") = nb::none(), nb::arg("fetch_to") = nb::none(),
          "path: a file, or the address of an object as text (s3://, gs://, az://, abfss://, "
          "https://, "
          "http://). mpp: µm per pixel at level 0, wins over the file's. backend: auto, lamella, "
          "openslide. "
          "image: number or name, where a TIFF holds several (see images). "
          "fetch_to: folder for a copy of an object that cannot be read where it lies.")
      .def("close", &SlideHandle::close)
      .def(
          "__enter__", [](nb::object self) { return self; },
          nb::sig("def __enter__(self) -> Slide"))
      .def(
          "__exit__", [](SlideHandle& self, nb::handle, nb::handle, nb::handle) { self.close(); },
          nb::arg("kind").none(), nb::arg("value").none(), nb::arg("trace").none())
      .def("__repr__", slide_repr)
      .def("__getstate__",
           [](SlideHandle& self) -> SlideState {
             return {self.path(),
                     self.options().mpp,
                     backend_name(self.options().backend),
                     self.fingerprint(),
                     self.closed(),
                     self.options().image,
                     self.options().fetch_to};
           })
      .def("__setstate__", [](SlideHandle& self, const SlideState& state) {
        new (&self) SlideHandle(std::get<0>(state),
                                open_options(std::get<1>(state), std::get<2>(state),
                                             std::get<5>(state), std::get<6>(state)),
                                std::get<3>(state));
        if (std::get<4>(state)) self.close();
      });
  bind_facts(slide);
  bind_reading(slide);
}

}  // namespace lamella::python
