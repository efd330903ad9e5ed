#include "core/aead.h"

#include <gtest/gtest.h>

#include <cstring>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;
using test::from_hex;
using test::text;
using test::to_hex;

struct Answer {
  AeadId id;
  const char *key, *nonce, *aad, *plaintext, *sealed;
};

const Answer kAnswers[] = {
    // The GCM specification's test cases 1, 2, 4, 13, 14 and 16
    {AeadId::kAes128Gcm, "00000000000000000000000000000000", "000000000000000000000000", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {AeadId::kAes128Gcm, "00000000000000000000000000000000", "000000000000000000000000", "",
     "00000000000000000000000000000000", "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
    {AeadId::kAes128Gcm, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
     "ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
     "3d58e0915bc94fbc3221a5db94fae95ae7121a47"},
    {AeadId::kAes256Gcm, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {AeadId::kAes256Gcm, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {AeadId::kAes256Gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
     "ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
     "bcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    // RFC 8439 §2.8.2
    {AeadId::kChaCha20Poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f6666"
     "657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069"
     "742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29"
     "05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b"
     "61161ae10b594f09e26a7e902ecbd0600691"},
};

AeadCipher cipher_for(AeadId id, View key) {
  auto cipher = AeadCipher::create(Library::standard(), id, key);
  EXPECT_TRUE(cipher);
  return std::move(*cipher);
}

TEST(Aead, KnownAnswers) {
  for (const Answer& answer : kAnswers) {
    AeadCipher cipher = cipher_for(answer.id, from_hex(answer.key));
    const Bytes nonce = from_hex(answer.nonce), aad = from_hex(answer.aad), plaintext = from_hex(answer.plaintext);
    Bytes sealed(plaintext.size() + kAeadTagLength), opened(plaintext.size());
    for (int round = 0; round < 2; ++round) {  // a kept context is good for any number of messages, both ways
      ASSERT_TRUE(cipher.seal(nonce, aad, plaintext, sealed));
      EXPECT_EQ(to_hex(sealed), answer.sealed);
      ASSERT_TRUE(cipher.open(nonce, aad, sealed, opened));
      EXPECT_EQ(opened, plaintext);
    }
  }
}

TEST(Aead, AnAlgorithmThatOpenSslDoesNotOfferIsNone) {
  for (const char* name : {"AES-256-GCM-UNKNOWN", "", "SHA2-256"}) {
    EXPECT_FALSE(AeadFunctions::fetch(nullptr, name, nullptr)) << name;
  }
  EXPECT_FALSE(AeadFunctions::fetch(nullptr, "AES-256-GCM", "provider=unknown"));
  EXPECT_TRUE(AeadFunctions::fetch(nullptr, "id-aes256-GCM", nullptr));  // another name of one it does
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Aead, AadInTwoPartsIsOneAad) {
  for (const Answer& answer : kAnswers) {
    AeadCipher cipher = cipher_for(answer.id, from_hex(answer.key));
    const Bytes nonce = from_hex(answer.nonce), aad = from_hex(answer.aad), plaintext = from_hex(answer.plaintext);
    Bytes sealed(plaintext.size() + kAeadTagLength), opened(plaintext.size());
    for (size_t cut = 0; cut <= aad.size(); ++cut) {
      const View whole(aad);
      ASSERT_TRUE(cipher.seal(nonce, whole.first(cut), whole.subspan(cut), plaintext, sealed));
      EXPECT_EQ(to_hex(sealed), answer.sealed);
      ASSERT_TRUE(cipher.open(nonce, whole.first(cut), whole.subspan(cut), sealed, opened));
      EXPECT_EQ(opened, plaintext);
    }
  }
}

TEST(Aead, EveryFlippedBitIsUndecryptableAndTheOutputWiped) {
  for (const Answer& answer : kAnswers) {
    AeadCipher cipher = cipher_for(answer.id, from_hex(answer.key));
    Bytes nonce = from_hex(answer.nonce), aad = from_hex(answer.aad), sealed = from_hex(answer.sealed);
    Bytes opened(sealed.size() - kAeadTagLength);
    const auto refused = [&](Bytes& bytes) {
      for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= 1 << bit % 8;
        std::fill(opened.begin(), opened.end(), 0x55);
        EXPECT_EQ(cipher.open(nonce, aad, sealed, opened).fault(), Fault::kUndecryptable);
        EXPECT_EQ(opened, Bytes(opened.size(), 0));
        bytes[bit / 8] ^= 1 << bit % 8;
      }
    };
    refused(nonce);
    refused(aad);
    refused(sealed);
    EXPECT_TRUE(cipher.open(nonce, aad, sealed, opened));  // the context is as good as before
  }
}

TEST(Aead, ShortInputIsTheSameFaultAsAWrongTag) {
  AeadCipher cipher = cipher_for(AeadId::kAes256Gcm, Bytes(32));
  const Bytes nonce(12), sealed(15);
  Bytes out(4, 0x55);
  EXPECT_EQ(cipher.open(nonce, {}, sealed, out).fault(), Fault::kUndecryptable);
  EXPECT_EQ(out, Bytes(4, 0));
}

// The queue of OpenSSL's errors belongs to the host.
TEST(Aead, NeitherSuccessNorAWrongTagTouchesTheErrorQueue) {
  for (AeadId id : {AeadId::kAes128Gcm, AeadId::kAes256Gcm, AeadId::kChaCha20Poly1305}) {
    for (bool empty : {true, false}) {
      ERR_clear_error();
      if (!empty) ERR_raise(ERR_LIB_USER, 1);
      const unsigned long before = ERR_peek_last_error();
      auto cipher = AeadCipher::create(Library::standard(), id, Bytes(aead_key_length(id)));
      ASSERT_TRUE(cipher);
      const Bytes nonce(kAeadNonceLength), plaintext(6, 0x61);
      Bytes sealed(plaintext.size() + kAeadTagLength), out(plaintext.size());
      ASSERT_TRUE(cipher->seal(nonce, {}, plaintext, sealed));
      sealed.back() ^= 1;
      EXPECT_EQ(cipher->open(nonce, {}, sealed, out).fault(), Fault::kUndecryptable);
      EXPECT_EQ(ERR_peek_last_error(), before);
      EXPECT_EQ(ERR_get_error(), before);  // the only one
      EXPECT_EQ(ERR_get_error(), 0u);
    }
  }
}

TEST(Aead, InPlace) {
  for (const Answer& answer : kAnswers) {
    AeadCipher cipher = cipher_for(answer.id, from_hex(answer.key));
    const Bytes nonce = from_hex(answer.nonce), aad = from_hex(answer.aad), plaintext = from_hex(answer.plaintext);
    Bytes buffer = plaintext;
    buffer.resize(plaintext.size() + kAeadTagLength);
    ASSERT_TRUE(cipher.seal(nonce, aad, View(buffer).first(plaintext.size()), buffer));
    EXPECT_EQ(to_hex(buffer), answer.sealed);
    ASSERT_TRUE(cipher.open(nonce, aad, buffer, MutableView(buffer).first(plaintext.size())));
    EXPECT_TRUE(std::equal(plaintext.begin(), plaintext.end(), buffer.begin()));
  }
}

TEST(Aead, RefusesMisuseAndTouchesNothing) {
  AeadCipher cipher = cipher_for(AeadId::kAes128Gcm, Bytes(16));
  const Bytes nonce(12), short_nonce(11), plaintext(20);
  Bytes out(36, 0x55);
  const Bytes untouched = out;
  const MutableView view(out);
  EXPECT_EQ(cipher.seal(short_nonce, {}, plaintext, view).fault(), Fault::kUsage);
  EXPECT_EQ(cipher.seal(nonce, {}, plaintext, view.first(35)).fault(), Fault::kUsage);
  EXPECT_EQ(cipher.seal(nonce, {}, view.subspan(1, 10), view.first(26)).fault(), Fault::kUsage);  // partial overlap
  EXPECT_EQ(cipher.open(short_nonce, {}, plaintext, view.first(4)).fault(), Fault::kUsage);
  EXPECT_EQ(cipher.open(nonce, {}, plaintext, view.first(5)).fault(), Fault::kUsage);
  EXPECT_EQ(cipher.rekey(plaintext).fault(), Fault::kUsage);
  EXPECT_EQ(out, untouched);
  EXPECT_EQ(AeadCipher::create(Library::standard(), AeadId::kAes256Gcm, nonce).fault(), Fault::kUsage);
  EXPECT_EQ(AeadCipher::create(Library::standard(), static_cast<AeadId>(4), Bytes(32)).fault(), Fault::kUsage);
  const Library empty;
  EXPECT_EQ(AeadCipher::create(empty, AeadId::kAes256Gcm, Bytes(32)).fault(), Fault::kConfig);
  AeadCipher none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.seal(nonce, {}, plaintext, out).fault(), Fault::kUsage);
  EXPECT_EQ(none.open(nonce, {}, plaintext, view.first(4)).fault(), Fault::kUsage);
  EXPECT_EQ(none.rekey(Bytes(32)).fault(), Fault::kUsage);
}

// Lengths beyond the limits of the modes are refused by arithmetic, before a byte is read.
TEST(Aead, RefusesTextBeyondTheLimitOfTheMode) {
  uint8_t byte = 0;
  const Bytes nonce(12);
  const uint64_t limits[] = {(uint64_t{1} << 36) - 31, (uint64_t{1} << 36) - 31, (uint64_t{1} << 38) - 63};
  for (int i = 0; i < 3; ++i) {
    const auto id = static_cast<AeadId>(i + 1);
    AeadCipher cipher = cipher_for(id, Bytes(aead_key_length(id)));
    const View text(&byte, limits[i]);
    const View sealed(&byte, limits[i] + kAeadTagLength);
    EXPECT_EQ(cipher.seal(nonce, {}, text, {&byte, limits[i] + kAeadTagLength}).fault(), Fault::kUsage);
    EXPECT_EQ(cipher.open(nonce, {}, sealed, {&byte, limits[i]}).fault(), Fault::kUsage);
    EXPECT_EQ(cipher.seal(nonce, {&byte, SIZE_MAX}, {}, {&byte, kAeadTagLength}).fault(), Fault::kUsage);
  }
  EXPECT_EQ(byte, 0);
}

TEST(Aead, RekeyIsAFreshCipher) {
  for (AeadId id : {AeadId::kAes128Gcm, AeadId::kAes256Gcm, AeadId::kChaCha20Poly1305}) {
    const Bytes first(aead_key_length(id), 1), second(aead_key_length(id), 2), nonce(12, 3), plaintext(40, 4);
    AeadCipher cipher = cipher_for(id, first), fresh = cipher_for(id, second);
    Bytes before(56), after(56), expected(56);
    ASSERT_TRUE(cipher.seal(nonce, {}, plaintext, before));
    ASSERT_TRUE(cipher.rekey(second));
    ASSERT_TRUE(cipher.seal(nonce, {}, plaintext, after));
    ASSERT_TRUE(fresh.seal(nonce, {}, plaintext, expected));
    EXPECT_EQ(after, expected);
    EXPECT_NE(after, before);
  }
}

}  // namespace
}  // namespace tinymls
