#include "primitives.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <cstring>

namespace tinymls::bench {
namespace {

constexpr uint8_t kNonce[12] = {};
constexpr size_t kMostOctets = 1 << 26;

PkeyCtxPtr generator_of(const char* type, const char* group) {
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1) return nullptr;
  if (group == nullptr) return context;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(group), 0), OSSL_PARAM_END};
  if (EVP_PKEY_CTX_set_params(context.get(), params) != 1) return nullptr;
  return context;
}

PkeyPtr generated(EVP_PKEY_CTX* generator) {
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_generate(generator, &key) != 1) return nullptr;
  return PkeyPtr(key);
}

PkeyPtr parameters_of(const char* group) {
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(group), 0),
                         OSSL_PARAM_END};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEY_PARAMETERS, params) != 1)
    return nullptr;
  return PkeyPtr(key);
}

}  // namespace

std::unique_ptr<PrimitiveLoop> PrimitiveLoop::create(unsigned suite) {
  auto loop = std::make_unique<PrimitiveLoop>();
  return loop->prepare(suite) ? std::move(loop) : nullptr;
}

bool PrimitiveLoop::prepare(unsigned suite) {
  const bool p384 = suite == 7;
  type_ = suite == 1 ? "X25519" : "EC";
  signature_type_ = suite == 1 ? "ED25519" : "EC";
  group_ = suite == 1 ? nullptr : p384 ? "P-384" : "P-256";
  digest_ = suite == 1 ? nullptr : p384 ? "SHA2-384" : "SHA2-256";
  hash_length_ = p384 ? 48 : 32;
  block_length_ = p384 ? 128 : 64;
  key_length_ = p384 ? 32 : 16;
  secret_length_ = p384 ? 48 : 32;
  point_length_ = suite == 1 ? 32 : 2 * secret_length_ + 1;

  md_.reset(EVP_MD_fetch(nullptr, p384 ? "SHA2-384" : "SHA2-256", nullptr));
  cipher_.reset(EVP_CIPHER_fetch(nullptr, p384 ? "AES-256-GCM" : "AES-128-GCM", nullptr));
  hasher_.reset(EVP_MD_CTX_new());
  signer_.reset(EVP_MD_CTX_new());
  verifier_.reset(EVP_MD_CTX_new());
  cipher_context_.reset(EVP_CIPHER_CTX_new());
  generator_ = generator_of(type_, group_);
  const PkeyCtxPtr signatures = generator_of(signature_type_, group_);
  if (!md_ || !cipher_ || !hasher_ || !signer_ || !verifier_ || !cipher_context_ || !generator_ || !signatures)
    return false;
  if (on_curve() && !(parameters_ = parameters_of(group_))) return false;
  signature_key_ = generated(signatures.get());
  kem_key_ = generate();
  if (!signature_key_ || !kem_key_ || EVP_DigestInit_ex2(hasher_.get(), md_.get(), nullptr) != 1 ||
      EVP_CipherInit_ex2(cipher_context_.get(), cipher_.get(), nullptr, nullptr, 1, nullptr) != 1)
    return false;
  if (!encoded(signature_key_.get(), signature_encoded_) || !encoded(kem_key_.get(), kem_encoded_)) return false;
  signature_public_ = parse(false, signature_encoded_);
  return signature_public_ != nullptr;
}

bool PrimitiveLoop::run(Primitive primitive, size_t octets, size_t count) {
  if (octets > kMostOctets) return false;
  if (text_.size() < octets) {
    text_.resize(octets, 0x5a);
    out_.resize(octets + kTagLength);
    plain_.resize(octets);
  }
  while (count-- > 0)
    if (!once(primitive, octets)) return false;
  return true;
}

bool PrimitiveLoop::once(Primitive primitive, size_t octets) {
  switch (primitive) {
    case Primitive::kSign:
      return sign(octets, signatures_[0]);
    case Primitive::kVerify:
      return verify(octets, signature_public_.get());
    case Primitive::kVerifyStranger: {
      const PkeyPtr key = parse(false, signature_encoded_);
      return key && verify(octets, key.get());
    }
    case Primitive::kMac: {
      uint8_t out[kMaxHash];
      return mac(key_.data(), text_.data(), octets, out);
    }
    case Primitive::kHash:
      return hash(octets);
    case Primitive::kSeal:
      return seal(key_.data(), octets, out_.data());
    case Primitive::kOpen: {
      Octets& sealed = ciphertexts_[octets];
      if (sealed.empty()) {
        sealed.resize(octets + kTagLength);
        if (!seal(key_.data(), octets, sealed.data())) return false;
      }
      return open(key_.data(), sealed.data(), octets);
    }
    case Primitive::kHpkeSeal:
      return hpke_seal(octets, sealed_[kMostOctets + 1]);
    case Primitive::kHpkeOpen:
      return hpke_open(octets);
    case Primitive::kDeriveKeyPair:
      return derive_key_pair();
  }
  return false;
}

