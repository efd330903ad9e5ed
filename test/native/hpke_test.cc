#include "core/hpke.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "hex.h"

namespace tinymls {

struct HpkeContextProbe {
  static void seek(HpkeContext& context, uint64_t sequence) { context.sequence_ = sequence; }
};

namespace {

using test::Bytes;
using test::from_hex;
using test::text;
using test::to_hex;

const Library& library() { return Library::standard(); }

constexpr HpkeSuite kSuites[] = {
    {KeyId::kDhkemP256, KdfId::kHkdfSha256, AeadId::kAes128Gcm},
    {KeyId::kDhkemP384, KdfId::kHkdfSha384, AeadId::kAes256Gcm},
    {KeyId::kDhkemP521, KdfId::kHkdfSha512, AeadId::kAes256Gcm},
    {KeyId::kDhkemX25519, KdfId::kHkdfSha256, AeadId::kChaCha20Poly1305},
    {KeyId::kDhkemX448, KdfId::kHkdfSha512, AeadId::kChaCha20Poly1305},
    {KeyId::kDhkemX25519, KdfId::kShake128, AeadId::kAes128Gcm},
    {KeyId::kDhkemP256, KdfId::kShake256, AeadId::kAes256Gcm},
};
constexpr HpkeSuite kX25519 = {KeyId::kDhkemX25519, KdfId::kHkdfSha256, AeadId::kAes128Gcm};

struct Parties {
  PrivateKey receiver, sender;
  Bytes psk = Bytes(32, 0x42);

  explicit Parties(KeyId id)
      : receiver(std::move(*PrivateKey::generate(library(), id))),
        sender(std::move(*PrivateKey::generate(library(), id))) {}

