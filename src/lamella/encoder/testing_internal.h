// SPDX-License-Identifier: Apache-2.0
// What the encoder's tests share.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/error.h"
#include "lamella/encoder/encoder.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::encoder {

// testdata/encoders/<name>, made by make_networks.py there.
inline std::string tiny_folder(const std::string& name) {
  return std::string(LAMELLA_SOURCE_DIR) + "/testdata/encoders/" + name;
}

inline Context with_threads(int threads) {
  Context context;
  context.threads = threads;
  return context;
}

inline std::vector<float> encode_all(Encoder& encoder, const std::vector<uint8_t>& patches,
                                     int threads = 1) {
  const auto px = static_cast<size_t>(encoder.info().input_px);
  const size_t n = patches.size() / (px * px * 3);
  std::vector<float> features(n * static_cast<size_t>(encoder.info().dimension));
  encoder.encode(patches, static_cast<int64_t>(n), features, with_threads(threads));
  return features;
}

// Runs `call`, which must throw an Error of this code whose what() has all the words.
template <typename Call>
void expect_error(ErrorCode code, const std::vector<std::string>& words, Call call) {
  try {
    call();
    ADD_FAILURE() << "no error, expected " << to_string(code);
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    for (const std::string& word : words) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
          << "'" << word << "' is not in: " << error.what();
    }
  }
}

// A folder of the test's own, for encoders.
class TemporaryFolder : public test::TemporaryFolder {
 public:
  // A copy of a tiny encoder, as <path>/<as>.
  std::string copy(const std::string& name, const std::string& as) const {
    std::filesystem::copy(tiny_folder(name), file(as), std::filesystem::copy_options::recursive);
    return file(as);
  }
};

// Replaces the first `from` in encoder.json of `folder`.
inline void edit_description(const std::string& folder, const std::string& from,
                             const std::string& to) {
  const std::string path = folder + "/encoder.json";
  std::string text = io::read_text_file(path);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  io::write_file_atomic(path, text.replace(at, from.size(), to));
}

}  // namespace lamella::encoder
