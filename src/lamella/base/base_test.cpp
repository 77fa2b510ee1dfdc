// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <set>

#include "lamella/base/checked.h"
#include "lamella/base/context.h"
#include "lamella/base/error.h"
#include "lamella/base/geometry.h"
#include "lamella/base/hash.h"
#include "lamella/base/image.h"
#include "lamella/base/json_text.h"
#include "lamella/base/parallel.h"
#include "lamella/base/random.h"
#include "lamella/base/text.h"

namespace lamella {
namespace {

TEST(Error, PutsThePathBeforeTheMessage) {
  const Error error(ErrorCode::kCorrupt, "tile 3 is damaged", "a.svs");
  EXPECT_STREQ(error.what(), "a.svs: tile 3 is damaged");
  EXPECT_EQ(error.message(), "tile 3 is damaged");
  EXPECT_EQ(error.path(), "a.svs");
  EXPECT_TRUE(error.where().starts_with("base/base_test.cpp:")) << error.where();
  EXPECT_STREQ(Error(ErrorCode::kIo, "full").what(), "full");
}

TEST(Geometry, IntersectsHalfOpenRectangles) {
  EXPECT_EQ(intersect({0, 0, 10, 10}, {5, 8, 10, 10}), (RectPx{5, 8, 5, 2}));
  EXPECT_TRUE(intersect({0, 0, 10, 10}, {10, 0, 5, 5}).empty());
}

TEST(Checked, RefusesOverflowAndNegatives) {
  EXPECT_EQ(checked_mul(3, 4, "x"), 12);
  EXPECT_THROW(checked_mul(int64_t{1} << 40, int64_t{1} << 40, "tile bytes"), Error);
  EXPECT_THROW(checked_mul(-1, 4, "x"), Error);
}

TEST(Image, RefusesAbsurdSizes) {
  EXPECT_THROW(Image(2'000'000, 2'000'000), Error);
  EXPECT_THROW(Image(-1, 5), Error);
}

TEST(Image, CropsWithoutCopying) {
  Image image(4, 3);
  image.row(1)[2 * 3 + 1] = 77;
  const ImageView part = crop(static_cast<const Image&>(image).view(), {2, 1, 2, 2});
  EXPECT_EQ(part.row(0)[1], 77);
  EXPECT_THROW(crop(image.view(), {3, 0, 2, 1}), Error);
  Image copy(2, 2);
  copy_pixels(part, copy.view());
  EXPECT_EQ(copy.row(0)[1], 77);
  EXPECT_THROW(copy_pixels(part, image.view()), Error);
}

TEST(ParallelFor, CallsEveryIndexOnceForAnyThreadCount) {
  for (const int threads : {1, 2, 7}) {
    std::vector<std::atomic<int>> calls(100);
    parallel_for(100, threads, [&](int64_t i, int worker) {
      EXPECT_LT(worker, threads);
      ++calls[static_cast<size_t>(i)];
    });
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
  parallel_for(0, 3, [](int64_t, int) { FAIL(); });
}

TEST(ParallelFor, CarriesTheExceptionBack) {
  for (const int threads : {1, 3}) {
    EXPECT_THROW(parallel_for(50, threads,
                              [](int64_t i, int) {
                                if (i == 20) throw Error(ErrorCode::kCorrupt, "20");
                              }),
                 Error);
  }
}

TEST(ParallelFor, MayBeCalledInsideItself) {
  std::atomic<int> calls{0};
  parallel_for(8, 4, [&](int64_t, int) { parallel_for(8, 4, [&](int64_t, int) { ++calls; }); });
  EXPECT_EQ(calls, 64);
}

TEST(ParallelFor, WorksInAForkedChild) {
  std::atomic<int> calls{0};
  const auto count = [&] { parallel_for(100, 4, [&](int64_t, int) { ++calls; }); };
  count();
  const pid_t child = ::fork();
  if (child == 0) {
    count();
    ::_exit(calls == 200 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(CancelToken, IsSharedByCopies) {
  const CancelToken token;
  const CancelToken copy = token;
  EXPECT_NO_THROW(copy.check());
  token.request();
  EXPECT_THROW(copy.check(), Error);
}

TEST(Random, IsTheStandardsGenerator) {
  // The 10000th value of std::mt19937_64 with its default seed, given by the C++ standard.
  Random random(5489);
  uint64_t value = 0;
  for (int i = 0; i < 10000; ++i) value = random.bits();
  EXPECT_EQ(value, 9981545732273789042u);
}

TEST(Random, DrawsBelowTheBoundAndShufflesAll) {
  Random random(1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.below(5));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4}));
  for (int i = 0; i < 100; ++i) {
    const double u = random.uniform();
    EXPECT_GE(u, 0);
    EXPECT_LT(u, 1);
  }
  std::vector<int> values = {1, 2, 3, 4, 5};
  random.shuffle(std::span(values));
  EXPECT_EQ(std::set<int>(values.begin(), values.end()).size(), 5u);
  EXPECT_NE(derive_seed(1, "a"), derive_seed(1, "b"));
  EXPECT_NE(derive_seed(1, "a"), derive_seed(2, "a"));
}

TEST(HmacSha256, MatchesRfc4231) {
  EXPECT_EQ(hex_digits(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex_digits(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Sha256, MatchesTheStandardsExamples) {
  // FIPS 180-4 examples.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 parts;
  parts.update("a");
  parts.update("bc");
  EXPECT_EQ(parts.hex(), sha256_hex("abc"));
}

TEST(Text, ParsesWholeNumbersOnly) {
  EXPECT_EQ(parse_double(" 1.5 "), 1.5);
  EXPECT_EQ(parse_double("+2"), 2.0);
  EXPECT_FALSE(parse_double("1,5"));
  EXPECT_FALSE(parse_double("1.5x"));
  EXPECT_FALSE(parse_double(""));
  EXPECT_EQ(parse_int("-12"), -12);
  EXPECT_FALSE(parse_int("1.0"));
  EXPECT_EQ(trim("  a b\r\n"), "a b");
  EXPECT_EQ(format_double(0.1), "0.1");
  EXPECT_EQ(*parse_double(format_double(1.0 / 3)), 1.0 / 3);
}

TEST(JsonText, RefusesWhatIsNestedTooDeep) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)).is_array());
  EXPECT_THROW(parse_json(nested(kMaxJsonDepth + 1)), nlohmann::json::exception);
  EXPECT_TRUE(parse_json_or_discard(nested(100'000)).is_discarded());
  EXPECT_TRUE(parse_json_or_discard("{").is_discarded());
  // Brackets inside a text are no nesting, also after an escaped quote.
  const std::string text = "\"a \\\" " + std::string(100, '[') + "\"";
  EXPECT_EQ(parse_json(text).get<std::string>().size(), 104u);
}

TEST(JsonText, WholeNumbersAreNeverOthers) {
  const auto whole = [](const char* text) { return json_whole<int>(parse_json(text)); };
  EXPECT_EQ(whole("224"), 224);
  EXPECT_EQ(whole("-2147483648"), std::numeric_limits<int>::min());
  for (const char* text : {"2147483648", "-2147483649", "4294967520", "18446744073709551615",
                           "22222222222222222222222222222222222", "224.5", "224.0", "true", "null",
                           "\"224\"", "[224]"}) {
    EXPECT_THROW(whole(text), nlohmann::json::exception) << text;
  }
  EXPECT_EQ(json_whole<int64_t>(parse_json("4294967520")), 4294967520);
  EXPECT_THROW(json_whole<int64_t>(parse_json("18446744073709551615")), nlohmann::json::exception);
}

TEST(JsonText, ExcerptsKeepWholeCharacters) {
  EXPECT_EQ(json_excerpt(nlohmann::json::parse("[1, \"a\"]")), "[1,\"a\"]");
  EXPECT_EQ(json_excerpt("ab\u00e9cd", 5), "\"ab\u00e9...");
  EXPECT_EQ(json_excerpt("ab\u00e9cd", 4), "\"ab...");
}

TEST(Text, FindsTheNearestName) {
  const std::vector<std::string> names = {"size_px", "level", "mpp", "centers"};
  EXPECT_EQ(nearest("size", names), "size_px");
  EXPECT_EQ(nearest("centres", names), "centers");
  EXPECT_EQ(nearest("Level", names), "level");
  EXPECT_FALSE(nearest("colormap", names));
  EXPECT_EQ(did_you_mean("levle", names), " (did you mean 'level'?)");
  EXPECT_EQ(did_you_mean("zzzzzzzz", names), "");
}

}  // namespace
}  // namespace lamella
