// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <mutex>

#include "call.h"
#include "lamella/base/error.h"
#include "lamella/encoder/encoder.h"
#include "lamella/patch/left_out.h"
#include "lamella/study/study_file.h"
#include "lamella/verbs/encode.h"
#include "lamella/verbs/verb_options.h"
#include "loaded_encoder.h"
#include "options.h"
#include "values.h"

namespace lamella::python {

namespace {

using storage::FeatureFile;

// What becomes of the features besides the value.
struct EncodeTo {
  std::optional<std::filesystem::path> out;
  verbs::EncodeOptions options;
};

FeatureFile encode_verb(const std::shared_ptr<const slide::Slide>& slide,
                        const patch::PatchPlan& plan, LoadedEncoder& loaded, const EncodeTo& to,
                        const Call& call) {
  verbs::EncodeFileOptions options;
  options.type = to.options.encoding.features_dtype;
  options.how = {to.options.damage.on_damage, to.options.encoding.int8_check};
  return call.run([&](const Context& context) {
    const auto lock = loaded.use();
    if (!to.out) {
      return verbs::encode_slide(slide, plan, loaded.encoder(), options.how, context);
    }
    const std::string path = to.out->string();
    verbs::encode_file(slide, plan, loaded.encoder(), options, path, context);
    return storage::read_features(path);
  });
}

FeatureFile features_of(
    const patch::PatchPlan& plan,
    const nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>& values,
    const std::string& feature_space, const std::string& precision,
    const std::map<int64_t, std::string>& left_out) {
  std::vector<slide::RegionFailure> failures;
  for (const auto& [row, cause] : left_out) {
    if (row < 0 || row >= static_cast<int64_t>(plan.rows.size())) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("left_out: found row {}, expected 0 to {}", row,
                              static_cast<int64_t>(plan.rows.size()) - 1));
    }
    failures.push_back({static_cast<size_t>(row), cause});
  }
  FeatureFile file;
  file.plan = patch::without_left_out(plan, failures);
  patch::require_rows_left(file.plan);
  if (values.shape(0) != file.plan.rows.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} rows of features, expected the plan's {}", values.shape(0),
                            file.plan.rows.size()));
  }
  file.features.rows = static_cast<int64_t>(values.shape(0));
  file.features.columns = static_cast<int64_t>(values.shape(1));
  file.features.values.assign(values.data(), values.data() + values.size());
  file.features.feature_space = feature_space;
  file.features.precision = precision;
  return file;
}

// The plan's columns and the vectors, whose memory is the features' own.
nb::capsule features_stream(nb::handle self, nb::handle) {
  const FeatureFile& file = nb::cast<FeatureFile&>(self);
  std::vector<ArrowColumn> columns = plan_columns(file.plan);
  columns.push_back(arrow_column("features", file.features.values.data(), keep_alive(self),
                                 file.features.columns));
  return arrow_stream(file.features.rows, std::move(columns),
                      {{"slide_id", file.plan.slide_id},
                       {"slide_path", file.plan.slide_path},
                       {"feature_space", file.features.feature_space},
                       {"precision", file.features.precision}});
}

