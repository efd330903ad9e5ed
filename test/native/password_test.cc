#include "core/password.h"

#include <gtest/gtest.h>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;
using test::text;

const Bytes kSalt(16, 2);

Fault fault_of(View salt, Argon2Cost cost, size_t length) {
  auto derived = argon2id(Library::standard(), text("passphrase"), salt, cost, length);
  return derived ? Fault::kInternal : derived.fault();
}

TEST(Password, RefusesParametersOutOfRange) {
  const auto before = secret_memory_stats().allocations;
  EXPECT_EQ(fault_of(View(kSalt).first(7), {64, 1, 1}, 32), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {7, 1, 1}, 32), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {15, 1, 2}, 32), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {UINT32_MAX, 1, 1}, 32), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {64, 0, 1}, 32), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {64, UINT32_MAX, 1}, 32), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {64, 1, 0}, 32), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {64, 1, UINT32_MAX}, 32), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {64, 1, 1}, 3), Fault::kUsage);
  EXPECT_EQ(fault_of(kSalt, {64, 1, 1}, SIZE_MAX), Fault::kUsage);
  EXPECT_EQ(secret_memory_stats().allocations, before);
}

TEST(Password, SaysWhenTheLibraryHasNone) {
  const Library none;
  EXPECT_EQ(argon2id(none, text("passphrase"), kSalt, {64, 1, 1}, 32).fault(), Fault::kConfig);
}

// OpenSSL has it from 3.2 on.
TEST(Password, DerivesOrIsAConfigFault) {
  auto one = argon2id(Library::standard(), text("passphrase"), kSalt, {64, 1, 1}, 32);
  if (!Library::standard().argon2id) {
    EXPECT_EQ(one.fault(), Fault::kConfig);
    return;
  }
  auto same = argon2id(Library::standard(), text("passphrase"), kSalt, {64, 1, 1}, 32);
  auto other = argon2id(Library::standard(), text("passphrasf"), kSalt, {64, 1, 1}, 32);
  ASSERT_TRUE(one && same && other);
  EXPECT_EQ(test::to_hex(one->view()), test::to_hex(same->view()));
  EXPECT_NE(test::to_hex(one->view()), test::to_hex(other->view()));
}

}  // namespace
}  // namespace tinymls
