#include "core/compare.h"

#include <gtest/gtest.h>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;

TEST(Compare, EqualAndUnequal) {
  Bytes a(64, 9), b = a;
  EXPECT_TRUE(constant_time_equal(a, b));
  EXPECT_TRUE(constant_time_equal({}, {}));
  for (size_t bit = 0; bit < a.size() * 8; ++bit) {
    b[bit / 8] ^= 1 << bit % 8;
    EXPECT_FALSE(constant_time_equal(a, b));
    b[bit / 8] ^= 1 << bit % 8;
  }
}

// Every octet counts, in whole words and behind the last, wherever the ranges start.
TEST(Compare, EveryOctetOfEveryLength) {
  Bytes a(48, 0x5a), b = a;
  for (size_t start = 0; start < 8; ++start) {
    for (size_t length = 0; length <= 40; ++length) {
      const View left = View(a).subspan(start, length);
      EXPECT_TRUE(constant_time_equal(left, View(b).first(length)));
      for (size_t at = 0; at < length; ++at) {
        b[at] ^= 0x80;
        EXPECT_FALSE(constant_time_equal(left, View(b).first(length)));
        b[at] ^= 0x80;
      }
    }
  }
}

TEST(Compare, UnequalLengthsAreUnequal) {
  const Bytes a(32, 0);
  EXPECT_FALSE(constant_time_equal(a, View(a).first(31)));
  EXPECT_FALSE(constant_time_equal(View(a).first(31), a));
  EXPECT_FALSE(constant_time_equal(a, {}));
  EXPECT_FALSE(constant_time_equal({}, a));
}

}  // namespace
}  // namespace tinymls
