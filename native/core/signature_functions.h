// Checking signatures by the functions of OpenSSL's provider (provider-signature(7)): what EVP makes around each public
// key takes a twentieth of the time of an Ed25519 check, and more of ECDSA on P-256.
#pragma once

#include "core/key_functions.h"

namespace tinymls {

struct KeyTraits;

using SignatureContextPtr = std::unique_ptr<void, ProviderFree<OSSL_FUNC_signature_freectx_fn>>;

// A context that is begun with a public key, which has to outlive it.
struct SignatureCheck {
  KeyDataPtr key;
  SignatureContextPtr context;
};

class SignatureFunctions {
 public:
  // False where this OpenSSL does not offer the algorithm.
  explicit operator bool() const { return signature_ != nullptr; }

  static SignatureFunctions fetch(OSSL_LIB_CTX* context, const KeyTraits& key, const char* properties);

  // With a public key of the right length, of ECDSA an uncompressed point. Fault::kInvalid for one that is none.
  Result<SignatureCheck> begin(View public_key) const;
  // A wrong signature, in whichever way, is false. The check is used up.
  bool finish(const SignatureCheck& check, View message, View signature) const;
  // The same with a copy of the check.
  Result<bool> finish_copy(const SignatureCheck& check, View message, View signature) const;

 private:
  bool keep(const OSSL_DISPATCH* entry);
  bool finish(void* context, View message, View signature) const;

  SignaturePtr signature_;  // keeps the provider
  void* provider_ = nullptr;
  const char* properties_ = nullptr;
  const char* digest_ = nullptr;
  KeyFunctions keys_;
  OSSL_FUNC_signature_newctx_fn* create_ = nullptr;
  OSSL_FUNC_signature_freectx_fn* free_ = nullptr;
  OSSL_FUNC_signature_dupctx_fn* copy_ = nullptr;
  OSSL_FUNC_signature_digest_verify_init_fn* begin_ = nullptr;
  // Of the whole message at once, which EdDSA and ML-DSA need, or else by the two after it.
  OSSL_FUNC_signature_digest_verify_fn* verify_ = nullptr;
  OSSL_FUNC_signature_digest_verify_update_fn* update_ = nullptr;
  OSSL_FUNC_signature_digest_verify_final_fn* finish_ = nullptr;
};

}  // namespace tinymls
