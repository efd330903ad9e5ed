// DHKEM, RFC 9180 §4.1.
#include <algorithm>
#include <array>

#include "core/compare.h"
#include "core/hpke_kdf.h"
#include "core/kem.h"
#include "core/kem_hybrid.h"
#include "core/random.h"

namespace tinymls {
namespace {

// RFC 9180 §7.1.4: what comes from a point of small order.
bool all_zero(View secret) {
  uint8_t any = 0;
  for (uint8_t octet : secret) any |= octet;
  return any == 0;
}

Result<SecretBytes> exchange(const Library& library, const PrivateKey& key, View peer) {
  const ExchangeFunctions& functions = exchange_of(library, key.id());
  if (!functions) return Fault::kConfig;
  if (peer.size() != key.public_key().size()) return Fault::kMalformed;
  auto secret = SecretBytes::allocate(key.raw().size());
  if (!secret) return secret.fault();
  const auto done = functions.derive(key.raw(), key.public_key(), peer, secret->bytes());
  if (!done) return done.fault();
  if (all_zero(secret->view())) return Fault::kInvalid;
  return secret;
}

// A secret of zeros is none to refuse: the NIST curves have no point of small order, and one whose x-coordinate is
// zero.
Result<SecretBytes> derive_on_curve(const Library& library, const PrivateKey& key, View public_key) {
  auto peer = PublicKey::import(library, key.id(), public_key);
  if (!peer) return peer.fault();
  const auto own = key.ready();
  if (!own) return own.fault();
  ErrorMark mark;
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, (*own)->pkey.get(), nullptr));
  auto secret = SecretBytes::allocate(key.raw().size());
  if (!context || !secret) return Fault::kMemory;
  size_t length = secret->size();
  if (EVP_PKEY_derive_init(context.get()) != 1) return Fault::kInternal;
  // The import has checked the point; OpenSSL would check it again at the price of a multiplication.
  if (EVP_PKEY_derive_set_peer_ex(context.get(), peer->pkey(), 0) != 1) return Fault::kInvalid;
  if (EVP_PKEY_derive(context.get(), secret->data(), &length) != 1) return Fault::kInvalid;
  if (length != secret->size()) return Fault::kInternal;
  return secret;
}

// DH results joined, and the context that binds them to the keys.
struct Exchange {
  View dh1, dh2;
  View enc, receiver, sender;
};

Result<SecretBytes> extract_and_expand(const Library& library, const KemTraits& kem, const Exchange& exchange) {
  const auto suite_id = kem_suite_id(kem.id);
  auto prk = labeled_extract(library, kem.kdf, suite_id, {}, "eae_prk", {exchange.dh1, exchange.dh2});
  if (!prk) return prk.fault();
  return labeled_expand(library, kem.kdf, suite_id, prk->view(), "shared_secret",
                        {exchange.enc, exchange.receiver, exchange.sender}, kem.secret_length);
}

Result<SecretBytes> encapsulate(const Library& library, const KemTraits& kem, const PrivateKey& ephemeral,
                                View public_key, MutableView enc, const PrivateKey* sender) {
  auto dh1 = diffie_hellman(library, ephemeral, public_key);
  if (!dh1) return dh1.fault();
  std::copy_n(ephemeral.public_key().data(), enc.size(), enc.data());
  if (!sender) return extract_and_expand(library, kem, {dh1->view(), {}, enc, public_key, {}});
  auto dh2 = diffie_hellman(library, *sender, public_key);
  if (!dh2) return dh2.fault();
  return extract_and_expand(library, kem, {dh1->view(), dh2->view(), enc, public_key, sender->public_key()});
}

// The same with an ephemeral key of X25519 or X448 that nobody else needs.
Result<SecretBytes> encapsulate_afresh(const Library& library, KeyId id, View public_key, MutableView enc) {
  const KeyTraits& key = *key_traits(id);
  const ExchangeFunctions& functions = exchange_of(library, id);
  if (!functions) return Fault::kConfig;
  if (public_key.size() != key.public_length) return Fault::kMalformed;
  auto ephemeral = random_secret(key.private_length, library);
  if (!ephemeral) return ephemeral.fault();
  auto dh = SecretBytes::allocate(key.private_length);
  if (!dh) return dh.fault();
  const auto done = functions.run(ephemeral->view(), public_key, enc, dh->bytes());
  if (!done) return done.fault();
  if (all_zero(dh->view())) return Fault::kInvalid;
  return extract_and_expand(library, *kem_traits(id), {dh->view(), {}, enc, public_key, {}});
}

}  // namespace

Result<SecretBytes> diffie_hellman(const Library& library, const PrivateKey& key, View public_key) {
  const KemTraits* kem = kem_traits(key.id());
  if (!kem || !kem->dh) return Fault::kUsage;
  return key_traits(key.id())->is_exchange() ? exchange(library, key, public_key)
                                             : derive_on_curve(library, key, public_key);
}