bool PrimitiveLoop::sign(size_t octets, Octets& out) {
  out.resize(150);
  size_t length = out.size();
  if (EVP_DigestSignInit_ex(signer_.get(), nullptr, digest_, nullptr, nullptr, signature_key_.get(), nullptr) != 1 ||
      EVP_DigestSign(signer_.get(), out.data(), &length, text_.data(), octets) != 1)
    return false;
  out.resize(length);
  return true;
}

bool PrimitiveLoop::verify(size_t octets, EVP_PKEY* key) {
  Octets& signature = signatures_[octets + 1];  // 0 is where signatures that nobody verifies go
  if (signature.empty() && !sign(octets, signature)) return false;
  return EVP_DigestVerifyInit_ex(verifier_.get(), nullptr, digest_, nullptr, nullptr, key, nullptr) == 1 &&
         EVP_DigestVerify(verifier_.get(), signature.data(), signature.size(), text_.data(), octets) == 1;
}

// RFC 2104: two runs of the kept digest, the padded key and a short message as one piece.
bool PrimitiveLoop::mac(const uint8_t* key, const uint8_t* message, size_t octets, uint8_t* out) {
  constexpr size_t kShort = 192;
  uint8_t run[128 + kShort];
  const auto pad = [&](uint8_t mask) {
    std::memset(run, mask, block_length_);
    for (size_t i = 0; i < hash_length_; ++i) run[i] = static_cast<uint8_t>(key[i] ^ mask);
  };
  const auto digest = [&](size_t length, const uint8_t* more, size_t rest) {
    return EVP_DigestUpdate(hasher_.get(), run, length) == 1 &&
           (rest == 0 || EVP_DigestUpdate(hasher_.get(), more, rest) == 1) &&
           EVP_DigestFinal_ex(hasher_.get(), out, nullptr) == 1 &&
           EVP_DigestInit_ex2(hasher_.get(), nullptr, nullptr) == 1;
  };
  pad(0x36);
  const size_t joined = octets <= kShort ? octets : 0;
  std::memcpy(run + block_length_, message, joined);
  if (!digest(block_length_ + joined, message, octets - joined)) return false;
  pad(0x5c);
  std::memcpy(run + block_length_, out, hash_length_);
  return digest(block_length_ + hash_length_, nullptr, 0);
}

bool PrimitiveLoop::hash(size_t octets) {
  uint8_t out[kMaxHash];
  return EVP_DigestUpdate(hasher_.get(), text_.data(), octets) == 1 &&
         EVP_DigestFinal_ex(hasher_.get(), out, nullptr) == 1 &&
         EVP_DigestInit_ex2(hasher_.get(), nullptr, nullptr) == 1;
}

bool PrimitiveLoop::seal(const uint8_t* key, size_t octets, uint8_t* out) {
  EVP_CIPHER_CTX* const context = cipher_context_.get();
  OSSL_PARAM tag[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, out + octets, kTagLength),
                      OSSL_PARAM_END};
  int written = 0;
  return EVP_CipherInit_ex2(context, nullptr, key, kNonce, 1, nullptr) == 1 &&
         EVP_CipherUpdate(context, out, &written, text_.data(), static_cast<int>(octets)) == 1 &&
         EVP_CipherFinal_ex(context, out + octets, &written) == 1 && EVP_CIPHER_CTX_get_params(context, tag) == 1;
}

bool PrimitiveLoop::open(const uint8_t* key, const uint8_t* sealed, size_t octets) {
  EVP_CIPHER_CTX* const context = cipher_context_.get();
  const OSSL_PARAM tag[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, const_cast<uint8_t*>(sealed) + octets, kTagLength),
      OSSL_PARAM_END};
  uint8_t rest[kTagLength];
  int written = 0;
  return EVP_CipherInit_ex2(context, nullptr, key, kNonce, 0, nullptr) == 1 &&
         EVP_CipherUpdate(context, plain_.data(), &written, sealed, static_cast<int>(octets)) == 1 &&
         EVP_CIPHER_CTX_set_params(context, tag) == 1 && EVP_CipherFinal_ex(context, rest, &written) == 1;
}

