#include "core/secret.h"

#include <gtest/gtest.h>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;

TEST(Secret, AllocatesZeroedAndCounts) {
  const auto before = secret_memory_stats();
  {
    auto secret = SecretBytes::allocate(100);
    ASSERT_TRUE(secret);
    EXPECT_EQ(secret->size(), 100u);
    EXPECT_TRUE(std::ranges::equal(secret->view(), Bytes(100, 0)));
    EXPECT_EQ(secret_memory_stats().allocations, before.allocations + 1);
  }
  EXPECT_EQ(secret_memory_stats().allocations, before.allocations);
  EXPECT_EQ(secret_memory_stats().in_use_bytes, before.in_use_bytes);
}

TEST(Secret, CopiesMovesShrinksAndClears) {
  const Bytes bytes{1, 2, 3, 4};
  auto secret = SecretBytes::copy(bytes);
  ASSERT_TRUE(secret);
  SecretBytes moved = std::move(*secret);
  EXPECT_EQ(secret->size(), 0u);
  EXPECT_TRUE(std::ranges::equal(moved.view(), bytes));
  moved.shrink(9);
  EXPECT_EQ(moved.size(), 4u);
  const uint8_t* data = moved.data();
  moved.shrink(2);
  EXPECT_EQ(moved.size(), 2u);
  EXPECT_EQ(data[0], 1);
  EXPECT_EQ(data[2], 0);
  EXPECT_EQ(data[3], 0);
  moved.clear();
  EXPECT_EQ(moved.data(), nullptr);
  moved.clear();
  EXPECT_EQ(moved.size(), 0u);
}

TEST(Secret, EmptyIsNoAllocation) {
  const auto before = secret_memory_stats();
  auto secret = SecretBytes::allocate(0);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->size(), 0u);
  EXPECT_TRUE(SecretBytes::copy({}));
  EXPECT_EQ(secret_memory_stats().allocations, before.allocations);
}

}  // namespace
}  // namespace tinymls