Result<SecretBytes> kem_encapsulate(const Library& library, KeyId id, View public_key, MutableView enc,
                                    const PrivateKey* sender, const Ephemeral& ephemeral) {
  const KemTraits* kem = kem_traits(id);
  if (!kem || enc.size() != kem->enc_length) return Fault::kUsage;
  if (sender && (!kem->dh || sender->id() != id)) return Fault::kUsage;
  if (key_traits(id)->family == KeyFamily::kHybrid)
    return hybrid_encapsulate(library, id, public_key, enc, ephemeral.randomness);
  if (!kem->dh) return ml_kem_encapsulate(library, id, public_key, enc, ephemeral.randomness);
  if (ephemeral.key && ephemeral.key->id() != id) return Fault::kUsage;

  auto secret = [&]() -> Result<SecretBytes> {
    if (ephemeral.key) return encapsulate(library, *kem, *ephemeral.key, public_key, enc, sender);
    if (key_traits(id)->is_exchange() && !sender) return encapsulate_afresh(library, id, public_key, enc);
    auto fresh = PrivateKey::generate(library, id);
    if (!fresh) return fresh.fault();
    return encapsulate(library, *kem, *fresh, public_key, enc, sender);
  }();
  if (!secret) wipe(enc);
  return secret;
}

Result<SecretBytes> kem_decapsulate(const Library& library, const PrivateKey& key, View enc, View sender) {
  const KemTraits* kem = kem_traits(key.id());
  if (!kem || (!kem->dh && !sender.empty())) return Fault::kUsage;
  if (enc.size() != kem->enc_length) return Fault::kMalformed;
  if (key_traits(key.id())->family == KeyFamily::kHybrid) return hybrid_decapsulate(library, key, enc);
  if (!kem->dh) return ml_kem_decapsulate(library, key, enc);

  auto dh1 = diffie_hellman(library, key, enc);
  if (!dh1) return dh1.fault();
  if (sender.empty()) return extract_and_expand(library, *kem, {dh1->view(), {}, enc, key.public_key(), {}});
  auto dh2 = diffie_hellman(library, key, sender);
  if (!dh2) return dh2.fault();
  return extract_and_expand(library, *kem, {dh1->view(), dh2->view(), enc, key.public_key(), sender});
}

Result<PrivateKey> kem_derive_key_pair(const Library& library, KeyId id, View ikm) {
  const KemTraits* kem = kem_traits(id);
  if (!kem || ikm.empty()) return Fault::kUsage;
  if (!kem->dh) return ml_kem_derive_key_pair(library, id, ikm);
  const KeyTraits& key = *key_traits(id);
  const auto suite_id = kem_suite_id(kem->id);
  auto prk = labeled_extract(library, kem->kdf, suite_id, {}, "dkp_prk", {ikm});
  if (!prk) return prk.fault();
  if (key.family != KeyFamily::kNistCurve) {
    auto raw = labeled_expand(library, kem->kdf, suite_id, prk->view(), "sk", {}, key.private_length);
    if (!raw) return raw.fault();
    return PrivateKey::import(library, id, std::move(*raw));
  }
  const uint8_t bitmask = id == KeyId::kDhkemP521 ? 0x01 : 0xff;
  for (unsigned counter = 0; counter < 256; counter++) {
    const auto octet = static_cast<uint8_t>(counter);
    auto raw =
        labeled_expand(library, kem->kdf, suite_id, prk->view(), "candidate", {View(&octet, 1)}, key.private_length);
    if (!raw) return raw.fault();
    raw->data()[0] &= bitmask;
    auto pair = PrivateKey::import(library, id, std::move(*raw));
    if (pair || pair.fault() != Fault::kInvalid) return pair;
  }
  return Fault::kInvalid;  // DeriveKeyPairError
}

namespace {

// The octets of p, its neighbours and 0 and 1 differ in their lowest octet alone, but for X448's p + 1.
bool all_from(View octets, size_t start, uint8_t value) {
  return std::all_of(octets.begin() + start, octets.end(), [value](uint8_t octet) { return octet == value; });
}

// RFC 7748 §6.1 and §5: u-coordinates of order 8, and -1, 0, 1 modulo 2^255 - 19, reduced or not. The top bit is
// ignored.
bool small_order_25519(View key) {
  static constexpr uint8_t kOrder8[2][32] = {
      {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
       0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
      {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
       0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}};
  if (key.size() != 32) return false;
  std::array<uint8_t, 32> u;
  std::copy(key.begin(), key.end(), u.begin());
  u[31] &= 0x7f;
  if (u[0] <= 1 && all_from(u, 1, 0)) return true;
  if (u[0] >= 0xec && u[0] <= 0xee && u[31] == 0x7f && all_from(View(u).first(31), 1, 0xff)) return true;
  return std::any_of(std::begin(kOrder8), std::end(kOrder8),
                     [&u](const uint8_t(&point)[32]) { return std::equal(u.begin(), u.end(), point); });
}

// -1, 0, 1 modulo 2^448 - 2^224 - 1, reduced or not.
bool small_order_448(View key) {
  if (key.size() != 56) return false;
  if (key[0] <= 1 && all_from(key, 1, 0)) return true;
  if (all_from(key.first(28), 0, 0) && all_from(key, 28, 0xff)) return true;
  return key[0] >= 0xfe && key[28] == 0xfe && all_from(key.first(28), 1, 0xff) && all_from(key, 29, 0xff);
}

}  // namespace

bool small_order(KeyId id, View public_key) {
  if (id == KeyId::kDhkemX25519) return small_order_25519(public_key);
  return id == KeyId::kDhkemX448 && small_order_448(public_key);
}

}  // namespace tinymls