// RFC 9180 §6.1 with an ephemeral key of its own.
bool PrimitiveLoop::hpke_seal(size_t octets, Sealed& out) {
  const PkeyPtr recipient = parse(true, kem_encoded_);
  const PkeyPtr ephemeral = generate();
  uint8_t shared[kMaxHash], key[kMaxHash];
  out.ciphertext.resize(octets + kTagLength);
  return recipient && ephemeral && encoded(ephemeral.get(), out.enc) && dh(ephemeral.get(), recipient.get(), shared) &&
         schedule(shared, key) && seal(key, octets, out.ciphertext.data());
}

bool PrimitiveLoop::hpke_open(size_t octets) {
  Sealed& sealed = sealed_[octets];
  if (sealed.enc.empty() && !hpke_seal(octets, sealed)) return false;
  const PkeyPtr ephemeral = parse(true, sealed.enc);
  uint8_t shared[kMaxHash], key[kMaxHash];
  return ephemeral && dh(kem_key_.get(), ephemeral.get(), shared) && schedule(shared, key) &&
         open(key, sealed.ciphertext.data(), octets);
}

// RFC 9180 §4.1, ExtractAndExpand, and of §5.1 what each recipient has of its own: secret, key and base_nonce.
bool PrimitiveLoop::schedule(const uint8_t* dh, uint8_t* key) {
  constexpr size_t kLabels = 30;  // "HPKE-v1", suite_id and label, about
  uint8_t context[kLabels + 2 * kMaxPoint] = {}, prk[kMaxHash], secret[kMaxHash], nonce[kMaxHash];
  std::memcpy(context + kLabels, dh, secret_length_);
  return mac(key_.data(), context, kLabels + secret_length_, prk) &&
         mac(prk, context, kLabels + 2 * point_length_, secret) && mac(secret, context, kLabels, prk) &&
         mac(prk, context, kLabels + 2 * hash_length_, key) && mac(prk, context, kLabels + 2 * hash_length_, nonce);
}

bool PrimitiveLoop::derive_key_pair() {
  uint8_t prk[kMaxHash], scalar[kMaxHash];
  if (!mac(key_.data(), text_.data(), 0, prk) || !mac(prk, text_.data(), 0, scalar)) return false;
  if (!on_curve()) {
    const PkeyPtr key(EVP_PKEY_new_raw_private_key_ex(nullptr, type_, nullptr, scalar, secret_length_));
    Octets out;
    return key && encoded(key.get(), out);
  }
  static const std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>> p256(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)),
      p384(EC_GROUP_new_by_curve_name(NID_secp384r1));
  const EC_GROUP* const curve = secret_length_ == 48 ? p384.get() : p256.get();
  const std::unique_ptr<BIGNUM, Freed<BN_clear_free>> number(
      BN_bin2bn(scalar, static_cast<int>(secret_length_), nullptr));
  const std::unique_ptr<EC_POINT, Freed<EC_POINT_free>> point(EC_POINT_new(curve));
  uint8_t out[kMaxPoint];
  return number && point && EC_POINT_mul(curve, point.get(), number.get(), nullptr, nullptr, nullptr) == 1 &&
         EC_POINT_point2oct(curve, point.get(), POINT_CONVERSION_UNCOMPRESSED, out, sizeof out, nullptr) ==
             point_length_;
}

PkeyPtr PrimitiveLoop::generate() { return generated(generator_.get()); }

// Of the curves, naming the group anew costs more than a copy of a key that has it.
PkeyPtr PrimitiveLoop::parse(bool kem, const Octets& encoded) {
  if (!on_curve()) {
    return PkeyPtr(EVP_PKEY_new_raw_public_key_ex(nullptr, kem ? type_ : signature_type_, nullptr, encoded.data(),
                                                  encoded.size()));
  }
  PkeyPtr key(EVP_PKEY_dup(parameters_.get()));
  if (!key || EVP_PKEY_set1_encoded_public_key(key.get(), encoded.data(), encoded.size()) != 1) return nullptr;
  return key;
}

bool PrimitiveLoop::encoded(EVP_PKEY* key, Octets& out) {
  out.resize(point_length_);
  size_t length = out.size();
  if (!on_curve()) return EVP_PKEY_get_raw_public_key(key, out.data(), &length) == 1 && length == out.size();
  return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out.data(), out.size(), &length) == 1 &&
         length == out.size();
}

bool PrimitiveLoop::dh(EVP_PKEY* key, EVP_PKEY* peer, uint8_t* out) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  size_t length = secret_length_;
  return context && EVP_PKEY_derive_init(context.get()) == 1 &&
         EVP_PKEY_derive_set_peer_ex(context.get(), peer, 0) == 1 &&
         EVP_PKEY_derive(context.get(), out, &length) == 1 && length == secret_length_;
}

}  // namespace tinymls::bench
