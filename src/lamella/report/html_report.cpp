// SPDX-License-Identifier: Apache-2.0
#include "lamella/report/html_report.h"

#include "lamella/base/base64.h"
#include "lamella/base/hash.h"
#include "lamella/io/files.h"
#include "lamella/report/page_internal.h"
#include "lamella/report/sections_internal.h"

namespace lamella::report {

namespace {

struct Section {
  const char* id;
  const char* title;
  Html content;
};

std::vector<Section> sections_of(const record::RunDocument& run, const ReportPictures& pictures) {
  std::vector<Section> all = {{"messages", "Errors and warnings", alerts(run)},
                              {"lesions", "Lesions", froc(pictures)},
                              {"figures", "Figures", figures(run)},
                              {"curves", "Curves", curves(run)},
                              {"patients", "Patient by patient", patients(run)},
                              {"slides", "Slides", slides(run, pictures)},
                              {"folds", "Fold by fold", folds(run)},
                              {"search", "What was searched", search(run)},
                              {"controls", "Controls", controls(run)},
                              {"unlike", "Unlike anything seen", unlike(run)},
                              {"wrong", "Sure and wrong", wrong_patches(run, pictures)},
                              {"umap", "Alike and unlike", projection(pictures)},
                              {"what", "What was run", what_ran(run)},
                              {"data", "On what", data_used(run)},
                              {"penalty", "How the penalty was chosen", penalty_path(run)},
                              {"time", "Time", time_used(run)},
                              {"checklist", "For the paper", checklist(run)},
                              {"record", "The record", whole_record(run)}};
  std::erase_if(all, [](const Section& section) { return section.content.empty(); });
  return all;
}

std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// Nothing is fetched, and no script runs but the page's own, whatever a record may contain.
std::string policy() {
  return "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
         "form-action 'none'; script-src 'sha256-" +
         base64(bytes_of_hex(sha256_hex(kPageScript))) + "'";
}

Html missing_pictures(const ReportPictures& pictures) {
  if (pictures.missing.empty()) return {};
  Html list;
  for (const std::string& why : pictures.missing) list += html("<li>{}</li>\n", why);
  return folded(fmt::format("pictures that are missing ({})", pictures.missing.size()),
                html("<ul>\n{}</ul>\n", list));
}

}  // namespace

std::string html_report(const record::RunDocument& run, const ReportPictures& pictures) {
  Html links, body;
  for (const Section& section : sections_of(run, pictures)) {
    links += html("<li><a href=\"#{}\">{}</a></li>\n", section.id, section.title);
    body += html("<section id=\"{}\" aria-labelledby=\"{}-h\">\n<h2 id=\"{}-h\">{}</h2>\n{}",
                 section.id, section.id, section.id, section.title, section.content);
    if (section.id == std::string_view("slides")) body += missing_pictures(pictures);
    body += html("</section>\n");
  }
  const std::string version = run.software ? "lamella " + run.software->lamella : "lamella";
  return html(
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n"
             "<meta name=\"generator\" content=\"{}\">\n<title>{} – lamella</title>\n"
             "<style>{}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the "
             "content</a>\n"
             "<nav aria-label=\"Contents\">\n<ul>\n{}</ul>\n</nav>\n<main id=\"main\">\n{}{}"
             "<footer><p>Made by {} from the record of the run. Research use; no medical "
             "device.</p></footer>\n</main>\n"
             "<dialog aria-labelledby=\"big-t\"><p id=\"big-t\"></p><img alt=\"\">"
             "<button type=\"button\">Close</button></dialog>\n"
             "<script>{}</script>\n</body>\n</html>\n",
             policy(), version, run.name.empty() ? "report" : run.name, Html{kPageStyle}, links,
             heading(run, pictures), body, version, Html{kPageScript})
      .markup;
}

void write_report(const record::RunDocument& run, const std::string& output,
                  const std::string& path, const Context& context) {
  const ReportPictures pictures = read_pictures(run, output, context);
  io::write_file_atomic(path, html_report(run, pictures));
}

}  // namespace lamella::report
