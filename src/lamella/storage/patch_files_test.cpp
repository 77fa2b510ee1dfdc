// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/patch_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::storage {
namespace {

namespace fs = std::filesystem;

class PatchFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    plan_.slide_id = "s";
    plan_.classes = {{"normal", "tumor"}};
    plan_.geometry.effective_mpp = 0.5;
    // Three patches of 2 x 2 px, each of one colour.
    for (int i = 0; i < 3; ++i) {
      patch::PatchRow row;
      row.x_px = 10 * i;
      row.y_px = 5;
      row.label = static_cast<int8_t>(i - 1);  // none, and both classes
      plan_.rows.push_back(row);
      batch_.rows.push_back(static_cast<uint32_t>(i));
      batch_.pixels.insert(batch_.pixels.end(), 12, static_cast<uint8_t>(50 * i));
    }
    batch_.count = 3;
    batch_.size_px = 2;
  }

  test::TemporaryFolder own_;
  std::string folder_ = own_.path();
  patch::PatchPlan plan_;
  patch::PatchBatch batch_;
};

// Member name -> contents.
std::map<std::string, std::string> read_tar(const std::string& path) {
  std::map<std::string, std::string> members;
  archive* reader = archive_read_new();
  archive_read_support_format_tar(reader);
  EXPECT_EQ(archive_read_open_filename(reader, path.c_str(), 10240), ARCHIVE_OK) << path;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
    archive_read_data(reader, text.data(), text.size());
    members[archive_entry_pathname(entry)] = text;
  }
  archive_read_free(reader);
  return members;
}

TEST_F(PatchFilesTest, WritesPngsByLabelAndPosition) {
  PatchFilesOptions options;
  options.folder = folder_ + "/png";
  const auto files = open_patch_files(plan_, options);
  Context context;
  context.threads = 2;
  files->write(batch_, context);
  files->finish();
  const char* names[] = {"unlabelled/s_0_5.png", "normal/s_10_5.png", "tumor/s_20_5.png"};
  for (int i = 0; i < 3; ++i) {
    const Image image = imagefile::read_png(options.folder + "/" + names[i]);
    EXPECT_EQ(image, Image(2, 2, 3, static_cast<uint8_t>(50 * i))) << names[i];
  }
}

TEST_F(PatchFilesTest, WritesShardsOfTheGivenSize) {
  PatchFilesOptions options;
  options.format = PatchFormat::kWebDataset;
  options.folder = folder_ + "/shards";
  options.shard_size = 2;
  const auto files = open_patch_files(plan_, options);
  files->write(batch_, {});
  files->finish();
  const auto first = read_tar(options.folder + "/s-000000.tar");
  const auto second = read_tar(options.folder + "/s-000001.tar");
  EXPECT_EQ(first.size(), 5u);  // the unlabelled patch has no .cls
  EXPECT_EQ(first.at("s_10_5.cls"), "0");
  EXPECT_EQ(second.size(), 3u);
  EXPECT_EQ(second.at("s_20_5.cls"), "1");
  EXPECT_EQ(
      nlohmann::json::parse(second.at("s_20_5.json")),
      nlohmann::json::parse(R"({"slide":"s","x":20,"y":5,"label":1,"class":"tumor","mpp":0.5})"));
  EXPECT_EQ(second.at("s_20_5.jpg").substr(0, 2), "\xFF\xD8");
}

TEST_F(PatchFilesTest, KeysHaveNoDots) {
  plan_.slide_id = "TCGA-AA-0001.67DEE36B %, " + std::string(120, 'x');
  PatchFilesOptions options;
  options.format = PatchFormat::kWebDataset;
  options.folder = folder_ + "/shards";
  const auto files = open_patch_files(plan_, options);
  files->write(batch_, {});
  files->finish();
  const auto members = read_tar(options.folder + "/" + plan_.slide_id + "-000000.tar");
  std::set<std::string> keys;
  for (const auto& [name, text] : members) keys.insert(name.substr(0, name.find('.')));
  const std::string key = "TCGA-AA-0001%2E67DEE36B %25, " + std::string(120, 'x');
  EXPECT_EQ(keys, (std::set<std::string>{key + "_0_5", key + "_10_5", key + "_20_5"}));
  EXPECT_EQ(nlohmann::json::parse(members.at(key + "_20_5.json"))["slide"], plan_.slide_id);
}

TEST_F(PatchFilesTest, AnUnfinishedShardLeavesNothing) {
  PatchFilesOptions options;
  options.format = PatchFormat::kWebDataset;
  options.folder = folder_ + "/shards";
  { open_patch_files(plan_, options)->write(batch_, {}); }
  EXPECT_TRUE(fs::is_empty(options.folder));
}

TEST_F(PatchFilesTest, RefusesWhatMakesNoSense) {
  EXPECT_THROW(parse_patch_format("gif"), Error);
  PatchFilesOptions options;
  EXPECT_THROW(options.validate(), Error);
  options.format = PatchFormat::kNull;
  EXPECT_NO_THROW(options.validate());
  options.shard_size = 0;
  EXPECT_THROW(options.validate(), Error);
  io::write_file_atomic(folder_ + "/file", "x");
  options = {};
  options.folder = folder_ + "/file";
  EXPECT_THROW(open_patch_files(plan_, options), Error);
}

}  // namespace
}  // namespace lamella::storage