void bind_features(nb::module_& module) {
  nb::class_<FeatureFile>(module, "Features",
                          "Feature vectors of a plan's patches; values shows their own memory.")
      .def("__len__", [](const FeatureFile& self) { return self.features.rows; })
      .def("__repr__",
           [](const FeatureFile& self) {
             return fmt::format("Features('{}', {} x {}, {})", self.plan.slide_id,
                                self.features.rows, self.features.columns, self.features.precision);
           })
      .def_prop_ro(
          "values",
          [](nb::handle self) {
            const auto& features = nb::cast<FeatureFile&>(self).features;
            return Array<const float, nb::ndim<2>>(
                features.values.data(),
                {static_cast<size_t>(features.rows), static_cast<size_t>(features.columns)}, self);
          },
          "n x d float32.")
      .def("__arrow_c_stream__", features_stream, nb::arg("requested_schema") = nb::none(),
           "Plan and vectors as a table of Arrow, the vectors without a copy.")
      .def_ro("plan", &FeatureFile::plan)
      .def_prop_ro("slide_id", [](const FeatureFile& self) { return self.plan.slide_id; })
      .def_prop_ro("feature_space",
                   [](const FeatureFile& self) { return self.features.feature_space; })
      .def_prop_ro("precision", [](const FeatureFile& self) { return self.features.precision; })
      .def(
          "save",
          [](const FeatureFile& self, const std::filesystem::path& path, const std::string& key,
             const std::string& dtype) {
            storage::write_features(self, key, path.string(), storage::parse_feature_type(dtype));
          },
          nb::arg("path"), nb::kw_only(), nb::arg("key") = "", nb::arg("dtype") = "float32",
          "As lamella encode --out. key: what a study finds a finished piece by.")
      .def_static(
          "load",
          [](const std::filesystem::path& path) { return storage::read_features(path.string()); },
          nb::arg("path"))
      .def_static(
          "from_arrays", features_of, nb::arg("plan"), nb::arg("values"), nb::kw_only(),
          nb::arg("feature_space"), nb::arg("precision") = "f32",
          nb::arg("left_out") = std::map<int64_t, std::string>{},
          "Features made elsewhere: n x d float32 in the plan's order. left_out: rows of the "
          "plan that could not be read, and why; values lack them.")
      .def("__getstate__",
           [](const FeatureFile& self) { return bytes_of(storage::features_to_bytes(self)); })
      .def("__setstate__", [](FeatureFile& self, const nb::bytes& bytes) {
        new (&self) FeatureFile(storage::features_from_bytes(text_of(bytes)));
      });
}

void bind_encoder_info(nb::module_& module) {
  using encoder::EncoderInfo;
  nb::class_<EncoderInfo>(module, "EncoderInfo",
                          "An encoder that was found and whose network has the right hash; it is "
                          "not loaded.")
      .def(
          "__init__",
          [](EncoderInfo* self, const std::string& encoder) {
            new (self) EncoderInfo(encoder::find_encoder(encoder));
          },
          nb::arg("encoder"), "encoder: name or folder.")
      .def_prop_ro("name", [](const EncoderInfo& self) { return self.name; })
      .def_prop_ro("folder", [](const EncoderInfo& self) { return self.folder; })
      .def_prop_ro(
          "network_space", [](const EncoderInfo& self) { return encoder::network_space(self); },
          "Network with its hash, preprocessing, outputs and views: what makes features alike.")
      .def(
          "resolve_precision",
          [](const EncoderInfo& self, const std::string& precision) {
            return std::string(encoder::to_string(
                encoder::resolve_precision(encoder::parse_precision(precision), self)));
          },
          nb::arg("precision"), "What is run here if this is asked for.");
}

void bind_encoder_class(nb::module_& module) {
  const study::Study standard;
  nb::class_<LoadedEncoder> bound(
      module, "Encoder", "A network, loaded once for many calls. One call uses it at a time.");
  bind_callable_encoder(bound);
  bound
      .def(
          "__init__",
          [](LoadedEncoder* self, const std::filesystem::path& encoder,
             const std::string& precision, std::optional<int> threads) {
            const Call call(threads, nb::none());
            new (self) LoadedEncoder(encoder::find_encoder(encoder.string()),
                                     encoder::parse_precision(precision), call.threads());
          },
          nb::arg("encoder") = std::filesystem::path(standard.encoder.name), nb::kw_only(),
          nb::arg("precision") =
              std::string(encoder::to_string(standard.encoder.options.precision)),
          nb::arg("threads") = nb::none(), "encoder: name or folder.")
      .def_static(
          "defaults",
          [] {
            const study::Study study;
            return nb::make_tuple(study.encoder.name,
                                  std::string(encoder::to_string(study.encoder.options.precision)));
          },
          "Name and precision of the encoder that is used where none is named.")
      .def_prop_ro("name", [](const LoadedEncoder& self) { return self.info().name; })
      .def_prop_ro("folder", [](const LoadedEncoder& self) { return self.info().folder; })
      .def_prop_ro("sha256", [](const LoadedEncoder& self) { return self.info().sha256; })
      .def_prop_ro(
          "network_space",
          [](const LoadedEncoder& self) { return encoder::network_space(self.info()); },
          "Network with its hash, preprocessing, outputs and views: what makes features alike.")
      .def_prop_ro("input_px", [](const LoadedEncoder& self) { return self.info().input_px; })
      .def_prop_ro("dimension", [](const LoadedEncoder& self) { return self.info().dimension; })
      .def_prop_ro("precision",
                   [](LoadedEncoder& self) {
                     return std::string(encoder::to_string(self.encoder().precision()));
                   })
      .def(
          "feature_space",
          [](const LoadedEncoder& self, const patch::PatchPlan& plan) {
            return encoder::feature_space(self.info(), plan);
          },
          nb::arg("plan"));
}

}  // namespace

