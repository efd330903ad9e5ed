#include "core/message_key.h"

#include <gtest/gtest.h>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;
using test::text;

const Library& library() { return Library::standard(); }

struct Algorithms {
  HashId hash;
  AeadId aead;
};

class EachMessageKey : public testing::TestWithParam<Algorithms> {
 protected:
  const Bytes secret = Bytes(hash_length(GetParam().hash), 7), context = {0, 0, 1, 2}, mask = {1, 2, 3, 4};
  const View key_label = text("MLS 1.0 key"), nonce_label = text("MLS 1.0 nonce");
  MessageKey key() const {
    return {GetParam().hash, GetParam().aead, LabelFormat::kMls, secret, key_label, nonce_label, context, mask};
  }
};

TEST_P(EachMessageKey, IsAeadUnderTheExpandedKeyAndTheMaskedNonce) {
  const auto [hash, aead] = GetParam();
  const View plaintext = text("plaintext"), aad = text("aad");
  Bytes sealed(plaintext.size() + kAeadTagLength);
  ASSERT_TRUE(message_seal(library(), key(), aad, plaintext, sealed));

  const size_t key_length = aead_key_length(aead);
  auto expanded = hkdf_expand_label(library(), hash, secret, LabelFormat::kMls, key_label, context, key_length);
  auto nonce = hkdf_expand_label(library(), hash, secret, LabelFormat::kMls, nonce_label, context, kAeadNonceLength);
  ASSERT_TRUE(expanded && nonce);
  for (size_t i = 0; i < mask.size(); ++i) nonce->data()[i] ^= mask[i];
  auto cipher = AeadCipher::create(library(), aead, expanded->view());
  ASSERT_TRUE(cipher);
  Bytes expected(sealed.size());
  ASSERT_TRUE(cipher->seal(nonce->view(), aad, plaintext, expected));
  EXPECT_EQ(sealed, expected);

  Bytes opened(plaintext.size());
  ASSERT_TRUE(message_open(library(), key(), aad, sealed, opened));
  EXPECT_EQ(opened, Bytes(plaintext.begin(), plaintext.end()));
}

TEST_P(EachMessageKey, SealsInPlace) {
  const Bytes plaintext(300, 9);
  const View aad = text("aad");
  Bytes apart(plaintext.size() + kAeadTagLength), place = plaintext;
  ASSERT_TRUE(message_seal(library(), key(), aad, plaintext, apart));
  place.resize(apart.size());
  ASSERT_TRUE(message_seal(library(), key(), aad, View(place).first(plaintext.size()), place));
  EXPECT_EQ(place, apart);
}

TEST_P(EachMessageKey, AnythingElseDoesNotOpenAndLeavesZeros) {
  const View plaintext = text("plaintext"), aad = text("aad");
  Bytes sealed(plaintext.size() + kAeadTagLength);
  ASSERT_TRUE(message_seal(library(), key(), aad, plaintext, sealed));
  Bytes other_secret = secret, other_context = context, other_mask = mask;
  other_secret[0] ^= 1;
  other_context[3] ^= 1;
  other_mask[3] ^= 1;
  const View other_label = text("MLS 1.0 kex");
  MessageKey wrong[5] = {key(), key(), key(), key(), key()};
  wrong[0].secret = other_secret;
  wrong[1].context = other_context;
  wrong[2].nonce_xor = other_mask;
  wrong[3].key_label = other_label;
  wrong[4].nonce_label = other_label;
  for (const MessageKey& each : wrong) {
    Bytes opened(plaintext.size(), 0xaa);
    EXPECT_EQ(message_open(library(), each, aad, sealed, opened).fault(), Fault::kUndecryptable);
    EXPECT_EQ(opened, Bytes(plaintext.size()));
  }
  Bytes opened(plaintext.size(), 0xaa);
  EXPECT_EQ(message_open(library(), key(), text("aae"), sealed, opened).fault(), Fault::kUndecryptable);
  sealed.back() ^= 1;
  EXPECT_EQ(message_open(library(), key(), aad, sealed, opened).fault(), Fault::kUndecryptable);
  EXPECT_EQ(opened, Bytes(plaintext.size()));
}

TEST_P(EachMessageKey, WhatIsNotKnownIsRefused) {
  const View plaintext = text("plaintext");
  const Bytes long_mask(kAeadNonceLength + 1, 1);
  Bytes sealed(plaintext.size() + kAeadTagLength, 0x55);
  MessageKey wrong[4] = {key(), key(), key(), key()};
  wrong[0].hash = static_cast<HashId>(4);
  wrong[1].aead = static_cast<AeadId>(0);
  wrong[2].format = static_cast<LabelFormat>(2);
  wrong[3].nonce_xor = long_mask;
  for (const MessageKey& each : wrong) {
    EXPECT_FALSE(message_key_known(each));
    EXPECT_EQ(message_seal(library(), each, {}, plaintext, sealed).fault(), Fault::kUsage);
  }
  EXPECT_EQ(sealed, Bytes(sealed.size(), 0x55));
}

INSTANTIATE_TEST_SUITE_P(MessageKey, EachMessageKey,
                         testing::Values(Algorithms{HashId::kSha256, AeadId::kAes128Gcm},
                                         Algorithms{HashId::kSha256, AeadId::kChaCha20Poly1305},
                                         Algorithms{HashId::kSha384, AeadId::kAes256Gcm},
                                         Algorithms{HashId::kSha512, AeadId::kAes256Gcm}));

}  // namespace
}  // namespace tinymls
