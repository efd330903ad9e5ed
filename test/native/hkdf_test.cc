#include "core/hkdf.h"

#include <gtest/gtest.h>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;
using test::from_hex;
using test::text;
using test::to_hex;

const Library& library() { return Library::standard(); }

// RFC 5869 A.1 to A.3
TEST(Hkdf, Rfc5869Answers) {
  struct Answer {
    Bytes ikm, salt, info;
    size_t length;
    const char *prk, *okm;
  };
  const auto count = [](int from, int to) {
    Bytes bytes;
    for (int i = from; i <= to; ++i) bytes.push_back(static_cast<uint8_t>(i));
    return bytes;
  };
  const Answer answers[] = {
      {Bytes(22, 0x0b), count(0, 0x0c), count(0xf0, 0xf9), 42,
       "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {count(0, 0x4f), count(0x60, 0xaf), count(0xb0, 0xff), 82,
       "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
       "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      {Bytes(22, 0x0b),
       {},
       {},
       42,
       "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
  };
  for (const Answer& answer : answers) {
    auto prk = hkdf_extract(library(), HashId::kSha256, answer.salt, answer.ikm);
    ASSERT_TRUE(prk);
    EXPECT_EQ(to_hex(prk->view()), answer.prk);
    auto okm = hkdf_expand(library(), HashId::kSha256, prk->view(), answer.info, answer.length);
    ASSERT_TRUE(okm);
    EXPECT_EQ(to_hex(okm->view()), answer.okm);
  }
}

// RFC 9001 A.1: the client's initial secret and its QUIC keys, derived with the labels of RFC 8446 §7.1.
TEST(Hkdf, Tls13LabelAnswers) {
  const Bytes initial = from_hex("7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44");
  auto client =
      hkdf_expand_label(library(), HashId::kSha256, initial, LabelFormat::kTls13, text("tls13 client in"), {}, 32);
  ASSERT_TRUE(client);
  EXPECT_EQ(to_hex(client->view()), "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
  auto key = hkdf_expand_label(library(), HashId::kSha256, client->view(), LabelFormat::kTls13, text("tls13 quic key"),
                               {}, 16);
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(key->view()), "1f369613dd76d5467730efcbe3b1a22d");
}

// The framing, octet by octet, against a plain expansion with the structure spelt out.
TEST(Hkdf, LabelFraming) {
  const Bytes secret(32, 7);
  const auto expect_info = [&](LabelFormat format, View label, View context, Bytes prefix, Bytes middle) {
    Bytes info = prefix;
    info.insert(info.end(), label.begin(), label.end());
    info.insert(info.end(), middle.begin(), middle.end());
    info.insert(info.end(), context.begin(), context.end());
    auto labelled = hkdf_expand_label(library(), HashId::kSha384, secret, format, label, context, 0x0123);
    auto plain = hkdf_expand(library(), HashId::kSha384, secret, info, 0x0123);
    ASSERT_TRUE(labelled);
    ASSERT_TRUE(plain);
    EXPECT_EQ(to_hex(labelled->view()), to_hex(plain->view()));
  };
  const Bytes c63(63, 1), c64(64, 2), c255(255, 3), c16383(16383, 4), c16384(16384, 5);
  expect_info(LabelFormat::kTls13, text("label"), c255, {0x01, 0x23, 5}, {255});
  expect_info(LabelFormat::kMls, text("label"), c63, {0x01, 0x23, 5}, {63});
  expect_info(LabelFormat::kMls, text("label"), c64, {0x01, 0x23, 5}, {0x40, 64});
  expect_info(LabelFormat::kMls, c64, c16383, {0x01, 0x23, 0x40, 64}, {0x7f, 0xff});
  expect_info(LabelFormat::kMls, text("label"), c16384, {0x01, 0x23, 5}, {0x80, 0x00, 0x40, 0x00});
}

TEST(Hkdf, RefusesWhatTheFormatCannotCarry) {
  const Bytes secret(32), big(256);
  const auto fault = [&](LabelFormat format, View label, View context, size_t length) {
    return hkdf_expand_label(library(), HashId::kSha256, secret, format, label, context, length).fault();
  };
  EXPECT_EQ(fault(LabelFormat::kTls13, big, {}, 32), Fault::kUsage);
  EXPECT_EQ(fault(LabelFormat::kTls13, {}, big, 32), Fault::kUsage);
  EXPECT_EQ(fault(LabelFormat::kMls, {}, {secret.data(), size_t{1} << 30}, 32), Fault::kUsage);
  EXPECT_EQ(fault(LabelFormat::kMls, {}, {}, 255 * 32 + 1), Fault::kUsage);
  EXPECT_EQ(fault(LabelFormat::kMls, {}, {}, 0x10000), Fault::kUsage);
  EXPECT_EQ(fault(static_cast<LabelFormat>(2), {}, {}, 32), Fault::kUsage);
  EXPECT_EQ(hkdf_expand(library(), HashId::kSha512, secret, {}, 255 * 64 + 1).fault(), Fault::kUsage);
  EXPECT_TRUE(hkdf_expand(library(), HashId::kSha512, secret, {}, 255 * 64));
  EXPECT_TRUE(hkdf_expand(library(), HashId::kSha512, secret, {}, 0));
}

}  // namespace
}  // namespace tinymls
