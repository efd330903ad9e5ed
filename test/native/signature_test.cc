#include "core/signature.h"

#include <gtest/gtest.h>

#include <string>

#include "hex.h"

namespace tinymls {
namespace {

using test::from_hex;
using test::text;

const Library& library() { return Library::standard(); }

constexpr KeyId kAll[] = {KeyId::kEd25519,   KeyId::kEd448,   KeyId::kEcdsaP256, KeyId::kEcdsaP384,
                          KeyId::kEcdsaP521, KeyId::kMlDsa65, KeyId::kMlDsa87};

class EachSignature : public testing::TestWithParam<KeyId> {
 protected:
  // ML-DSA is not in OpenSSL before 3.5: then every use of it says so.
  std::optional<PrivateKey> generate() {
    auto key = PrivateKey::generate(library(), GetParam());
    if (key) return std::move(*key);
    EXPECT_TRUE(GetParam() >= KeyId::kMlDsa65 && OPENSSL_VERSION_NUMBER < 0x30500000L);
    EXPECT_EQ(key.fault(), Fault::kConfig);
    return {};
  }
};

TEST_P(EachSignature, SignsAndVerifiesAndNothingElseVerifies) {
  auto key = generate();
  if (!key) return;
  std::vector<uint8_t> signature(signature_max_length(GetParam()));
  auto length = sign(*key, text("message"), signature);
  ASSERT_TRUE(length);
  signature.resize(*length);
  const View public_key = key->public_key();
  EXPECT_TRUE(*verify(library(), GetParam(), public_key, text("message"), signature));
  EXPECT_FALSE(*verify(library(), GetParam(), public_key, text("messagf"), signature));
  EXPECT_FALSE(*verify(library(), GetParam(), public_key, text(""), signature));
  for (size_t i : {size_t{0}, signature.size() / 2, signature.size() - 1}) {
    signature[i] ^= 1;
    EXPECT_FALSE(*verify(library(), GetParam(), public_key, text("message"), signature)) << i;
    signature[i] ^= 1;
  }
  EXPECT_FALSE(
      *verify(library(), GetParam(), public_key, text("message"), View(signature).first(signature.size() - 1)));
  EXPECT_FALSE(*verify(library(), GetParam(), public_key, text("message"), {}));
  signature.push_back(0);
  EXPECT_FALSE(*verify(library(), GetParam(), public_key, text("message"), signature));
}

TEST_P(EachSignature, KeysOfWrongLengthAreMalformed) {
  auto key = generate();
  if (!key) return;
  std::vector<uint8_t> longer(key->public_key().begin(), key->public_key().end());
  longer.push_back(0);
  for (View wrong : {View(longer), View(longer).first(longer.size() - 2), View()})
    EXPECT_EQ(verify(library(), GetParam(), wrong, text("m"), {}).fault(), Fault::kMalformed);
  std::vector<uint8_t> raw(key->raw().begin(), key->raw().end());
  raw.push_back(1);
  EXPECT_EQ(PrivateKey::import(library(), GetParam(), View(raw)).fault(), Fault::kMalformed);
  EXPECT_EQ(PrivateKey::import(library(), GetParam(), View(raw).first(raw.size() - 2)).fault(), Fault::kMalformed);
}

TEST_P(EachSignature, RawKeyGivesTheSameKeyAgain) {
  auto key = generate();
  if (!key) return;
  auto again = PrivateKey::import(library(), GetParam(), key->raw());
  ASSERT_TRUE(again);
  EXPECT_TRUE(std::equal(key->public_key().begin(), key->public_key().end(), again->public_key().begin()));
  std::vector<uint8_t> signature(signature_max_length(GetParam()));
  auto length = sign(*key, text("m"), signature);
  ASSERT_TRUE(length);
  EXPECT_TRUE(*verify(library(), GetParam(), again->public_key(), text("m"), View(signature).first(*length)));
}

// Keys that take each other's place among those that are kept are told apart, and a key that is refused displaces none.
TEST_P(EachSignature, KeptPublicKeysVerifyWhatTheySigned) {
  if (!generate()) return;
  std::vector<PrivateKey> keys;
  std::vector<std::vector<uint8_t>> signatures;
  for (int i = 0; i < (GetParam() < KeyId::kMlDsa65 ? 80 : 8); ++i) {
    keys.push_back(std::move(*PrivateKey::generate(library(), GetParam())));
    signatures.emplace_back(signature_max_length(GetParam()));
    signatures.back().resize(*sign(keys.back(), text("m"), signatures.back()));
  }
  Verifier verifier;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < keys.size(); ++i) {
      const View key = keys[i].public_key();
      EXPECT_TRUE(*verifier.verify(library(), GetParam(), key, text("m"), signatures[i]));
      EXPECT_TRUE(*verifier.verify(library(), GetParam(), key, text("m"), signatures[i]));
      EXPECT_FALSE(*verifier.verify(library(), GetParam(), key, text("n"), signatures[i]));
      EXPECT_FALSE(*verifier.verify(library(), GetParam(), key, text("m"), signatures[(i + 1) % keys.size()]));
      EXPECT_EQ(verifier.verify(library(), GetParam(), key.first(key.size() - 1), text("m"), signatures[i]).fault(),
                Fault::kMalformed);
    }
  }
  EXPECT_EQ(verifier.verify(library(), GetParam(), {}, text("m"), signatures[0]).fault(), Fault::kMalformed);
  EXPECT_EQ(verifier.verify(library(), KeyId::kDhkemX25519, keys[0].public_key(), text("m"), signatures[0]).fault(),
            Fault::kUsage);
}

