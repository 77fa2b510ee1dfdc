// SPDX-License-Identifier: Apache-2.0
#include "lamella/report/html_report.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/report/plot_internal.h"
#include "lamella/report/run_report.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::report {
namespace {

size_t times_in(const std::string& page, const std::string& text) {
  size_t n = 0;
  for (size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++n;
  return n;
}

constexpr const char* kEvil = "</td><script>alert('x')</script>\"&";

evaluation::Details details_of_test() {
  evaluation::Details details;
  evaluation::ClassCurves& curves = details.curves.emplace_back();
  curves.class_name = "tumor";
  curves.roc = {{1, 0, 0}, {0.9, 0.1, 0.8}, {0, 1, 1}};
  curves.precision_recall = {{0.9, 0.8, 0.9}, {0, 1, 0.4}};
  curves.reliability = {{0, 0.5, 18, 0.1, 0.05}, {0.5, 1, 12, 0.9, 0.95}};
  curves.decision = {{0.1, 0.35, 0.33}, {0.5, 0.3, -0.2}};
  curves.histogram.assign(20, 0);
  curves.histogram_rest.assign(20, 1);
  curves.histogram[19] = 12;
  for (const char* kind : {"patient", "slide"}) {
    evaluation::GroupFigures& group = details.groups.emplace_back();
    group.kind = kind;
    group.id = kEvil;
    group.class_name = "tumor";
    group.n = 30;
    group.auc = 0.93;
  }
  details.wrong = {{kEvil, 1200, 300, "normal", "tumor", 0.991}};
  return details;
}

record::RunDocument run_of_test() {
  record::RunDocument run;
  run.name = kEvil;
  run.run_id = "20260101-000000-abcdef";
  run.start_time = "2026-01-01T00:00:00Z";
  run.status = record::Status::kFinished;
  run.warnings = {kEvil};
  run.encoder = {kEvil, "e5", kEvil, "CC-BY-NC-4.0", "f32", 1280};
  record::Training& training = run.training.emplace();
  training.classes = {"normal", "tumor"};
  training.class_rows = {20, 10};
  training.lambda = 0.1;
  training.folds = 2;
  training.size_px = 50;
  training.mpp = 4;
  training.trials = {{0.01, 0.5, {0.4, 0.6}}, {0.1, 0.3, {0.2, 0.4}}, {1, 0.4, {0.3, 0.5}}};
  run.split = {{"train", {{"a", "b"}, {"p"}, std::string(64, 'd')}},
               {"test", {{kEvil}, {"q"}, std::string(64, 'f')}}};
  evaluation::ClassMetrics& metrics = run.metrics["test"];
  metrics.classes.names = training.classes;
  metrics.n = 1234;
  metrics.per_class.resize(2);
  metrics.confusion = {{17, 1}, {2, 10}};
  evaluation::Metrics& last = metrics.per_class[1];
  last.n = 1234;
  last.n_positive = 12;
  last.auc = 0.93;
  last.auc_low = 0.907;
  last.auc_high = 0.954;
  run.details["test"] = details_of_test();
  run.inputs = {
      {.kind = "slide", .path = kEvil, .bytes = 1500000, .slide_id = kEvil, .patient_id = kEvil}};
  run.outcomes = {{.slide_id = kEvil,
                   .role = "test",
                   .status = "done",
                   .patches = 40,
                   .seconds = 1.5,
                   .slide_score = 0.7}};
  run.options = {{"name", kEvil}};
  run.times = {{"plan", 1.5}, {"encode", 75}};
  return run;
}

TEST(HtmlReport, ShowsWhatTheRecordCarries) {
  const std::string page = html_report(run_of_test(), {});
  for (const char* expected :
       {"On 1,234 labelled patches of 1 slide of 1 patient, tumor is told from normal with an AUC "
        "of "
        "<strong>0.930</strong> (95 % interval 0.907–0.954).",
        "id=\"test-roc\"", "id=\"test-pr\"", "id=\"test-reliability\"", "id=\"test-decision\"",
        "id=\"test-scores\"", "id=\"penalty-path\"", "1 min 15 s", "x 1,200 y 300", "1.5 MB",
        "CC-BY-NC-4.0", "50 px at 4 µm/px (200 µm)", "TRIPOD+AI", "left to the author",
        "<span class=\"hit\">10</span> <span class=\"ci\">83 %</span>"}) {
    EXPECT_NE(page.find(expected), std::string::npos) << expected;
  }
  EXPECT_EQ(times_in(page, "<svg id="), 6);
  // Every plot has its values beside it, and no id stands twice.
  EXPECT_EQ(times_in(page, "<summary>Values</summary>"), 6);
  EXPECT_EQ(times_in(page, " id=\"slides\""), 1);
}

TEST(HtmlReport, SaysWhatTheFiguresAreWorth) {
  record::RunDocument run = run_of_test();
  evaluation::ClassMetrics& control = run.controls["colour_only"];
  control.n = 1234;
  control.per_class.resize(2);
  control.per_class[1].auc = 0.871;
  run.usual = {6, 0.9, 0.25};
  run.outcomes[0].feature_distance = 1.234;
  run.outcomes[0].unsure = 0.1;
  run.outcomes[0].unlike = {"its features lie 1.23 from <them>"};
  const std::string page = html_report(run, {});
  for (const char* expected : {"colour only<small>mean and deviation", ">0.871<",
                               "by 6 training slides held out in turn: a distance up to 0.900, "
                               "unsure of up to 25 %",
                               "its features lie 1.23 from &lt;them&gt;", "slides unlike"}) {
    EXPECT_NE(page.find(expected), std::string::npos) << expected;
  }
  run.usual = record::Usual{};
  run.usual->slides = 1;
  EXPECT_NE(html_report(run, {}).find("too few to say what is usual"), std::string::npos);
}

TEST(HtmlReport, ShowsLesions) {
  ReportPictures shown;
  shown.froc = evaluation::Froc{.slides = 3,
                                .lesions = 4,
                                .points = {{0.1, 12, 1}, {0.5, 2, 0.75}, {0.9, 0, 0.5}, {1, 0, 0}},
                                .sensitivity = {0.53, 0.56, 0.62, 0.75, 0.8, 0.9},
                                .score = 0.693,
                                .intervals = {}};
  shown.froc->intervals.of["score"] = {0.5, 0.8};
  shown.hits = {
      {.slide_id = "t<1>", .lesions = 4, .found = {0.9, 0.5, 0, 0.9}, .false_positives = {0.1}}};
  const std::string page = html_report(evaluation_document({}, {}, {}), shown);
  for (const char* expected :
       {"On 3 slides with 4 lesions, the FROC score is <strong>0.693</strong> "
        "(95 % interval 0.500–0.800)",
        "<svg id=\"froc\"", "t&lt;1&gt;"}) {
    EXPECT_NE(page.find(expected), std::string::npos) << expected;
  }
}

TEST(HtmlReport, ShowsAProjectionAndRefusesOneThatIsNone) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/umap.json";
  const std::string good =
      R"({"format": 1, "made_by": "umap <1>", "score_of": "tumor", "of": 9, "x": [0, 1, 2],)"
      R"("y": [0, 1, 0.5], "class": ["a", "b", "b"], "patient": ["p", "p", "q"],)"
      R"("slide": ["s", "s", "t"], "score": [0, 0.5, 1]})";
  io::write_file_atomic(path, good);
  ReportPictures pictures;
  pictures.projection = read_projection(path);
  const std::string page = html_report(run_of_test(), pictures);
  EXPECT_NE(page.find("3 of 9 labelled patches"), std::string::npos);
  EXPECT_NE(page.find("(umap &lt;1&gt;)"), std::string::npos);
  // Of each plot, its title and its reading; and the section's head.
  EXPECT_EQ(times_in(page, "id=\"umap-"), 3 * 4 + 1);
  for (const auto& [from, to] :
       {std::pair("[0, 1, 2]", "[0, 1]"), std::pair("0.5, 1]}", "0.5, 2]}"),
        std::pair("\"format\": 1", "\"format\": 2"), std::pair("{", "["),
        std::pair("[0, 1, 2]", "[0, 1, 1e999]")}) {
    std::string bad = good;
    bad.replace(bad.find(from), std::string(from).size(), to);
    io::write_file_atomic(path, bad);
    EXPECT_THROW(read_projection(path), Error) << bad;
  }
}

TEST(HtmlReport, TakesNoMarkupFromTheRecord) {
  const std::string page = html_report(run_of_test(), {});
  EXPECT_EQ(page.find("alert('x')"), std::string::npos);
  EXPECT_EQ(times_in(page, "<script>"), 1);
  EXPECT_NE(page.find("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"),
            std::string::npos);
  // And could not run it: the policy knows the page's own script by its hash alone.
  EXPECT_NE(page.find("script-src &#39;sha256-"), std::string::npos);
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_EQ(page.find("https:"), std::string::npos);
}

TEST(HtmlReport, LeavesOutWhatIsNotThereAndIsTheSameForTheSameRecord) {
  record::RunDocument run;
  run.status = record::Status::kFailed;
  run.error = "slides.csv:3: found '' <here>";
  const std::string page = html_report(run, {});
  EXPECT_NE(page.find("There are no figures"), std::string::npos);
  EXPECT_NE(page.find("slides.csv:3: found &#39;&#39; &lt;here&gt;"), std::string::npos);
  for (const char* absent : {"id=\"curves\"", "id=\"slides\"", "id=\"penalty\"", "id=\"time\""}) {
    EXPECT_EQ(page.find(absent), std::string::npos) << absent;
  }
  EXPECT_EQ(html_report(run, {}), page);
  EXPECT_EQ(html_report(run_of_test(), {}), html_report(run_of_test(), {}));
  EXPECT_LT(html_report(run_of_test(), {}).size(), 200'000u);
}

TEST(HtmlReport, SaysWhyAPictureIsMissing) {
  const test::TemporaryFolder folder;
  record::RunDocument run = run_of_test();
  run.outcomes[0].slide_id = "a";
  run.outcomes[0].heatmap = "out/heatmaps/a.png";
  Context context;
  const ReportPictures pictures = read_pictures(run, folder.path(), context);
  ASSERT_EQ(pictures.missing.size(), 2u);
  EXPECT_EQ(pictures.missing[0], "the heat-map of slide 'a' is not there any more");
  EXPECT_EQ(pictures.wrong.size(), 1u);
  write_report(run, folder.path(), folder.path() + "/r.html", context);
  const std::string page = io::read_text_file(folder.path() + "/r.html");
  EXPECT_NE(page.find("pictures that are missing (2)"), std::string::npos);
  EXPECT_NE(page.find("no picture"), std::string::npos);
}

TEST(HtmlText, IsEscapedInEveryPlace) {
  EXPECT_EQ(escaped("a<b>&\"'\n"), "a&lt;b&gt;&amp;&quot;&#39;\n");
  EXPECT_EQ(escaped(std::string("\x01\x7f", 2)), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(escaped("µ\xff"), "µ\xEF\xBF\xBD");
  EXPECT_EQ(html("<i>{}{}</i>", "<", html("<b>{}</b>", 3)).markup, "<i>&lt;<b>3</b></i>");
}

TEST(HtmlText, WritesNumbersForPeople) {
  EXPECT_EQ(count(0), "0");
  EXPECT_EQ(count(-1234567), "-1,234,567");
  EXPECT_EQ(count(999), "999");
  EXPECT_EQ(fixed(-0.0001, 2), "0.00");
  EXPECT_EQ(fixed(-0.126, 2), "−0.13");
  EXPECT_EQ(fixed(NAN, 2), "–");
  EXPECT_EQ(seconds_text(3), "3.0 s");
  EXPECT_EQ(seconds_text(190), "3 min 10 s");
  EXPECT_EQ(seconds_text(7500), "2 h 5 min");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1'234'000), "1.2 MB");
}

TEST(Plot, HasRoundTicks) {
  EXPECT_EQ(ticks_of({.low = 0, .high = 1}, 5).size(), 6u);
  EXPECT_EQ(ticks_of({.low = 0, .high = 1}, 5)[1], 0.2);
  const std::vector<double> powers = ticks_of({.low = 5e-4, .high = 200, .logarithmic = true}, 5);
  ASSERT_EQ(powers.size(), 3u);  // six powers, every other one
  EXPECT_DOUBLE_EQ(powers[0], 1e-3);
  EXPECT_DOUBLE_EQ(powers[2], 10);
  EXPECT_EQ(axis_around("", {}, false).high, 1);
}

TEST(Plot, LeavesOutWhatIsNoNumber) {
  Plot plot{
      .id = "p", .title = "P", .series = {{.name = "s", .points = {{0, NAN}, {0.5, 0.5}, {1, 1}}}}};
  const std::string drawn = draw(plot).markup;
  EXPECT_EQ(drawn.find("nan"), std::string::npos);
  // 0.5 of 360 - 52 - 12 px behind 52, of 300 - 10 - 44 above 256.
  EXPECT_NE(drawn.find("d=\"M200 133L348 10\""), std::string::npos) << drawn;
}

}  // namespace
}  // namespace lamella::report
