// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/tissue_look.h"

#include <gtest/gtest.h>

#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::storage {
namespace {

TEST(TissueLook, IsReadAsItWasWritten) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/s.json";
  EXPECT_FALSE(read_look(path));
  tissue::CohortSlide slide{"s", 0.1 + 0.2, {{{240.5, 1.0 / 3, 230}}, {}, false}};
  write_look(slide, path);
  const auto found = read_look(path);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->slide_id, "s");
  EXPECT_EQ(found->tissue_fraction, slide.tissue_fraction);
  EXPECT_EQ(found->look.glass_rgb, slide.look.glass_rgb);
  EXPECT_FALSE(found->look.stain_density);
  EXPECT_FALSE(found->look.coloured);
  for (const char* text : {"", "{}", "[1]", R"({"slide_id": 3})",
                           R"({"slide_id":"s","tissue_fraction":0,"glass_rgb":[1,2],)"
                           R"("stain_density":null,"coloured":true})"}) {
    io::write_file_atomic(path, text);
    EXPECT_FALSE(read_look(path)) << text;
  }
}

}  // namespace
}  // namespace lamella::storage
