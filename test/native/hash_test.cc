#include "core/hash.h"

#include <gtest/gtest.h>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;
using test::from_hex;
using test::text;
using test::to_hex;

std::string hash_hex(HashId id, std::vector<View> parts) {
  Bytes out(hash_length(id));
  EXPECT_TRUE(hash(Library::standard(), id, parts, out));
  return to_hex(out);
}

std::string hmac_hex(HashId id, View key, std::vector<View> parts) {
  Bytes out(hash_length(id));
  EXPECT_TRUE(hmac(Library::standard(), id, key, parts, out));
  return to_hex(out);
}

TEST(Hash, Fips180Answers) {
  EXPECT_EQ(hash_hex(HashId::kSha256, {text("abc")}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_hex(HashId::kSha256, {}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_hex(HashId::kSha384, {text("abc")}),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(hash_hex(HashId::kSha512, {text("abc")}),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
            "454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Hash, PartsAreOneMessage) {
  const Bytes long_part(1000, 0x61);
  for (HashId id : {HashId::kSha256, HashId::kSha384, HashId::kSha512}) {
    EXPECT_EQ(hash_hex(id, {text("a"), {}, text("bc")}), hash_hex(id, {text("abc")}));
    const View whole(long_part);
    EXPECT_EQ(hash_hex(id, {whole.first(127), whole.subspan(127, 1), whole.subspan(128)}), hash_hex(id, {whole}));
    // Cuts on both sides of what is gathered before it is hashed.
    for (size_t first : {0, 1, 63, 64, 128, 129, 150, 192, 193, 256, 500}) {
      for (size_t second : {0, 1, 42, 64, 127, 128, 129, 192, 256, 400}) {
        EXPECT_EQ(
            hmac_hex(id, text("k"), {whole.first(first), whole.subspan(first, second), whole.subspan(first + second)}),
            hmac_hex(id, text("k"), {whole}));
      }
    }
  }
}

// RFC 4231 §4.3, §4.7
TEST(Hmac, Rfc4231Answers) {
  EXPECT_EQ(hmac_hex(HashId::kSha256, text("Jefe"), {text("what do ya want for nothing?")}),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac_hex(HashId::kSha384, text("Jefe"), {text("what do ya want for nothing?")}),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  EXPECT_EQ(hmac_hex(HashId::kSha512, text("Jefe"), {text("what do ya want for nothing?")}),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
            "caeab1a34d4a6b4b636e070a38bce737");
  const Bytes long_key(131, 0xaa);
  EXPECT_EQ(hmac_hex(HashId::kSha256, long_key, {text("Test Using Larger Than Block-Size Key - Hash Key First")}),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// Against OpenSSL's own HMAC: keys on both sides of a block, inputs on both sides of what is gathered.
TEST(Hmac, AgreesWithOpenSslForEveryLength) {
  const char* names[] = {"SHA2-256", "SHA2-384", "SHA2-512"};
  Bytes bytes(700);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 31 + 7);
  for (HashId id : {HashId::kSha256, HashId::kSha384, HashId::kSha512}) {
    for (size_t key : {1, 32, 63, 64, 65, 127, 128, 129, 300}) {
      for (size_t size = 0; size < 300; size += 1 + size / 40) {
        Bytes expected(64);
        size_t length = 0;
        ASSERT_NE(EVP_Q_mac(nullptr, "HMAC", nullptr, names[static_cast<int>(id) - 1], nullptr, bytes.data(), key,
                            bytes.data() + 300, size, expected.data(), expected.size(), &length),
                  nullptr);
        expected.resize(length);
        EXPECT_EQ(hmac_hex(id, View(bytes).first(key), {View(bytes).subspan(300, size)}), to_hex(expected));
      }
    }
  }
}

TEST(Hash, RefusesAWrongOutputLength) {
  Bytes out(31, 0x55);
  EXPECT_EQ(hash(Library::standard(), HashId::kSha256, {}, out).fault(), Fault::kUsage);
  EXPECT_EQ(hmac(Library::standard(), HashId::kSha256, {}, {}, out).fault(), Fault::kUsage);
  EXPECT_EQ(hash(Library::standard(), static_cast<HashId>(9), {}, out).fault(), Fault::kUsage);
  EXPECT_EQ(out, Bytes(31, 0x55));
}

TEST(Hash, SaysWhenTheLibraryHasNone) {
  const Library empty;
  Bytes out(32);
  EXPECT_EQ(hash(empty, HashId::kSha256, {}, out).fault(), Fault::kConfig);
  EXPECT_EQ(hmac(empty, HashId::kSha256, {}, {}, out).fault(), Fault::kConfig);
}

}  // namespace
}  // namespace tinymls
