#include "core/random.h"

#include <gtest/gtest.h>

#include <set>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;

TEST(Random, FillsTheWholeBuffer) {
  for (size_t size : {1, 15, 16, 17, 255, 256, 257, 5000}) {
    Bytes seen(size, 0), out(size);
    for (int round = 0; round < 40; ++round) {
      ASSERT_TRUE(random_fill(out));
      for (size_t i = 0; i < size; ++i) seen[i] |= out[i];
    }
    for (uint8_t bits : seen) EXPECT_NE(bits, 0);  // a byte that stayed 0 forty times was not written
  }
  EXPECT_TRUE(random_fill({}));
}

TEST(Random, SecretsDiffer) {
  std::set<Bytes> seen;
  for (int i = 0; i < 200; ++i) {
    auto secret = random_secret(16);
    ASSERT_TRUE(secret);
    ASSERT_EQ(secret->size(), 16u);
    EXPECT_TRUE(seen.emplace(secret->data(), secret->data() + 16).second);
  }
}

}  // namespace
}  // namespace tinymls