  // Mode 0 base, 1 psk, 2 auth, 3 authPsk; of both sides.
  HpkeInputs inputs(int mode) const {
    HpkeInputs inputs;
    inputs.info = text("info");
    if (mode & 1) {
      inputs.psk = psk;
      inputs.psk_id = text("psk id");
    }
    if (mode & 2) {
      inputs.sender_key = &sender;
      inputs.sender_public = sender.public_key();
    }
    return inputs;
  }
};

class EachHpke : public testing::TestWithParam<std::tuple<HpkeSuite, int>> {
 protected:
  HpkeSuite suite = std::get<0>(GetParam());
  int mode = std::get<1>(GetParam());
  Parties parties{suite.kem};
  Bytes enc = Bytes(kem_traits(suite.kem)->enc_length);
};

TEST_P(EachHpke, ContextsTalkAndExport) {
  auto sender = HpkeContext::sender(library(), suite, parties.receiver.public_key(), parties.inputs(mode), enc);
  auto receiver = HpkeContext::receiver(library(), suite, parties.receiver, enc, parties.inputs(mode));
  ASSERT_TRUE(sender && receiver);
  Bytes first, sealed(7 + kAeadTagLength), opened(7);
  for (int i = 0; i < 3; i++) {
    ASSERT_TRUE(sender->seal(text("aad"), text("message"), sealed));
    EXPECT_NE(sealed, first);
    first = sealed;
    ASSERT_TRUE(receiver->open(text("aad"), sealed, opened));
    EXPECT_TRUE(std::equal(opened.begin(), opened.end(), text("message").begin()));
  }
  auto a = sender->export_secret(text("context"), 40), b = receiver->export_secret(text("context"), 40);
  EXPECT_EQ(to_hex(a->view()), to_hex(b->view()));
  EXPECT_NE(to_hex(a->view()), to_hex(sender->export_secret(text("contexu"), 40)->view()));
  EXPECT_EQ(sender->open(text("aad"), sealed, opened).fault(), Fault::kUsage);
  EXPECT_EQ(receiver->seal(text("aad"), opened, sealed).fault(), Fault::kUsage);
}

TEST_P(EachHpke, SingleShotOpensUnderTheSameInputsAlone) {
  Bytes sealed(7 + kAeadTagLength), opened(7, 9);
  const auto inputs = parties.inputs(mode);
  ASSERT_TRUE(
      hpke_seal(library(), suite, parties.receiver.public_key(), inputs, text("aad"), text("message"), enc, sealed));
  ASSERT_TRUE(hpke_open(library(), suite, parties.receiver, enc, inputs, text("aad"), sealed, opened));
  EXPECT_TRUE(std::equal(opened.begin(), opened.end(), text("message").begin()));

  const auto refused = [&](const PrivateKey& key, const HpkeInputs& with, View aad, View ciphertext) {
    std::fill(opened.begin(), opened.end(), 9);
    auto result = hpke_open(library(), suite, key, enc, with, aad, ciphertext, opened);
    return !result && result.fault() == Fault::kUndecryptable && opened == Bytes(7);
  };
  auto other_info = inputs;
  other_info.info = text("infp");
  EXPECT_TRUE(refused(parties.receiver, other_info, text("aad"), sealed));
  EXPECT_TRUE(refused(parties.receiver, inputs, text("aae"), sealed));
  EXPECT_TRUE(refused(parties.sender, inputs, text("aad"), sealed));
  EXPECT_TRUE(refused(parties.receiver, parties.inputs(mode ^ 1), text("aad"), sealed));
  EXPECT_TRUE(refused(parties.receiver, parties.inputs(mode ^ 2), text("aad"), sealed));
  sealed[0] ^= 1;
  EXPECT_TRUE(refused(parties.receiver, inputs, text("aad"), sealed));
  sealed[0] ^= 1;
  enc.pop_back();
  EXPECT_TRUE(refused(parties.receiver, inputs, text("aad"), sealed));
}

TEST_P(EachHpke, SingleShotExportsAgree) {
  const auto inputs = parties.inputs(mode);
  auto a = hpke_export_sender(library(), suite, parties.receiver.public_key(), inputs, text("c"), 32, enc);
  auto b = hpke_export_receiver(library(), suite, parties.receiver, enc, inputs, text("c"), 32);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(to_hex(a->view()), to_hex(b->view()));
  auto context = HpkeContext::receiver(library(), suite, parties.receiver, enc, inputs);
  EXPECT_EQ(to_hex(a->view()), to_hex(context->export_secret(text("c"), 32)->view()));
}

INSTANTIATE_TEST_SUITE_P(Hpke, EachHpke, testing::Combine(testing::ValuesIn(kSuites), testing::Range(0, 4)));

// RFC 9180 A.1.4: authPsk.
TEST(Hpke, KnownAnswer) {
  const auto key = [](const char* digits) {
    return PrivateKey::import(library(), KeyId::kDhkemX25519, View(from_hex(digits)));
  };
  auto receiver = key("cb29a95649dc5656c2d054c1aa0d3df0493155e9d5da6d7e344ed8b6a64a9423");
  auto sender = key("fc1c87d2f3832adb178b431fce2ac77c7ca2fd680f3406c77b5ecdf818b119f4");
  auto ephemeral = key("14de82a5897b613616a00c39b87429df35bc2b426bcfd73febcb45e903490768");
  const Bytes psk = from_hex("0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82");
  HpkeInputs inputs;
  inputs.info = text("Ode on a Grecian Urn");
  inputs.psk = psk;
  inputs.psk_id = text("Ennyn Durin aran Moria");
  inputs.sender_key = &*sender;
  inputs.ephemeral.key = &*ephemeral;
  Bytes enc(32), sealed(29 + kAeadTagLength);
  auto context = HpkeContext::sender(library(), kX25519, receiver->public_key(), inputs, enc);
  ASSERT_TRUE(context);
  EXPECT_EQ(to_hex(enc), "820818d3c23993492cc5623ab437a48a0a7ca3e9639c140fe1e33811eb844b7c");
  const View plaintext = text("Beauty is truth, truth beauty");
  ASSERT_TRUE(context->seal(text("Count-0"), plaintext, sealed));
  EXPECT_EQ(to_hex(sealed),
            "a84c64df1e11d8fd11450039d4fe64ff0c8a99fca0bd72c2d4c3e0400bc14a40f27e45e141a24001697737533e");
  ASSERT_TRUE(context->seal(text("Count-1"), plaintext, sealed));
  EXPECT_EQ(to_hex(sealed),
            "4d19303b848f424fc3c3beca249b2c6de0a34083b8e909b6aa4c3688505c05ffe0c8f57a0a4c5ab9da127435d9");
  EXPECT_EQ(to_hex(context->export_secret({}, 32)->view()),
            "08f7e20644bb9b8af54ad66d2067457c5f9fcb2a23d9f6cb4445c0797b330067");
}

TEST(Hpke, PskInputsAreChecked) {
  Parties parties(KeyId::kDhkemX25519);
  const Bytes short_psk(31, 1);
  struct Case {
    View psk, psk_id;
  };
  for (const Case& given : {Case{parties.psk, {}}, Case{{}, text("id")}, Case{short_psk, text("id")}}) {
    HpkeInputs inputs;
    inputs.psk = given.psk;
    inputs.psk_id = given.psk_id;
    Bytes enc(32, 9), sealed(kAeadTagLength);
    EXPECT_EQ(hpke_seal(library(), kX25519, parties.receiver.public_key(), inputs, {}, {}, enc, sealed).fault(),
              Fault::kUsage);
    EXPECT_EQ(HpkeContext::receiver(library(), kX25519, parties.receiver, enc, inputs).fault(), Fault::kUsage);
  }
}

TEST(Hpke, FailedOpenDoesNotAdvance) {
  Parties parties(KeyId::kDhkemX25519);
  Bytes enc(32), sealed(1 + kAeadTagLength), opened(1, 9);
  auto sender = HpkeContext::sender(library(), kX25519, parties.receiver.public_key(), parties.inputs(0), enc);
  auto receiver = HpkeContext::receiver(library(), kX25519, parties.receiver, enc, parties.inputs(0));
  ASSERT_TRUE(sender->seal({}, text("a"), sealed));
  Bytes forged = sealed;
  forged[3] ^= 4;
  EXPECT_EQ(receiver->open({}, forged, opened).fault(), Fault::kUndecryptable);
  EXPECT_EQ(opened[0], 0);
  EXPECT_EQ(receiver->sequence(), 0u);
  EXPECT_TRUE(receiver->open({}, sealed, opened));
  EXPECT_EQ(receiver->open({}, sealed, opened).fault(), Fault::kUndecryptable);  // a replay
  EXPECT_EQ(receiver->sequence(), 1u);
}

TEST(Hpke, SequenceEnds) {
  Parties parties(KeyId::kDhkemX25519);
  Bytes enc(32), sealed(1 + kAeadTagLength), opened(1);
  auto sender = HpkeContext::sender(library(), kX25519, parties.receiver.public_key(), parties.inputs(0), enc);
  auto receiver = HpkeContext::receiver(library(), kX25519, parties.receiver, enc, parties.inputs(0));
  const uint64_t last = std::numeric_limits<uint64_t>::max() - 1;
  HpkeContextProbe::seek(*sender, last);
  HpkeContextProbe::seek(*receiver, last);
  ASSERT_TRUE(sender->seal({}, text("a"), sealed));
  ASSERT_TRUE(receiver->open({}, sealed, opened));
  EXPECT_EQ(sender->seal({}, text("a"), sealed).fault(), Fault::kExhausted);
  EXPECT_EQ(receiver->open({}, sealed, opened).fault(), Fault::kExhausted);
  EXPECT_TRUE(sender->export_secret({}, 32));
}

// One key pair used by several threads at once, each of which keeps OpenSSL contexts of its own.
TEST(Hpke, OneKeyServesManyThreads) {
  for (KeyId kem : {KeyId::kDhkemX25519, KeyId::kDhkemP256}) {
    const HpkeSuite suite{kem, KdfId::kHkdfSha256, AeadId::kAes128Gcm};
    const Parties parties(kem);
    std::array<int, 4> opened{};
    std::vector<std::thread> threads;
    for (int& count : opened)
      threads.emplace_back([&] {
        for (int i = 0; i < 20; i++) {
          Bytes enc(kem_traits(kem)->enc_length), sealed(7 + kAeadTagLength), plaintext(7);
          const auto inputs = parties.inputs(i % 4);
          count +=
              hpke_seal(library(), suite, parties.receiver.public_key(), inputs, {}, text("message"), enc, sealed) &&
              hpke_open(library(), suite, parties.receiver, enc, inputs, {}, sealed, plaintext);
        }
      });
    for (std::thread& thread : threads) thread.join();
    for (int count : opened) EXPECT_EQ(count, 20);
  }
}

TEST(Hpke, ExportOnlySuitesSealNothing) {
  Parties parties(KeyId::kDhkemX25519);
  for (KdfId kdf : {KdfId::kHkdfSha256, KdfId::kShake256}) {
    const HpkeSuite suite{KeyId::kDhkemX25519, kdf, kExportOnly};
    Bytes enc(32), sealed(kAeadTagLength);
    auto sender = HpkeContext::sender(library(), suite, parties.receiver.public_key(), parties.inputs(0), enc);
    auto receiver = HpkeContext::receiver(library(), suite, parties.receiver, enc, parties.inputs(0));
    ASSERT_TRUE(sender && receiver);
    EXPECT_EQ(sender->seal({}, {}, sealed).fault(), Fault::kUsage);
    EXPECT_EQ(to_hex(sender->export_secret({}, 32)->view()), to_hex(receiver->export_secret({}, 32)->view()));
    EXPECT_EQ(hpke_seal(library(), suite, parties.receiver.public_key(), {}, {}, {}, enc, sealed).fault(),
              Fault::kUsage);
  }
}

TEST(Hpke, UnknownSuitesAndForeignKeysAreUsage) {
  Parties parties(KeyId::kDhkemX25519);
  Bytes enc(32), sealed(kAeadTagLength), opened;
  for (HpkeSuite suite : {HpkeSuite{KeyId::kEd25519, KdfId::kHkdfSha256, AeadId::kAes128Gcm},
                          HpkeSuite{KeyId::kDhkemX25519, static_cast<KdfId>(4), AeadId::kAes128Gcm},
                          HpkeSuite{KeyId::kDhkemX25519, KdfId::kHkdfSha256, static_cast<AeadId>(4)},
                          HpkeSuite{KeyId::kDhkemP256, KdfId::kHkdfSha256, AeadId::kAes128Gcm}})
    EXPECT_EQ(hpke_open(library(), suite, parties.receiver, enc, {}, {}, sealed, opened).fault(), Fault::kUsage);
}

}  // namespace
}  // namespace tinymls
