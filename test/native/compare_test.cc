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

TEST(Compare, UnequalLengthsAreUnequal) {
  const Bytes a(32, 0);
  EXPECT_FALSE(constant_time_equal(a, View(a).first(31)));
  EXPECT_FALSE(constant_time_equal(View(a).first(31), a));
  EXPECT_FALSE(constant_time_equal(a, {}));
  EXPECT_FALSE(constant_time_equal({}, a));
}

}  // namespace
}  // namespace tinymls