LoadedEncoder::LoadedEncoder(encoder::EncoderInfo info, encoder::Precision precision, int streams)
    : info_(std::move(info)),
      encoder_(encoder::load_encoder(info_, precision, streams)),
      process_(::getpid()) {}

LoadedEncoder::LoadedEncoder(encoder::EncoderInfo info, std::unique_ptr<encoder::Encoder> loaded)
    : info_(std::move(info)), encoder_(std::move(loaded)), process_(::getpid()) {}

encoder::Encoder& LoadedEncoder::encoder() {
  if (process_ != ::getpid()) {
    throw Error(ErrorCode::kInvalidArgument,
                "the encoder was loaded before this process was forked, and its threads are not "
                "here; load it in this process, or start processes by spawn");
  }
  return *encoder_;
}

std::shared_ptr<LoadedEncoder> loaded_encoder_of(nb::handle encoder, const std::string& precision,
                                                 const Call& call) {
  if (nb::isinstance<LoadedEncoder>(encoder)) {
    return nb::cast<std::shared_ptr<LoadedEncoder>>(encoder);
  }
  const std::string name = nb::cast<std::filesystem::path>(encoder).string();
  return call.run([&](const Context& context) {
    return std::make_shared<LoadedEncoder>(encoder::find_encoder(name),
                                           encoder::parse_precision(precision), context.threads);
  });
}

void bind_encode(nb::module_& module) {
  bind_features(module);
  bind_encoder_info(module);
  bind_encoder_class(module);
  const study::Study standard;
  const OptionList& list = verbs::EncodeOptions::table().list();
  const std::string signature =
      "def encode(slide: Slide | str | os.PathLike, plan: Plan, *, "
      "encoder: Encoder | str | os.PathLike = '" +
      standard.encoder.name + "'" + keywords_of(list) +
      ", out: str | os.PathLike | None = None, slide_mpp: float | None = None, "
      "threads: int | None = None, progress: object = None) -> Features";
  const std::string text =
      "Turns a plan's patches into feature vectors. encoder: a name, a folder, or an Encoder. out: "
      "the feature file of lamella encode, written as the work goes on, so that a killed process's "
      "is gone on with." +
      docs_of(list);
  module.def(
      "encode",
      [](nb::object slide, const patch::PatchPlan& plan, nb::object encoder,
         std::optional<std::filesystem::path> out, std::optional<double> slide_mpp,
         std::optional<int> threads, nb::object progress, nb::kwargs given) {
        verbs::EncodeOptions options;
        set_options({&verbs::EncodeOptions::table().list(), &options}, given, "encode");
        const Call call(threads, std::move(progress));
        const auto opened = slide_of(slide, slide_mpp);
        const std::string precision(to_string(options.encoding.precision));
        return encode_verb(opened, plan, *loaded_encoder_of(encoder, precision, call),
                           {std::move(out), options}, call);
      },
      nb::arg("slide"), nb::arg("plan"), nb::kw_only(), nb::arg("encoder") = standard.encoder.name,
      nb::arg("out") = nb::none(), nb::arg("slide_mpp") = nb::none(),
      nb::arg("threads") = nb::none(), nb::arg("progress") = nb::none(), nb::arg("options"),
      nb::sig(signature.c_str()), text.c_str());
  module.def(
      "check_encode_options",
      [](nb::kwargs given) {
        verbs::EncodeOptions options;
        set_options({&verbs::EncodeOptions::table().list(), &options}, given, "encode");
      },
      nb::arg("options"), nb::sig("def check_encode_options(**options: object) -> None"),
      "The errors of encode's options, before any slide is looked for.");
}

}  // namespace lamella::python
