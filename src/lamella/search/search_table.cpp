// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/search/search_table_internal.h"

namespace lamella::search {

namespace {

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string number(const std::optional<double>& value) {
  return value ? format_double(*value) : "";
}

}  // namespace

std::string search_table(const record::Search& search) {
  std::string text = "trial,status,log_loss,auc,lambda,patches,seconds,run_id,output,error\n";
  for (const record::SearchTrial& trial : search.trials) {
    text += fmt::format("{},{},{},{},{},{},{:.3f},{},{},{}\n", field(trial.name), trial.status,
                        number(trial.log_loss), number(trial.auc), number(trial.lambda),
                        trial.patches, trial.seconds, trial.run_id, field(trial.output),
                        field(trial.error.value_or("")));
  }
  return text;
}

void write_search_table(const record::Search& search, const std::string& folder) {
  io::write_file_atomic(folder + "/" + kSearchTable, search_table(search));
}

}  // namespace lamella::search
