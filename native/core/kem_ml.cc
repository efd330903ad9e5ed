// ML-KEM (FIPS 203) where OpenSSL has it, and its key derivation for HPKE (draft-ietf-hpke-pq, "ML-KEM").
#include "core/hpke_kdf.h"
#include "core/hpke_shake.h"
#include "core/kem.h"

namespace tinymls {

Result<SecretBytes> ml_kem_encapsulate(const Library& library, KeyId id, View public_key, MutableView enc,
                                       View randomness) {
  auto receiver = PublicKey::import(library, id, public_key);
  if (!receiver) return receiver.fault();
  ErrorMark mark;
  auto secret = SecretBytes::allocate(kem_traits(id)->secret_length);
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(library.context, receiver->pkey(), library.properties));
  if (!secret || !context) return Fault::kMemory;
  OSSL_PARAM params[] = {octets_param("ikme", randomness), OSSL_PARAM_construct_end()};
  size_t enc_length = enc.size(), secret_length = secret->size();
  if (EVP_PKEY_encapsulate_init(context.get(), randomness.empty() ? nullptr : params) != 1) return Fault::kConfig;
  if (EVP_PKEY_encapsulate(context.get(), enc.data(), &enc_length, secret->data(), &secret_length) != 1 ||
      enc_length != enc.size() || secret_length != secret->size()) {
    wipe(enc);
    return Fault::kInternal;
  }
  return secret;
}

// A ciphertext that nobody made gives a pseudorandom secret (implicit rejection), not a fault.
Result<SecretBytes> ml_kem_decapsulate(const Library& library, const PrivateKey& key, View enc) {
  const auto ready = key.ready();
  if (!ready) return ready.fault();
  ErrorMark mark;
  auto secret = SecretBytes::allocate(kem_traits(key.id())->secret_length);
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(library.context, (*ready)->pkey.get(), library.properties));
  if (!secret || !context) return Fault::kMemory;
  size_t length = secret->size();
  if (EVP_PKEY_decapsulate_init(context.get(), nullptr) != 1) return Fault::kConfig;
  if (EVP_PKEY_decapsulate(context.get(), secret->data(), &length, enc.data(), enc.size()) != 1 ||
      length != secret->size())
    return Fault::kInternal;
  return secret;
}

Result<PrivateKey> ml_kem_derive_key_pair(const Library& library, KeyId id, View ikm) {
  auto seed = shake_labeled_derive(library, Shake::kShake256, kem_suite_id(kem_traits(id)->id), {ikm}, "DeriveKeyPair",
                                   {}, key_traits(id)->private_length);
  if (!seed) return seed.fault();
  return PrivateKey::import(library, id, std::move(*seed));
}

}  // namespace tinymls
