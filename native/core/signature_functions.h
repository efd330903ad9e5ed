// Checking signatures by the functions of OpenSSL's provider (provider-keymgmt(7), provider-signature(7)): what EVP
// makes around each public key takes a twentieth of the time of an Ed25519 check and a third of that of ECDSA on P-256.
#pragma once

#include "core/fault.h"
#include "core/provider.h"

namespace tinymls {

struct SignatureNames {
  const char* algorithm;
  const char* key;               // its type of key
  const char* curve = nullptr;   // of ECDSA
  const char* digest = nullptr;  // of ECDSA
};

template <class Free>
struct ProviderFree {
  Free* free = nullptr;
  void operator()(void* object) const { free(object); }
};
using SignatureKeyPtr = std::unique_ptr<void, ProviderFree<OSSL_FUNC_keymgmt_free_fn>>;
using SignatureContextPtr = std::unique_ptr<void, ProviderFree<OSSL_FUNC_signature_freectx_fn>>;

// A context that is begun with a public key, which has to outlive it.
struct SignatureCheck {
  SignatureKeyPtr key;
  SignatureContextPtr context;
};

class SignatureFunctions {
 public:
  // False where this OpenSSL does not offer the algorithm.
  explicit operator bool() const { return signature_ != nullptr; }

  static SignatureFunctions fetch(OSSL_LIB_CTX* context, const SignatureNames& names, const char* properties);

  // With a public key of the right length, of ECDSA an uncompressed point. Fault::kInvalid for one that is none.
  Result<SignatureCheck> begin(View public_key) const;
  // A wrong signature, in whichever way, is false. The check is used up.
  bool finish(const SignatureCheck& check, View message, View signature) const;
  // The same with a copy of the check.
  Result<bool> finish_copy(const SignatureCheck& check, View message, View signature) const;

 private:
  bool keep_key_functions(const OSSL_DISPATCH* entry);
  bool keep_check_functions(const OSSL_DISPATCH* entry);
  SignatureKeyPtr create_key() const { return {create_key_(provider_), {free_key_}}; }
  Result<SignatureKeyPtr> import(View public_key) const;
  bool finish(void* context, View message, View signature) const;

  SignaturePtr signature_;  // keeps the provider
  void* provider_ = nullptr;
  const char* properties_ = nullptr;
  const char* digest_ = nullptr;
  // Names the curve and has no point: to name it takes OpenSSL 10 us each time, to copy what names it 3 us.
  SignatureKeyPtr curve_;

  OSSL_FUNC_keymgmt_new_fn* create_key_ = nullptr;
  OSSL_FUNC_keymgmt_free_fn* free_key_ = nullptr;
  OSSL_FUNC_keymgmt_import_fn* import_key_ = nullptr;
  OSSL_FUNC_keymgmt_dup_fn* copy_key_ = nullptr;
  OSSL_FUNC_keymgmt_set_params_fn* set_key_ = nullptr;
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
