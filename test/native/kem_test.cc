#include "core/kem.h"

#include <gtest/gtest.h>

#include "core/compare.h"
#include "core/hpke_shake.h"
#include "core/pool.h"
#include "hex.h"

namespace tinymls {
namespace {

using test::from_hex;

const Library& library() { return Library::standard(); }
bool same(View a, View b) { return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin()); }

constexpr KeyId kDh[] = {KeyId::kDhkemP256, KeyId::kDhkemP384, KeyId::kDhkemP521, KeyId::kDhkemX25519,
                         KeyId::kDhkemX448};
constexpr KeyId kMl[] = {KeyId::kMlKem512,       KeyId::kMlKem768,     KeyId::kMlKem1024,
                         KeyId::kMlKem768X25519, KeyId::kMlKem768P256, KeyId::kMlKem1024P384};
constexpr bool kHasMl = OPENSSL_VERSION_NUMBER >= 0x30500000L;

class EachDhkem : public testing::TestWithParam<KeyId> {};

TEST_P(EachDhkem, BothSidesAgree) {
  auto receiver = PrivateKey::generate(library(), GetParam());
  ASSERT_TRUE(receiver);
  std::vector<uint8_t> enc(kem_traits(GetParam())->enc_length), second(enc.size());
  auto sent = kem_encapsulate(library(), GetParam(), receiver->public_key(), enc);
  ASSERT_TRUE(sent);
  auto received = kem_decapsulate(library(), *receiver, enc);
  ASSERT_TRUE(received);
  EXPECT_TRUE(same(sent->view(), received->view()));
  EXPECT_EQ(sent->size(), kem_traits(GetParam())->secret_length);
  ASSERT_TRUE(kem_encapsulate(library(), GetParam(), receiver->public_key(), second));
  EXPECT_NE(enc, second);
}

TEST_P(EachDhkem, AuthenticatedSecretNeedsTheSender) {
  auto receiver = PrivateKey::generate(library(), GetParam());
  auto sender = PrivateKey::generate(library(), GetParam());
  auto stranger = PrivateKey::generate(library(), GetParam());
  std::vector<uint8_t> enc(kem_traits(GetParam())->enc_length);
  auto sent = kem_encapsulate(library(), GetParam(), receiver->public_key(), enc, &*sender);
  ASSERT_TRUE(sent);
  EXPECT_TRUE(same(sent->view(), kem_decapsulate(library(), *receiver, enc, sender->public_key())->view()));
  EXPECT_FALSE(same(sent->view(), kem_decapsulate(library(), *receiver, enc, stranger->public_key())->view()));
  EXPECT_FALSE(same(sent->view(), kem_decapsulate(library(), *receiver, enc)->view()));
}

TEST_P(EachDhkem, DerivedKeyPairsAreAFunctionOfTheInput) {
  auto one = kem_derive_key_pair(library(), GetParam(), from_hex("0102"));
  auto again = kem_derive_key_pair(library(), GetParam(), from_hex("0102"));
  auto other = kem_derive_key_pair(library(), GetParam(), from_hex("0103"));
  ASSERT_TRUE(one && again && other);
  EXPECT_TRUE(same(one->raw(), again->raw()));
  EXPECT_FALSE(same(one->raw(), other->raw()));
  EXPECT_EQ(kem_derive_key_pair(library(), GetParam(), {}).fault(), Fault::kUsage);
}

TEST_P(EachDhkem, KeyPairsAreDerivedByThreadsAtOnce) {
  const auto input = [](size_t i) { return std::vector<uint8_t>(64, static_cast<uint8_t>(i)); };
  std::vector<std::optional<Result<PrivateKey>>> keys(12);
  parallel_for(keys.size(), [&](size_t i) { keys[i].emplace(kem_derive_key_pair(library(), GetParam(), input(i))); });
  for (size_t i = 0; i < keys.size(); i++) {
    auto alone = kem_derive_key_pair(library(), GetParam(), input(i));
    ASSERT_TRUE(alone && *keys[i]);
    EXPECT_TRUE(same(alone->raw(), (*keys[i])->raw()));
    EXPECT_TRUE(same(alone->public_key(), (*keys[i])->public_key()));
  }
}

TEST_P(EachDhkem, WrongLengthsAreMalformedAndLeaveNoOutput) {
  auto receiver = PrivateKey::generate(library(), GetParam());
  std::vector<uint8_t> enc(kem_traits(GetParam())->enc_length, 9);
  const View public_key = receiver->public_key();
  EXPECT_EQ(kem_encapsulate(library(), GetParam(), public_key.first(public_key.size() - 1), enc).fault(),
            Fault::kMalformed);
  EXPECT_EQ(enc, std::vector<uint8_t>(enc.size()));
  EXPECT_EQ(kem_decapsulate(library(), *receiver, public_key.first(public_key.size() - 1)).fault(), Fault::kMalformed);
  EXPECT_EQ(kem_encapsulate(library(), GetParam(), public_key, MutableView(enc).first(8)).fault(), Fault::kUsage);
}

INSTANTIATE_TEST_SUITE_P(Kem, EachDhkem, testing::ValuesIn(kDh));

class EachNistCurve : public testing::TestWithParam<KeyId> {};

TEST_P(EachNistCurve, PointsAreCheckedAndUncompressed) {
  auto receiver = PrivateKey::generate(library(), GetParam());
  std::vector<uint8_t> enc(kem_traits(GetParam())->enc_length);
  std::vector<uint8_t> point(receiver->public_key().begin(), receiver->public_key().end());
  point.back() ^= 1;
  EXPECT_EQ(kem_encapsulate(library(), GetParam(), point, enc).fault(), Fault::kInvalid);
  EXPECT_EQ(kem_decapsulate(library(), *receiver, point).fault(), Fault::kInvalid);
  point.back() ^= 1;
  for (uint8_t form : {0, 2, 3, 5, 6, 7}) {
    point[0] = form;
    EXPECT_EQ(kem_decapsulate(library(), *receiver, point).fault(), Fault::kMalformed) << int{form};
  }
  const uint8_t infinity[] = {0};
  EXPECT_EQ(kem_decapsulate(library(), *receiver, infinity).fault(), Fault::kMalformed);
  std::vector<uint8_t> beyond(point.size(), 0xff);  // coordinates not below the prime
  beyond[0] = 4;
  EXPECT_EQ(kem_decapsulate(library(), *receiver, beyond).fault(), Fault::kInvalid);
}

INSTANTIATE_TEST_SUITE_P(Kem, EachNistCurve, testing::Values(KeyId::kDhkemP256, KeyId::kDhkemP384, KeyId::kDhkemP521));

TEST(Kem, AllZeroResultsAreRefused) {
  for (KeyId id : {KeyId::kDhkemX25519, KeyId::kDhkemX448}) {
    auto receiver = PrivateKey::generate(library(), id);
    auto sender = PrivateKey::generate(library(), id);
    std::vector<uint8_t> small(key_traits(id)->public_length), enc(small.size(), 9);
    for (uint8_t u : {0, 1}) {
      small[0] = u;
      EXPECT_EQ(kem_decapsulate(library(), *receiver, small).fault(), Fault::kInvalid);
      EXPECT_EQ(kem_decapsulate(library(), *receiver, sender->public_key(), small).fault(), Fault::kInvalid);
      EXPECT_EQ(kem_encapsulate(library(), id, small, enc).fault(), Fault::kInvalid);
      EXPECT_EQ(enc, std::vector<uint8_t>(enc.size()));
    }
  }
}

// RFC 9180 A.1.1 and A.3.1.
void expect_small_order(KeyId id, const std::string& hex) {
  const auto key = from_hex(hex);
  std::vector<uint8_t> enc(kem_traits(id)->enc_length);
  EXPECT_TRUE(small_order(id, key)) << hex;
  EXPECT_EQ(kem_encapsulate(library(), id, key, enc).fault(), Fault::kInvalid) << hex;
}

TEST(Kem, SmallOrderIsKnownWithoutMultiplying) {
  const std::string f30(60, 'f'), z31(62, '0'), f27(54, 'f');
  for (const char* low : {"00", "01"}) {
    expect_small_order(KeyId::kDhkemX25519, low + z31);
    expect_small_order(KeyId::kDhkemX25519, low + z31.substr(2) + "80");
    expect_small_order(KeyId::kDhkemX448, low + std::string(110, '0'));
  }
  for (const char* low : {"ec", "ed", "ee"}) {
    expect_small_order(KeyId::kDhkemX25519, low + f30 + "7f");
    expect_small_order(KeyId::kDhkemX25519, low + f30 + "ff");
  }
  expect_small_order(KeyId::kDhkemX25519, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
  expect_small_order(KeyId::kDhkemX25519, "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157");
  for (const char* low : {"fe", "ff"}) expect_small_order(KeyId::kDhkemX448, low + f27 + "fe" + f27);
  expect_small_order(KeyId::kDhkemX448, std::string(56, '0') + f27 + "ff");
  for (const KeyId id : kDh) EXPECT_FALSE(small_order(id, PrivateKey::generate(library(), id)->public_key()));
  const std::string base = "09" + z31;
  for (const std::string& other : {base, "eb" + f30 + "7f", "ef" + f30 + "7f", "02" + z31}) {
    const auto key = from_hex(other);
    std::vector<uint8_t> enc(32);
    EXPECT_FALSE(small_order(KeyId::kDhkemX25519, key));
    EXPECT_TRUE(kem_encapsulate(library(), KeyId::kDhkemX25519, key, enc));
  }
}

TEST(Kem, DeriveKeyPairKnownAnswers) {
  auto x25519 = kem_derive_key_pair(library(), KeyId::kDhkemX25519,
                                    from_hex("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037"));
  EXPECT_TRUE(same(x25519->raw(), from_hex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")));
  EXPECT_TRUE(same(x25519->public_key(), from_hex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")));
  auto p256 = kem_derive_key_pair(library(), KeyId::kDhkemP256,
                                  from_hex("668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550"));
  EXPECT_TRUE(same(p256->raw(), from_hex("f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2")));
}

TEST(Kem, MlKem) {
  for (KeyId id : kMl) {
    auto receiver = PrivateKey::generate(library(), id);
    if (!kHasMl) {
      EXPECT_EQ(receiver.fault(), Fault::kConfig);
      continue;
    }
    ASSERT_TRUE(receiver);
    std::vector<uint8_t> enc(kem_traits(id)->enc_length);
    auto sent = kem_encapsulate(library(), id, receiver->public_key(), enc);
    ASSERT_TRUE(sent);
    EXPECT_TRUE(same(sent->view(), kem_decapsulate(library(), *receiver, enc)->view()));
    enc[3] ^= 1;  // implicit rejection: another secret, no fault
    EXPECT_FALSE(same(sent->view(), kem_decapsulate(library(), *receiver, enc)->view()));
    auto sender = PrivateKey::generate(library(), id);
    EXPECT_EQ(kem_encapsulate(library(), id, receiver->public_key(), enc, &*sender).fault(), Fault::kUsage);
    std::vector<uint8_t> out_of_range(key_traits(id)->public_length, 0xff);
    EXPECT_EQ(kem_encapsulate(library(), id, out_of_range, enc).fault(), Fault::kInvalid);
  }
}

TEST(Kem, SignatureKeysAreRefused) {
  auto key = PrivateKey::generate(library(), KeyId::kEd25519);
  std::vector<uint8_t> enc(32);
  EXPECT_EQ(kem_encapsulate(library(), KeyId::kEd25519, key->public_key(), enc).fault(), Fault::kUsage);
  EXPECT_EQ(kem_decapsulate(library(), *key, enc).fault(), Fault::kUsage);
  EXPECT_EQ(kem_derive_key_pair(library(), KeyId::kEcdsaP256, enc).fault(), Fault::kUsage);
}

// FIPS 202, the empty message.
TEST(Kem, Shake) {
  EXPECT_TRUE(same(sha3_256(library(), {})->view(),
                   from_hex("a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a")));
  EXPECT_TRUE(same(shake(library(), Shake::kShake128, {}, 32)->view(),
                   from_hex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")));
  // Longer than the rate on both sides: one message whole and in parts.
  std::vector<uint8_t> message(1000, 0xa5);
  const View whole[] = {message}, parts[] = {View(message).first(167), View(message).subspan(167)};
  for (Shake xof : {Shake::kShake128, Shake::kShake256})
    EXPECT_TRUE(same(shake(library(), xof, whole, 500)->view(), shake(library(), xof, parts, 500)->view()));
}

TEST(KeyTraits, OnlyFewAndFastOperationsAreBrief) {
  EXPECT_TRUE(is_brief(KeyId::kDhkemX25519, 0));
  EXPECT_TRUE(is_brief(KeyId::kDhkemX25519, 4));
  EXPECT_FALSE(is_brief(KeyId::kDhkemX25519, 50));
  EXPECT_TRUE(is_brief(KeyId::kEd25519, 3));
  EXPECT_FALSE(is_brief(KeyId::kEd25519, 50));
  EXPECT_TRUE(is_best_alone(KeyId::kEd25519, 3));
  EXPECT_FALSE(is_best_alone(KeyId::kEd25519, 10));
  EXPECT_FALSE(is_best_alone(static_cast<KeyId>(0), 1));
  EXPECT_FALSE(is_brief(KeyId::kDhkemP521, 1));
  EXPECT_FALSE(is_brief(static_cast<KeyId>(0), 1));
}

}  // namespace
}  // namespace tinymls
