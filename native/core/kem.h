// Key encapsulation: DHKEM (RFC 9180 §4.1), ML-KEM (FIPS 203) and hybrids of both (draft-ietf-hpke-pq).
#pragma once

#include "core/keys.h"

namespace tinymls {

struct KemTraits {
  uint16_t id;           // RFC 9180 §7.1
  HashId kdf;            // of DHKEM's ExtractAndExpand
  size_t secret_length;  // Nsecret
  size_t enc_length;     // Nenc
  bool dh;               // DHKEM: has AuthEncap and AuthDecap
};

// Null for what is no KEM.
const KemTraits* kem_traits(KeyId id);

Result<PrivateKey> kem_derive_key_pair(const Library& library, KeyId id, View ikm);  // RFC 9180 §7.1.3

// What a known answer fixes: DHKEM's ephemeral key pair, or the randomness of ML-KEM and of hybrids. Tests alone set
// it.
struct Ephemeral {
  const PrivateKey* key = nullptr;
  View randomness;
};

// `enc` has enc_length octets and is wiped on a fault. With `sender` it is AuthEncap. A public key that cannot be read
// is Fault::kMalformed, one that is no valid point or gives an all-zero secret Fault::kInvalid (RFC 9180 §7.1.4).
Result<SecretBytes> kem_encapsulate(const Library& library, KeyId id, View public_key, MutableView enc,
                                    const PrivateKey* sender = nullptr, const Ephemeral& ephemeral = {});
// With `sender`, a public key, it is AuthDecap.
Result<SecretBytes> kem_decapsulate(const Library& library, const PrivateKey& key, View enc, View sender = {});

// Whether an X25519 or X448 public key is a point of small order, to which nothing can be encapsulated: known without
// the price of a multiplication. False for keys of other kinds.
bool small_order(KeyId id, View public_key);

// The bare Diffie-Hellman function of RFC 9180 §4.1: the x-coordinate on the NIST curves.
Result<SecretBytes> diffie_hellman(const Library& library, const PrivateKey& key, View public_key);

// ML-KEM alone; kem_encapsulate and kem_decapsulate lead here.
Result<SecretBytes> ml_kem_encapsulate(const Library& library, KeyId id, View public_key, MutableView enc,
                                       View randomness);
Result<SecretBytes> ml_kem_decapsulate(const Library& library, const PrivateKey& key, View enc);
Result<PrivateKey> ml_kem_derive_key_pair(const Library& library, KeyId id, View ikm);

}  // namespace tinymls
