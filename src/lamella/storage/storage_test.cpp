// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/storage.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/storage/hdf5_internal.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::storage {
namespace {

namespace fs = std::filesystem;

class Storage : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return folder_ + "/" + name; }

  template <typename Call>
  static std::string message_of(ErrorCode code, const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  test::TemporaryFolder own_;
  std::string folder_ = own_.path();
};

patch::PatchPlan make_plan(int rows) {
  patch::PatchPlan plan;
  plan.slide_id = "Tumor_001";
  plan.classes = {{"normal", "tumor"}};
  plan.slide_path = "slides/Tumor_001.tif";
  plan.slide_fingerprint = "abc";
  plan.spec.size_px = 256;
  plan.spec.mpp = 0.5;
  plan.geometry = {256, 1, 512.5, 512.25, 256.25, 256.125, 0.5001, {97792, 221184}};
  plan.mpp = 0.25;
  plan.mpp_source = "vendor";
  plan.stride_px = 256.25;
  plan.warnings = {"1 patch reaches outside"};
  for (int i = 0; i < rows; ++i) {
    plan.rows.push_back({1000 + i, 2000 - i, 0.1f * static_cast<float>(i % 10),
                         static_cast<int8_t>(i % 3 - 1), 1.0f / static_cast<float>(i + 1)});
  }
  return plan;
}

void expect_same(const patch::PatchPlan& a, const patch::PatchPlan& b) {
  EXPECT_EQ(a.slide_id, b.slide_id);
  EXPECT_EQ(a.slide_path, b.slide_path);
  EXPECT_EQ(a.slide_fingerprint, b.slide_fingerprint);
  EXPECT_EQ(a.spec.size_px, b.spec.size_px);
  EXPECT_EQ(a.spec.level, b.spec.level);
  EXPECT_EQ(a.spec.mpp, b.spec.mpp);
  EXPECT_EQ(a.geometry, b.geometry);
  EXPECT_EQ(a.mpp, b.mpp);
  EXPECT_EQ(a.mpp_source, b.mpp_source);
  EXPECT_EQ(a.stride_px, b.stride_px);
  EXPECT_EQ(a.classes, b.classes);
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.warnings, b.warnings);
}

TEST_F(Storage, PlansComeBackAsTheyWere) {
  for (const int rows : {0, 1, 3000}) {
    const patch::PatchPlan plan = make_plan(rows);
    write_plan(plan, "key", at("p.h5"));
    expect_same(read_plan(at("p.h5")), plan);
    EXPECT_EQ(read_key(at("p.h5")), "key");
  }
  patch::PatchPlan bare = make_plan(2);
  bare.spec.mpp.reset();
  bare.spec.level = 2;
  bare.mpp.reset();
  bare.geometry.effective_mpp.reset();
  bare.stride_px.reset();
  write_plan(bare, "", at("p.h5"));
  expect_same(read_plan(at("p.h5")), bare);
  EXPECT_FALSE(read_key(at("p.h5")));
}

