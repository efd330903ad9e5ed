// Keys that were kept beside their public keys.
#include "core/keys.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/kem.h"
#include "core/signature.h"
#include "hex.h"

namespace tinymls {
namespace {

using test::text;

const Library& library() { return Library::standard(); }
constexpr KeyId kFirst = KeyId::kDhkemP256, kLast = KeyId::kMlDsa87;

std::vector<PrivateKey> one_of_each() {
  std::vector<PrivateKey> keys;
  for (auto id = static_cast<uint8_t>(kFirst); id <= static_cast<uint8_t>(kLast); ++id) {
    if (!key_traits(static_cast<KeyId>(id))) continue;
    auto key = PrivateKey::generate(library(), static_cast<KeyId>(id));
    if (key) keys.push_back(std::move(*key));  // ML-KEM and ML-DSA are not in OpenSSL before 3.5
  }
  EXPECT_GE(keys.size(), 10u);
  return keys;
}

void expect_same_use(const PrivateKey& a, const PrivateKey& b) {
  const View public_key = a.public_key();
  if (const size_t longest = signature_max_length(a.id()); longest > 0) {
    std::vector<uint8_t> signature(longest);
    const auto length = sign(b, text("message"), signature);
    ASSERT_TRUE(length);
    EXPECT_TRUE(*verify(library(), a.id(), public_key, text("message"), View(signature).first(*length)));
    return;
  }
  std::vector<uint8_t> enc(kem_traits(a.id())->enc_length);
  const auto sent = kem_encapsulate(library(), a.id(), public_key, enc, nullptr, {});
  ASSERT_TRUE(sent);
  const auto received = kem_decapsulate(library(), b, enc, {});
  ASSERT_TRUE(received);
  EXPECT_TRUE(std::ranges::equal(sent->view(), received->view()));
}

TEST(Keys, ARestoredKeyIsTheSameKey) {
  for (const PrivateKey& key : one_of_each()) {
    SCOPED_TRACE(static_cast<int>(key.id()));
    const auto restored = PrivateKey::restore(library(), key.id(), key.raw(), key.public_key());
    ASSERT_TRUE(restored);
    EXPECT_TRUE(std::ranges::equal(restored->raw(), key.raw()));
    EXPECT_TRUE(std::ranges::equal(restored->public_key(), key.public_key()));
    expect_same_use(key, *restored);
  }
}

TEST(Keys, ACheckOfAPublicKeySaysWhatItsImportSays) {
  for (const PrivateKey& key : one_of_each()) {
    SCOPED_TRACE(static_cast<int>(key.id()));
    const std::vector<uint8_t> right(key.public_key().begin(), key.public_key().end());
    EXPECT_TRUE(PublicKey::check(library(), key.id(), right));
    std::vector<std::vector<uint8_t>> others(6, right);
    others[0].push_back(0);
    others[1].pop_back();
    others[2].clear();
    others[3].front() ^= 1;  // of a point: what says that it is uncompressed
    others[4].back() ^= 1;   // of a point: off the curve
    std::fill(others[5].begin() + 1, others[5].end(), 0xff);
    for (const auto& other : others) {
      const auto imported = PublicKey::import(library(), key.id(), other);
      const auto checked = PublicKey::check(library(), key.id(), other);
      ASSERT_EQ(static_cast<bool>(checked), static_cast<bool>(imported));
      EXPECT_TRUE(checked || checked.fault() == imported.fault());
    }
    if (key_traits(key.id())->family != KeyFamily::kNistCurve) continue;
    EXPECT_EQ(PublicKey::check(library(), key.id(), others[3]).fault(), Fault::kMalformed);
    EXPECT_EQ(PublicKey::check(library(), key.id(), others[4]).fault(), Fault::kInvalid);
    EXPECT_EQ(PublicKey::check(library(), key.id(), others[5]).fault(), Fault::kInvalid);
  }
  EXPECT_EQ(PublicKey::check(library(), KeyId{0}, {}).fault(), Fault::kUsage);
}

Fault fault_of_use(KeyId id, View raw, View public_key) {
  const auto key = PrivateKey::restore(library(), id, raw, public_key);
  if (!key) return key.fault();
  if (const size_t longest = signature_max_length(id); longest > 0) {
    std::vector<uint8_t> signature(longest);
    return sign(*key, text("message"), signature).fault();
  }
  const auto sender = PrivateKey::generate(library(), id);
  return kem_decapsulate(library(), *key, sender->public_key(), {}).fault();
}

TEST(Keys, WhatIsNoKeyPairIsOfNoUse) {
  EXPECT_EQ(PrivateKey::restore(library(), KeyId{0}, {}, {}).fault(), Fault::kUsage);
  for (const PrivateKey& key : one_of_each()) {
    SCOPED_TRACE(static_cast<int>(key.id()));
    const View raw = key.raw(), public_key = key.public_key();
    const auto fault = [&](View r, View p) { return PrivateKey::restore(library(), key.id(), r, p).fault(); };
    EXPECT_EQ(fault(raw.first(raw.size() - 1), public_key), Fault::kMalformed);
    EXPECT_EQ(fault(raw, public_key.first(public_key.size() - 1)), Fault::kMalformed);
    EXPECT_EQ(fault(raw, {}), Fault::kMalformed);
    if (key_traits(key.id())->family != KeyFamily::kNistCurve) continue;
    std::vector<uint8_t> other(public_key.begin(), public_key.end());
    other[0] = 6;  // the hybrid form
    EXPECT_EQ(fault_of_use(key.id(), raw, other), Fault::kMalformed);
    other[0] = 4;
    other.back() ^= 1;
    EXPECT_EQ(fault_of_use(key.id(), raw, other), Fault::kInvalid);
    const std::vector<uint8_t> zero(raw.size(), 0), most(raw.size(), 0xff);
    EXPECT_EQ(fault_of_use(key.id(), zero, public_key), Fault::kInvalid);
    EXPECT_EQ(fault_of_use(key.id(), most, public_key), Fault::kInvalid);
  }
}

// The first of them makes of it what all use.
TEST(Keys, ARestoredKeyServesThreadsAtOnce) {
  for (const PrivateKey& key : one_of_each()) {
    SCOPED_TRACE(static_cast<int>(key.id()));
    const auto restored = PrivateKey::restore(library(), key.id(), key.raw(), key.public_key());
    ASSERT_TRUE(restored);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { expect_same_use(key, *restored); });
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace tinymls