INSTANTIATE_TEST_SUITE_P(Signature, EachSignature, testing::ValuesIn(kAll));

// RFC 8032 §7.1, TEST 2.
TEST(Signature, Ed25519KnownAnswer) {
  auto key = PrivateKey::import(library(), KeyId::kEd25519,
                                from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  ASSERT_TRUE(key);
  const auto expected = from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), key->public_key().begin()));
  std::vector<uint8_t> signature(64);
  ASSERT_TRUE(sign(*key, from_hex("72"), signature));
  EXPECT_EQ(signature, from_hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
}

TEST(Signature, PublicKeyOfScalarOne) {
  auto raw = std::vector<uint8_t>(32);
  raw[31] = 1;
  auto key = PrivateKey::import(library(), KeyId::kEcdsaP256, View(raw));
  ASSERT_TRUE(key);
  const auto generator = from_hex(
      "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
      "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
  EXPECT_TRUE(std::equal(generator.begin(), generator.end(), key->public_key().begin()));
}

TEST(Signature, ScalarsOutOfRangeAreInvalid) {
  EXPECT_EQ(PrivateKey::import(library(), KeyId::kEcdsaP256, View(std::vector<uint8_t>(32))).fault(), Fault::kInvalid);
  const auto order = from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  EXPECT_EQ(PrivateKey::import(library(), KeyId::kEcdsaP256, View(order)).fault(), Fault::kInvalid);
  auto below = order;
  below[31] -= 1;
  EXPECT_TRUE(PrivateKey::import(library(), KeyId::kEcdsaP256, View(below)));
}

TEST(Signature, KemKeysAndUnknownNumbersAreRefused) {
  auto kem = PrivateKey::generate(library(), KeyId::kDhkemX25519);
  ASSERT_TRUE(kem);
  std::vector<uint8_t> out(64, 7);
  EXPECT_EQ(sign(*kem, text("m"), out).fault(), Fault::kUsage);
  EXPECT_EQ(out, std::vector<uint8_t>(64, 7));
  EXPECT_EQ(verify(library(), KeyId::kDhkemX25519, kem->public_key(), text("m"), out).fault(), Fault::kUsage);
  for (int number : {0, 12, 15, 23, 255})
    EXPECT_EQ(PrivateKey::generate(library(), static_cast<KeyId>(number)).fault(), Fault::kUsage);
}

TEST(Signature, LeavesTheErrorQueueOfTheProcessAlone) {
  ERR_clear_error();
  auto off_curve = std::vector<uint8_t>(65, 1);
  off_curve[0] = 4;
  EXPECT_EQ(verify(library(), KeyId::kEcdsaP256, off_curve, text("m"), from_hex("3006020101020101")).fault(),
            Fault::kInvalid);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace tinymls
