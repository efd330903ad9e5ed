// The primitives that operations of MLS need (RFC 9420 §5.1), each in a bare loop over OpenSSL: contexts and algorithms
// kept, keys parsed where an operation has them parsed, nothing of tinymls between.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "core/openssl.h"

namespace tinymls::bench {

// The numbers are those of bench/mls/floor.mjs.
enum class Primitive : uint8_t {
  kSign = 0,            // of so many octets
  kVerify = 1,          // of so many octets, under a key that is parsed
  kVerifyStranger = 2,  // the same, under a key that is first parsed
  kMac = 3,             // HMAC of so many octets: HKDF-Extract, HKDF-Expand of up to a hash, MACs
  kHash = 4,
  kSeal = 5,  // AEAD, the key set anew
  kOpen = 6,
  kHpkeSeal =
      7,  // to a public key that is first parsed; the part of the key schedule that all recipients share is left out
  kHpkeOpen = 8,
  kDeriveKeyPair = 9,  // RFC 9180 §7.1.3, to the public key
};

// Not thread-safe.
class PrimitiveLoop {
 public:
  // `suite` is 1, 2 or 7 of RFC 9420 §17.1; null where OpenSSL has not all of it.
  static std::unique_ptr<PrimitiveLoop> create(unsigned suite);
  // False when OpenSSL refused.
  bool run(Primitive primitive, size_t octets, size_t count);

 private:
  static constexpr size_t kNonceLength = 12, kTagLength = 16, kMaxHash = 64, kMaxPoint = 133;
  using Octets = std::vector<uint8_t>;
  struct Sealed {
    Octets enc, ciphertext;
  };

  bool prepare(unsigned suite);
  bool once(Primitive primitive, size_t octets);

  bool sign(size_t octets, Octets& out);
  bool verify(size_t octets, EVP_PKEY* key);
  bool mac(const uint8_t* key, const uint8_t* message, size_t octets, uint8_t* out);
  bool hash(size_t octets);
  bool seal(const uint8_t* key, size_t octets, uint8_t* out);
  bool open(const uint8_t* key, const uint8_t* sealed, size_t octets);
  bool hpke_seal(size_t octets, Sealed& out);
  bool hpke_open(size_t octets);
  bool derive_key_pair();

  bool on_curve() const { return group_ != nullptr; }
  PkeyPtr generate();
  PkeyPtr parse(bool kem, const Octets& encoded);
  bool encoded(EVP_PKEY* key, Octets& out);
  bool dh(EVP_PKEY* key, EVP_PKEY* peer, uint8_t* out);
  bool schedule(const uint8_t* dh, uint8_t* key);

  const char *type_ = nullptr, *signature_type_ = nullptr, *group_ = nullptr, *digest_ = nullptr;
  size_t hash_length_ = 0, block_length_ = 0, key_length_ = 0, point_length_ = 0, secret_length_ = 0;
  MdPtr md_;
  CipherPtr cipher_;
  MdCtxPtr hasher_, signer_, verifier_;
  CipherCtxPtr cipher_context_;
  PkeyCtxPtr generator_;
  PkeyPtr signature_key_, signature_public_, kem_key_, parameters_;
  Octets signature_encoded_, kem_encoded_, text_, out_, plain_;
  std::map<size_t, Octets> signatures_, ciphertexts_;
  std::map<size_t, Sealed> sealed_;
  std::array<uint8_t, kMaxHash> key_{1, 2, 3};
};

}  // namespace tinymls::bench
