// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/finetune_run.h"

#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/record/manifest.h"
#include "lamella/record/software.h"
#include "lamella/study/begin_record.h"
#include "lamella/study/input_list_internal.h"

namespace lamella::study {

namespace {

record::Inputs inputs_of(const Study& study, const FinetuneStart& start) {
  const InputSources sources{study.slides.table, centre_inputs(study), start.slides};
  record::Inputs list = {record::input_or_error("study", study.source.path, false)};
  for (record::Input& input : list_inputs(sources, [&](size_t i) {
         return record::input_or_error("slide", start.slides[i].path, false);
       })) {
    if (input.kind == "slide" && start.held_out.contains(input.patient_id.value_or(""))) {
      input.role = "held_out";
    }
    list.push_back(std::move(input));
  }
  return list;
}

record::Split split_of(const FinetuneStart& start, const record::Inputs& inputs) {
  record::Split split;
  for (const cohort::SlideEntry& entry : start.slides) {
    const bool held_out = start.held_out.contains(entry.patient_id);
    record::Cohort& cohort = split[held_out ? "held_out" : "train"];
    cohort.slides.push_back(entry.slide_id);
    cohort.patients.insert(entry.patient_id);
  }
  for (auto& [role, cohort] : split) cohort.digest = record::cohort_digest(inputs, role);
  return split;
}

}  // namespace

FinetuneRun::FinetuneRun(const Study& study, const FinetuneStart& start, int threads)
    : study_(study), record_(study.output + "/runs", study.name) {
  context_.warning = [this](const std::string& message) {
    const std::scoped_lock lock(mutex_);
    warnings_.push_back(message);
  };
  record::RunDocument& document = record_.document();
  begin_record(document, study, threads, false);
  document.options["verb"] = "finetune";
  document.options["finetune"].update(start.resolved);
  document.encoder = start.network;
  document.seeds["finetune.seed"] = study.learning.finetune.value_or(verbs::FinetuneOptions{}).seed;
  document.software = record::describe_software(start.libraries);
  document.inputs = inputs_of(study, start);
  document.split = split_of(start, document.inputs);
  write_begun(record_, study);
  try {
    begin_sending(start.client);
  } catch (const Error& error) {
    document.error = error.what();
    record_.finish(record::Status::kFailed);
    throw;
  }
}

void FinetuneRun::begin_sending(const mlflow::CallingClient& client) {
  record::RunDocument& document = record_.document();
  mlflow::PublishOptions options = mlflow::choose_server(
      document, study_.tracking, client, [this](const std::string& why) { warn(why); });
  if (options.uri.empty()) return;
  options.register_model = options.alias = "";  // there is no model yet: train makes one
  record_.write();
  // Not after hours of learning.
  if (options.required) mlflow::publish_run(document, record_.folder(), options, context_);
  follower_ = std::make_unique<mlflow::Follower>(options, record_.folder(), context_.cancel);
}

void FinetuneRun::take_warnings() {
  std::vector<std::string> taken = follower_->take_warnings();
  {
    const std::scoped_lock lock(mutex_);
    taken.insert(taken.end(), warnings_.begin(), warnings_.end());
    warnings_.clear();
  }
  for (const std::string& message : taken) warn(message);
}

void FinetuneRun::send() {
  record_.write();
  if (!follower_) return;
  take_warnings();
  follower_->post(record_.document());
}

nlohmann::json FinetuneRun::finish(record::Status status, const std::string& error,
                                   const std::vector<std::string>& outputs) {
  record::RunDocument& document = record_.document();
  if (!error.empty()) document.error = error;
  for (const std::string& name : outputs) {
    document.outputs.push_back({name, io::file_sha256(study_.output + "/" + name)});
  }
  record_.finish(status);
  if (!follower_) return nullptr;
  const auto published = follower_->finish(document, status == record::Status::kKilled, context_);
  take_warnings();
  record_.write();
  return published ? mlflow::to_json(*published) : nlohmann::json();
}

}  // namespace lamella::study
