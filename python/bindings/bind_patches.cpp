// SPDX-License-Identifier: Apache-2.0
// Batches of patches for whoever trains or encodes elsewhere.
#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <mutex>
#include <vector>

#include "call.h"
#include "lamella/base/error.h"
#include "lamella/patch/patch_extractor.h"
#include "lamella/verbs/extract.h"
#include "options.h"
#include "values.h"

namespace lamella::python {

namespace {

using patch::PatchBatch;

// Batches whose arrays Python has let go, to be filled again: fresh memory is slow to touch.
class BatchPool {
 public:
  static constexpr size_t kKept = 4;

  std::unique_ptr<PatchBatch> take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) return std::make_unique<PatchBatch>();
    auto batch = std::move(free_.back());
    free_.pop_back();
    return batch;
  }
  void give_back(std::unique_ptr<PatchBatch> batch) {
    const std::scoped_lock lock(mutex_);
    if (free_.size() < kKept) free_.push_back(std::move(batch));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<PatchBatch>> free_;
};

struct Lease {
  std::shared_ptr<BatchPool> pool;
  std::unique_ptr<PatchBatch> batch;
  ~Lease() { pool->give_back(std::move(batch)); }
};

nb::list failures_of(const patch::PatchExtractor& extractor) {
  nb::list list;
  for (const slide::RegionFailure& failure : extractor.failures()) {
    list.append(nb::make_tuple(failure.region, failure.message));
  }
  return list;
}

class BatchIterator {
 public:
  BatchIterator(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                const patch::ExtractOptions& options, int threads)
      : extractor_(std::move(slide), plan, options) {
    context_.threads = threads;
  }

  // (pixels, rows); StopIteration at the end.
  nb::tuple next() {
    auto batch = pool_->take();
    bool more = false;
    {
      const nb::gil_scoped_release release;
      more = extractor_.next(*batch, context_);
    }
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!more) throw nb::stop_iteration();
    auto* lease = new Lease{pool_, std::move(batch)};
    const nb::capsule owner(lease, [](void* p) noexcept { delete static_cast<Lease*>(p); });
    PatchBatch& filled = *lease->batch;
    const auto n = static_cast<size_t>(filled.count), px = static_cast<size_t>(filled.size_px);
    const auto views = static_cast<size_t>(filled.views);
    nb::object pixels;
    if (views == 1) {
      pixels = nb::cast(Array<uint8_t, nb::ndim<4>>(filled.pixels.data(), {n, px, px, 3}, owner));
    } else {
      pixels =
          nb::cast(Array<uint8_t, nb::ndim<5>>(filled.pixels.data(), {n, views, px, px, 3}, owner));
    }
    return nb::make_tuple(pixels, view<uint32_t>(filled.rows.data(), n, owner));
  }

  nb::list failures() const { return failures_of(extractor_); }

 private:
  patch::PatchExtractor extractor_;
  Context context_;
  std::shared_ptr<BatchPool> pool_ = std::make_shared<BatchPool>();
};

patch::ExtractOptions extract_options(int batch_size, int output_px, bool plan_order,
                                      const std::string& on_error) {
  patch::ExtractOptions options;
  options.batch_size = batch_size;
  options.output_px = output_px;
  options.plan_order = plan_order;
  if (on_error == "skip") {
    options.on_damage = slide::OnDamage::kSkip;
  } else if (on_error != "fail") {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("on_error: found '{}', expected fail or skip", on_error));
  }
  return options;
}

using Room = nb::ndarray<uint8_t, nb::shape<-1, -1, -1, 3>, nb::c_contig, nb::device::cpu>;
using Places = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Where each patch of the plan goes: pixels[at[row]].
std::vector<uint8_t*> places_in(const Room& pixels, const Places& at, int64_t patches,
                                int output_px) {
  const auto room = static_cast<int64_t>(pixels.shape(0));
  const auto height = static_cast<int64_t>(pixels.shape(1));
  const auto width = static_cast<int64_t>(pixels.shape(2));
  if (height != output_px || width != output_px || static_cast<int64_t>(at.shape(0)) != patches) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found room for patches of {} x {} px and {} places, expected {} x {} "
                            "px and {}",
                            width, height, at.shape(0), output_px, output_px, patches));
  }
  std::vector<bool> taken(static_cast<size_t>(room));
  std::vector<uint8_t*> places;
  for (int64_t row = 0; row < patches; ++row) {
    const int64_t place = at.data()[row];
    if (place < 0 || place >= room || taken[static_cast<size_t>(place)]) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("found the place {} for patch {}, expected one of 0 to {} that no "
                              "other patch has",
                              place, row, room - 1));
    }
    taken[static_cast<size_t>(place)] = true;
    places.push_back(pixels.data() + place * height * width * 3);
  }
  return places;
}

