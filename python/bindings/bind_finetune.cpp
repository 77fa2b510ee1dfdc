// SPDX-License-Identifier: Apache-2.0
// Fine-tuning: the verb's options, and its record. The work is Python's (lamella.finetuning).
#include "bind_finetune.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/set.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bind_search.h"
#include "call.h"
#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/base/option_json.h"
#include "lamella/study/finetune_run.h"
#include "lamella/verbs/finetune_options.h"
#include "options.h"
#include "values.h"

namespace lamella::python {

namespace {

using study::FinetuneRun;
using verbs::FinetuneOptions;

record::Status status_of(const std::string& text) {
  for (const record::Status status :
       {record::Status::kFinished, record::Status::kFailed, record::Status::kKilled}) {
    if (record::to_string(status) == text) return status;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "status: found '" + text + "', expected FINISHED, FAILED or KILLED");
}

void bind_run(nb::module_& module) {
  nb::class_<FinetuneRun>(module, "FinetuneRun", "The record of a fine-tuning while it goes on.")
      .def(
          "__init__",
          [](FinetuneRun* self, const study::Study& study, std::vector<cohort::SlideEntry> slides,
             std::set<std::string> held_out, std::map<std::string, std::string> network,
             int64_t dimension, std::map<std::string, std::string> libraries,
             const std::string& resolved, int threads,
             const std::map<std::string, std::string>& client) {
            study::FinetuneStart start{
                std::move(slides),    std::move(held_out),  {},
                std::move(libraries), parse_json(resolved), calling_client(client)};
            start.network = {network["name"],    network["sha256"],    network["source"],
                             network["licence"], network["precision"], dimension};
            new (self) FinetuneRun(study, start, threads);
          },
          nb::arg("study"), nb::arg("slides"), nb::arg("held_out"), nb::arg("network"),
          nb::arg("dimension"), nb::arg("libraries"), nb::arg("resolved"), nb::arg("threads"),
          nb::arg("client"))
      .def_prop_ro("folder", [](const FinetuneRun& self) { return self.folder(); })
      .def("measure", &FinetuneRun::measure, nb::arg("key"), nb::arg("value"), nb::arg("step"))
      .def("log", &FinetuneRun::log, nb::arg("message"))
      .def("warn", &FinetuneRun::warn, nb::arg("message"))
      .def("send", &FinetuneRun::send, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "finish",
          [](FinetuneRun& self, const std::string& status, const std::string& error,
             const std::vector<std::string>& outputs) {
            const nb::gil_scoped_release release;
            return self.finish(status_of(status), error, outputs).dump();
          },
          nb::arg("status"), nb::arg("error"), nb::arg("outputs"),
          "Returns where it was sent, as JSON.");
}

std::vector<std::string> overrides_of(const nb::kwargs& given) {
  FinetuneOptions options;
  set_options(options, given, "finetune");
  return verbs::finetune_overrides(
      options, [&](const std::string& name) { return given.contains(python_name(name).c_str()); });
}

}  // namespace

void bind_finetune(nb::module_& module) {
  bind_run(module);
  module.def(
      "finetune_json",
      [](const study::Study& study) {
        return json_of_options(study.learning.finetune.value_or(FinetuneOptions{})).dump();
      },
      nb::arg("study"), "The study's [finetune] as resolved.");
  const OptionList& list = FinetuneOptions::table().list();
  const std::string signature =
      "def finetune(study: str | os.PathLike, *" + keywords_of(list) +
      ", overrides: collections.abc.Mapping[str, object] | collections.abc.Iterable[str] = (), "
      "threads: int | None = None, progress: object = None) -> dict[str, object]";
  const std::string text =
      "Learns an encoder from the study's labelled training patches, as the command lamella "
      "finetune; what was stopped goes on from its last checkpoint. Options that are not given are "
      "those of the study's [finetune]. In a process of torchrun it is one of several. Needs "
      "PyTorch. Returns encoder (its folder), run_dir, epochs, metrics." +
      docs_of(list);
  module.def(
      "finetune_overrides", [](const nb::kwargs& given) { return overrides_of(given); },
      nb::arg("options"), nb::sig("def finetune_overrides(**options: object) -> list[str]"),
      "Options of finetune as overrides of a study.");
  module.def(
      "finetune",
      [](const std::filesystem::path& path, nb::object overrides, nb::object threads,
         nb::object progress, const nb::kwargs& given) {
        const std::vector<std::string> own = overrides_of(given);
        return nb::module_::import_("lamella.finetuning")
            .attr("run")(path.string(), overrides, own, threads, progress);
      },
      nb::arg("study"), nb::kw_only(), nb::arg("overrides") = nb::tuple(),
      nb::arg("threads") = nb::none(), nb::arg("progress") = nb::none(), nb::arg("options"),
      nb::sig(signature.c_str()), text.c_str());
}

}  // namespace lamella::python
