// SPDX-License-Identifier: Apache-2.0
#include "lamella/search/search_trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/base/text.h"
#include "lamella/encoder/encoder.h"
#include "lamella/io/files.h"

namespace lamella::search {

namespace {

// One value of one list.
struct Value {
  std::string name;    // "mpp 4"; "": the study's own
  std::string folder;  // "mpp4"; "": features do not depend on it
  std::string set;     // "patches.mpp=4"
  std::vector<double> views = {};
};
using Values = std::vector<Value>;

[[noreturn]] void refuse(const study::Study& study, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message, study.source.path);
}

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

study::Study study_with(const study::Study& study, const std::vector<std::string>& more) {
  std::vector<std::string> overrides = study.source.overrides;
  overrides.insert(overrides.end(), more.begin(), more.end());
  return study::parse_study(study.source.text, study.source.path, overrides, study.source.folder);
}

std::vector<double> parse_views(const study::Study& study, const std::string& text) {
  std::vector<double> views;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const auto number = parse_double(trim(std::string_view(text).substr(begin, end - begin)));
    if (!number) {
      refuse(study, fmt::format("search.views: found '{}', expected numbers and commas, as \"1,2\"",
                                text));
    }
    views.push_back(*number);
    begin = end + 1;
  }
  return views;
}

Values encoders_of(const study::Study& study) {
  Values values;
  std::map<std::string, int> seen;  // folders of encoders may have one name
  for (const std::string& encoder : study.learning.search.encoder) {
    const std::string set = "encoder.name=" + quoted(encoder);
    const std::string name = encoder::find_encoder(study_with(study, {set}).encoder.name).name;
    const int twin = ++seen[name];
    const std::string own = twin == 1 ? name : fmt::format("{}-{}", name, twin);
    values.push_back({own, own, set});
  }
  return values;
}

// In the order in which they vary, the last the fastest: what shares features comes together.
std::vector<Values> dimensions_of(const study::Study& study) {
  const verbs::SearchOptions& search = study.learning.search;
  std::vector<Values> all = {encoders_of(study), {}, {}, {}, {}};
  for (const std::string& text : search.views) {
    const std::vector<double> views = parse_views(study, text);
    std::string folder = "views";
    for (const double view : views) folder += (folder == "views" ? "" : "-") + format_double(view);
    all[1].push_back({"views " + text, folder, "", views});
  }
  for (const double mpp : search.mpp) {
    const std::string text = format_double(mpp);
    all[2].push_back({"mpp " + text, "mpp" + text, "patches.mpp=" + text});
  }
  for (const double side : search.size_px) {
    const std::string text = fmt::format("{:.0f}", side);
    all[3].push_back({text + " px", text + "px", "patches.size_px=" + text});
  }
  for (const double ratio : search.l1_ratio) {
    const std::string text = format_double(ratio);
    all[4].push_back({"l1 ratio " + text, "", "train.l1_ratio=" + text});
  }
  for (Values& values : all) {
    if (values.empty()) values.push_back({});
  }
  return all;
}

// Of the dimensions' products by number.
std::vector<const Value*> combination(const std::vector<Values>& dimensions, size_t number) {
  std::vector<const Value*> chosen(dimensions.size());
  for (size_t k = dimensions.size(); k-- > 0;) {
    chosen[k] = &dimensions[k][number % dimensions[k].size()];
    number /= dimensions[k].size();
  }
  return chosen;
}

record::SearchTrial trial_of(const study::Study& study, const std::vector<const Value*>& values) {
  record::SearchTrial trial;
  std::vector<std::string> names, folders;
  const std::string root = study.output + "/search";
  for (const Value* value : values) {
    if (!value->name.empty()) names.push_back(value->name);
    if (!value->folder.empty()) folders.push_back(value->folder);
    if (!value->set.empty()) trial.set.push_back(value->set);
    if (value->views.empty()) continue;
    const encoder::EncoderInfo own =
        encoder::find_encoder(study_with(study, trial.set).encoder.name);
    std::erase_if(trial.set,
                  [](const std::string& set) { return set.starts_with("encoder.name="); });
    try {
      trial.set.push_back("encoder.name=" +
                          quoted(encoder_with_views(own, value->views, root + "/encoders").folder));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInvalidArgument) throw;
      refuse(study, error.message());
    }
  }
  trial.name = join(names, ", ");
  trial.output = root + "/" + (folders.empty() ? "features" : join(folders, "_"));
  study_of_trial(study, trial, false);  // a value that no study takes is told before any work
  return trial;
}

std::vector<size_t> numbers_of(const verbs::SearchOptions& search, size_t all) {
  std::vector<size_t> numbers(all);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  int64_t most = search.trials.value_or(verbs::kMaxTrials);
  if (search.draw == verbs::SearchDraw::kRandom) {
    Random(search.seed).shuffle(std::span(numbers));
    most = search.trials.value_or(verbs::kRandomTrials);
  }
  numbers.resize(std::min(numbers.size(), static_cast<size_t>(most)));
  // Those that share features one after another.
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void check(const study::Study& study) {
  const verbs::SearchOptions& search = study.learning.search;
  if (search.empty()) {
    refuse(study,
           "there is nothing to search: [search] names no values; expected a list that is not "
           "empty of one at least of search.encoder, mpp, size_px, views, l1_ratio");
  }
  if (study.learning.train.lambda) {
    refuse(study,
           "a search chooses by training rows that are held out in choosing the penalty, and "
           "train.l2 is given; expected train.l2 = \"cv\"");
  }
  if (!search.mpp.empty() && study.plans.patches.level) {
    refuse(study,
           "search.mpp: the study's patches are by level; expected patches.mpp in place of "
           "patches.level");
  }
}

}  // namespace

SearchTrials search_trials(const study::Study& study) {
  check(study);
  const std::vector<Values> dimensions = dimensions_of(study);
  size_t all = 1;
  for (const Values& values : dimensions) {
    all *= values.size();
    if (all <= static_cast<size_t>(verbs::kMaxTrials)) continue;
    refuse(study, fmt::format("[search] has more than {} combinations; shorten its lists",
                              verbs::kMaxTrials));
  }
  SearchTrials made;
  for (const size_t number : numbers_of(study.learning.search, all)) {
    made.trials.push_back(trial_of(study, combination(dimensions, number)));
  }
  made.left_out = static_cast<int64_t>(all - made.trials.size());
  return made;
}

study::Study study_of_trial(const study::Study& study, const record::SearchTrial& trial, bool whole,
                            const std::string& parent) {
  std::vector<std::string> more = trial.set;
  more.push_back("output=" + quoted(trial.output));
  if (!parent.empty()) {
    more.push_back("tracking.parent=" + quoted(parent));
    more.push_back("tracking.run_name=" + quoted(trial.name + (whole ? " (chosen)" : "")));
  }
  if (!whole) {
    if (!study.tracking.register_model.empty()) {
      more.emplace_back("tracking.register=\"\"");
      more.emplace_back("tracking.alias=\"\"");
    }
    for (const std::string& control : study.learning.controls.names()) {
      more.push_back(fmt::format("controls.{}=false", control));
    }
  } else if (study.learning.split.kind != verbs::SplitKind::kSpatial) {
    more.emplace_back("split.kind=roles");  // the search has done it, with the choice inside
  }
  return study_with(study, more);
}

}  // namespace lamella::search