void bind_read_into(nb::module_& module) {
  const patch::ExtractOptions standard;
  module.def(
      "read_into",
      [](nb::object slide, const patch::PatchPlan& plan, const Room& pixels, const Places& at,
         int batch_size, int output_px, const std::string& on_error, std::optional<int> threads) {
        const auto options = extract_options(batch_size, output_px, false, on_error);
        patch::PatchExtractor extractor(slide_of(slide, {}), plan, options);
        const auto places = places_in(pixels, at, extractor.patch_count(), extractor.output_px());
        Context context;
        context.threads = Call(threads, nb::none()).threads();
        {
          const nb::gil_scoped_release release;
          extractor.read_all(places, context);
        }
        return failures_of(extractor);
      },
      nb::arg("slide"), nb::arg("plan"), nb::arg("pixels").noconvert(), nb::arg("at"),
      nb::kw_only(), nb::arg("batch_size") = standard.batch_size,
      nb::arg("output_px") = standard.output_px, nb::arg("on_error") = "fail",
      nb::arg("threads") = nb::none(),
      "Reads all patches of a plan, row by row to pixels[at[row]] of a uint8 array n x h x w x 3. "
      "Returns (row, message) of those left out, with on_error=\"skip\"; their pixels may be "
      "anything.");
}

nb::dict extract_verb(const std::shared_ptr<const slide::Slide>& slide,
                      const patch::PatchPlan& plan, const verbs::ExtractFilesOptions& options,
                      const Call& call) {
  const verbs::Extracted made = call.run(
      [&](const Context& context) { return verbs::extract_files(slide, plan, options, context); });
  nb::dict result;
  result["slide_id"] = plan.slide_id;
  result["patches"] = made.patches;
  result["failed"] = made.failures.size();
  result["tiles_decoded"] = made.tiles_decoded;
  result["seconds"] = made.seconds;
  return result;
}

void bind_extract(nb::module_& module) {
  const OptionList& list = verbs::ExtractFilesOptions::table().list();
  const std::string signature =
      "def extract(slide: Slide | str | os.PathLike, plan: Plan, out: str | os.PathLike, *" +
      keywords_of(list) +
      ", slide_mpp: float | None = None, threads: int | None = None, progress: object = None) "
      "-> dict[str, object]";
  const std::string text =
      "Writes a plan's patches as files into the folder `out`, as the command lamella extract. "
      "Returns patches, failed, tiles_decoded and seconds." +
      docs_of(list);
  module.def(
      "extract",
      [](nb::object slide, const patch::PatchPlan& plan, const std::filesystem::path& out,
         std::optional<double> slide_mpp, std::optional<int> threads, nb::object progress,
         nb::kwargs given) {
        verbs::ExtractFilesOptions options;
        set_options(options, given, "extract");
        options.files.folder = out.string();
        return extract_verb(slide_of(slide, slide_mpp), plan, options,
                            Call(threads, std::move(progress)));
      },
      nb::arg("slide"), nb::arg("plan"), nb::arg("out"), nb::kw_only(),
      nb::arg("slide_mpp") = nb::none(), nb::arg("threads") = nb::none(),
      nb::arg("progress") = nb::none(), nb::arg("options"), nb::sig(signature.c_str()),
      text.c_str());
}

}  // namespace

void bind_patches(nb::module_& module) {
  bind_extract(module);
  bind_read_into(module);
  const patch::ExtractOptions standard;
  nb::class_<BatchIterator>(module, "BatchIterator",
                            "(pixels, rows) of batch after batch: n x h x w x 3 uint8 (n x v x h x "
                            "w x 3 with v fields of view) and the n rows of the plan.")
      .def(
          "__init__",
          [](BatchIterator* self, nb::object slide, const patch::PatchPlan& plan, int batch_size,
             int output_px, bool plan_order, const std::string& on_error,
             std::optional<int> threads) {
            const auto options = extract_options(batch_size, output_px, plan_order, on_error);
            new (self) BatchIterator(slide_of(slide, {}), plan, options,
                                     Call(threads, nb::none()).threads());
          },
          nb::arg("slide"), nb::arg("plan"), nb::kw_only(),
          nb::arg("batch_size") = standard.batch_size, nb::arg("output_px") = standard.output_px,
          nb::arg("plan_order") = standard.plan_order, nb::arg("on_error") = "fail",
          nb::arg("threads") = nb::none())
      .def(
          "__iter__", [](nb::object self) { return self; },
          nb::sig("def __iter__(self) -> BatchIterator"))
      .def("__next__", &BatchIterator::next,
           nb::sig("def __next__(self) -> tuple[numpy.typing.NDArray[numpy.uint8], "
                   "numpy.typing.NDArray[numpy.uint32]]"))
      .def_prop_ro("failures", &BatchIterator::failures,
                   "(row, message) of patches left out so far, with on_error=\"skip\".");
}

}  // namespace lamella::python