TEST_F(Storage, PlansBearTridentsAttributes) {
  write_plan(make_plan(3), "key", at("p.h5"));
  const Hdf5Lock lock;
  const Hdf5Id file(H5Fopen(at("p.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  const Hdf5Id coords(H5Dopen2(file.get(), "coords", H5P_DEFAULT));
  const auto number = [&](const char* name) {
    int64_t value = -1;
    const Hdf5Id attribute(H5Aopen(coords.get(), name, H5P_DEFAULT));
    EXPECT_TRUE(attribute.valid()) << name;
    H5Aread(attribute.get(), H5T_NATIVE_INT64, &value);
    return value;
  };
  EXPECT_EQ(number("patch_size"), 256);
  EXPECT_EQ(number("patch_size_level0"), 513);    // 512.5 rounded
  EXPECT_EQ(number("level0_magnification"), 40);  // 0.25 µm/px
  EXPECT_EQ(number("target_magnification"), 20);  // 0.5001 µm/px
  EXPECT_EQ(number("overlap"), 128);              // stride is half the extent
  EXPECT_EQ(number("level0_width"), 97792);
  EXPECT_EQ(number("level0_height"), 221184);
}

TEST_F(Storage, FeaturesComeBackBitForBit) {
  FeatureFile file;
  file.plan = make_plan(2050);
  file.features.rows = 2050;
  file.features.columns = 3;
  for (int i = 0; i < 2050 * 3; ++i)
    file.features.values.push_back(1.0f / static_cast<float>(i + 1));
  file.features.feature_space = "lite0/abc/256px@0.5mpp";
  file.features.precision = "bf16";
  write_features(file, "key", at("f.h5"));
  const FeatureFile back = read_features(at("f.h5"));
  expect_same(back.plan, file.plan);
  EXPECT_EQ(back.features.values, file.features.values);
  EXPECT_EQ(back.features.columns, 3);
  EXPECT_EQ(back.features.feature_space, file.features.feature_space);
  EXPECT_EQ(back.features.precision, "bf16");
  EXPECT_EQ(read_key(at("f.h5")), "key");
  file.features.rows = 2049;
  EXPECT_THROW(write_features(file, "", at("f.h5")), Error);
}

TEST_F(Storage, TravelAsTheBytesOfTheirFiles) {
  for (const int rows : {0, 1, 3000}) {
    const patch::PatchPlan plan = make_plan(rows);
    write_plan(plan, "key", at("p.h5"));
    const std::string bytes = plan_to_bytes(plan, "key");
    EXPECT_TRUE(bytes == io::read_text_file(at("p.h5"))) << rows;
    expect_same(plan_from_bytes(bytes), plan);
  }
  FeatureFile file;
  file.plan = make_plan(3);
  file.features.rows = 3;
  file.features.columns = 2;
  file.features.values = {1, 2, 3, 4, 5, 6};
  file.features.feature_space = "lite0/abc/256px@0.5mpp";
  file.features.precision = "f32";
  const FeatureFile back = features_from_bytes(features_to_bytes(file));
  expect_same(back.plan, file.plan);
  EXPECT_EQ(back.features.values, file.features.values);
  EXPECT_EQ(back.features.precision, "f32");
  const std::string whole = plan_to_bytes(file.plan);
  for (const size_t size : {size_t{0}, size_t{10}, whole.size() / 2}) {
    EXPECT_NE(message_of(ErrorCode::kCorrupt, [&] { plan_from_bytes(whole.substr(0, size), "p"); })
                  .find("p: "),
              std::string::npos)
        << size;
  }
  message_of(ErrorCode::kCorrupt, [&] { features_from_bytes(whole); });
}

TEST_F(Storage, RefusesFilesThatAreNotItsOwn) {
  EXPECT_NE(message_of(ErrorCode::kNotFound, [&] { read_plan(at("none.h5")); }).find("none.h5"),
            std::string::npos);
  io::write_file_atomic(at("noise.h5"), "this is no HDF5 file");
  message_of(ErrorCode::kCorrupt, [&] { read_plan(at("noise.h5")); });
  EXPECT_FALSE(read_key(at("noise.h5")));
  write_plan(make_plan(3), "key", at("p.h5"));
  EXPECT_NE(message_of(ErrorCode::kCorrupt, [&] { read_features(at("p.h5")); })
                .find("no dataset 'features'"),
            std::string::npos);
  const std::string whole = io::read_text_file(at("p.h5"));
  for (const size_t size : {size_t{10}, whole.size() / 2, whole.size() - 1}) {
    io::write_file_atomic(at("cut.h5"), whole.substr(0, size));
    EXPECT_THROW(read_plan(at("cut.h5")), Error) << size;
  }
}

TEST_F(Storage, RefusesAMissingDatasetByName) {
  {
    const Hdf5Lock lock;
    Hdf5File file = Hdf5File::create(at("x.h5"), at("x.h5"));
    const std::vector<int64_t> coords = {1, 2};
    file.write("coords", H5T_NATIVE_INT64, coords.data(), {1, 2, false});
  }
  EXPECT_NE(message_of(ErrorCode::kCorrupt, [&] { read_plan(at("x.h5")); }).find("lamella_plan"),
            std::string::npos);
}

TEST_F(Storage, RefusesMoreRowsThanItsBytesCanHold) {
  write_plan(make_plan(3), "key", at("p.h5"));
  {
    const Hdf5Lock lock;
    Hdf5File file = Hdf5File::create(at("x.h5"), at("x.h5"));
    file.create_dataset("coords", H5T_NATIVE_INT64, {int64_t{1} << 30, 2, true});
    file.set_text("coords", "lamella_plan",
                  Hdf5File::open(at("p.h5")).required_text("coords", "lamella_plan"));
  }
  EXPECT_NE(message_of(ErrorCode::kCorrupt, [&] { read_plan(at("x.h5")); })
                .find("dataset 'coords' claims 2147483648 values"),
            std::string::npos);
}

TEST_F(Storage, ScoresAreWsinfersCsv) {
  const patch::PatchPlan plan = make_plan(2);
  const feature::ScoreMatrix scores{plan.classes, {0.75f, 0.25f, 0.9f, 0.1f}};
  write_scores(plan, scores, "key", at("s.csv"));
  EXPECT_EQ(io::read_text_file(at("s.csv")),
            "minx,miny,width,height,prob_normal,prob_tumor\n"
            "1000,2000,512.5,512.25,0.75,0.25\n"
            "1001,1999,512.5,512.25,0.9,0.1\n");
  EXPECT_EQ(read_key(at("s.csv")), "key");
  const heatmap::ScoredPatches back = read_scores(at("s.csv"));
  EXPECT_EQ(back.scores.values, scores.values);
  EXPECT_EQ(back.scores.classes, scores.classes);
  EXPECT_EQ(back.x_px, (std::vector<double>{1000, 1001}));
  EXPECT_EQ(back.width_px, 512.5);
  write_scores(plan, scores, "", at("s.csv"));
  EXPECT_FALSE(read_key(at("s.csv"))) << "an old key must not stay beside new scores";
  EXPECT_THROW(write_scores(plan, {plan.classes, {0.5f, 0.5f}}, "", at("s.csv")), Error);
}

TEST_F(Storage, ScoresHaveAColumnForEachClass) {
  const patch::PatchPlan plan = make_plan(1);
  const feature::ScoreMatrix scores{{{"stroma", "Fat (loose)", "tumor"}}, {0.5f, 0.125f, 0.375f}};
  write_scores(plan, scores, "", at("s.csv"));
  EXPECT_EQ(io::read_text_file(at("s.csv")),
            "minx,miny,width,height,prob_stroma,prob_Fat (loose),prob_tumor\n"
            "1000,2000,512.5,512.25,0.5,0.125,0.375\n");
  const heatmap::ScoredPatches back = read_scores(at("s.csv"));
  EXPECT_EQ(back.scores.values, scores.values);
  EXPECT_EQ(back.scores.classes, scores.classes);
}

TEST_F(Storage, PlansOfBeforeClassesHadNames) {
  // As version 0.1 wrote them: no format, no classes.
  const auto old_plan = [&](int8_t label) {
    patch::PatchPlan plan = make_plan(1);
    plan.rows[0].label = 0;
    write_plan(plan, "key", at("p.h5"));
    const Hdf5Lock lock;
    nlohmann::json json =
        nlohmann::json::parse(Hdf5File::open(at("p.h5")).required_text("coords", "lamella_plan"));
    json.erase("format");
    json.erase("classes");
    Hdf5File file = Hdf5File::create(at("old.h5"), at("old.h5"));
    const std::vector<int64_t> coords = {1, 2};
    const std::vector<float> one = {1};
    file.write("coords", H5T_NATIVE_INT64, coords.data(), {1, 2, false});
    file.write("label", H5T_NATIVE_INT8, &label, {1, 0, false});
    file.write("tissue_fraction", H5T_NATIVE_FLOAT, one.data(), {1, 0, false});
    file.write("inside_fraction", H5T_NATIVE_FLOAT, one.data(), {1, 0, false});
    file.set_text("coords", "lamella_plan", json.dump());
  };
  old_plan(patch::kNoLabel);
  EXPECT_EQ(read_plan(at("old.h5")).rows.size(), 1u) << "without labels nothing is missing";
  old_plan(1);
  EXPECT_NE(message_of(ErrorCode::kUnsupported, [&] { read_plan(at("old.h5")); })
                .find("plan the slide again"),
            std::string::npos);
}

TEST_F(Storage, RefusesLabelsThatThePlansClassesLack) {
  patch::PatchPlan plan = make_plan(3);
  plan.rows[1].label = 2;
  write_plan(plan, "", at("p.h5"));
  EXPECT_NE(message_of(ErrorCode::kCorrupt, [&] { read_plan(at("p.h5")); })
                .find("row 1: label 2, expected -1 or 0 to 1 (normal, tumor)"),
            std::string::npos);
  plan = make_plan(3);
  plan.classes = {{"a", "b", "a"}};
  write_plan(plan, "", at("p.h5"));
  message_of(ErrorCode::kCorrupt, [&] { read_plan(at("p.h5")); });
}

TEST_F(Storage, ScoresSayWhoseTheyAre) {
  const patch::PatchPlan plan = make_plan(1);
  write_scores(plan, {plan.classes, {0.75f, 0.25f}}, "", at("s.csv"));
  const heatmap::ScoredSlide slide = read_scores(at("s.csv")).slide;
  EXPECT_EQ(slide.slide_id, plan.slide_id);
  EXPECT_EQ(slide.path, plan.slide_path);
  EXPECT_EQ(slide.fingerprint, plan.slide_fingerprint);
  io::write_file_atomic(at("s.csv.json"), "{\"slide_id\": 3}");
  message_of(ErrorCode::kCorrupt, [&] { read_scores(at("s.csv")); });
  std::filesystem::remove(at("s.csv.json"));
  EXPECT_EQ(read_scores(at("s.csv")).slide.fingerprint, "") << "another program's";
}

TEST_F(Storage, ScoresOfOtherPrograms) {
  io::write_file_atomic(at("s.csv"),
                        "slide;prob_b;height;minx;prob_a;width;miny;\r\n"
                        "x;0,25;4;1;0,75;3;2;\r\n;;;;;;;\r\n");
  std::vector<std::string> notes;
  const heatmap::ScoredPatches back = read_scores(at("s.csv"), &notes);
  EXPECT_EQ(back.x_px, std::vector<double>{1});
  EXPECT_EQ(back.y_px, std::vector<double>{2});
  EXPECT_EQ(back.width_px, 3);
  EXPECT_EQ(back.height_px, 4);
  EXPECT_EQ(back.scores.classes.names, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(back.scores.values, (std::vector<float>{0.25f, 0.75f}));
  EXPECT_EQ(notes,
            (std::vector<std::string>{"fields are separated by semicolons, and were read so",
                                      "columns that mean nothing here are left out: slide"}));
}

TEST_F(Storage, SaysWhereScoresAreWrong) {
  const std::string header = "minx,miny,width,height,prob_normal,prob_tumor\n";
  const auto message = [&](const std::string& text) {
    io::write_file_atomic(at("s.csv"), text);
    return message_of(ErrorCode::kFormat, [&] { read_scores(at("s.csv")); });
  };
  EXPECT_NE(message("x,y\n1,2\n").find("expected the header"), std::string::npos);
  for (const char* columns : {"prob_a,prob_a", "prob_a", "prob_a,b", "prob_,prob_b",
                              "prob_a,\"prob_b,c\"", "prob_a,prob_A"}) {
    EXPECT_NE(message("minx,miny,width,height," + std::string(columns) + "\n").find("line 1"),
              std::string::npos)
        << columns;
  }
  EXPECT_NE(message(header + "1,2,3,4,0.5,1.5\n").find("line 2, column 13: found '1.5'"),
            std::string::npos);
  EXPECT_NE(message(header + "1,2,3,4,0.5\n").find("line 2"), std::string::npos);
  EXPECT_NE(message(header + "1,2,3,4,0.5,0.5\n1,2,9,4,0.5,0.5\n").find("one width"),
            std::string::npos);
  EXPECT_NE(message(header + "a,2,3,4,0.5,0.5\n").find("found 'a'"), std::string::npos);
}

}  // namespace
}  // namespace lamella::storage
