// Asymmetric keys by the functions of OpenSSL's provider (provider-keymgmt(7)): what EVP makes around a key takes a
// twentieth of the time of an Ed25519 check.
#pragma once

#include "core/fault.h"
#include "core/provider.h"

namespace tinymls {

template <class Free>
struct ProviderFree {
  Free* free = nullptr;
  void operator()(void* object) const { free(object); }
};
// A key of a provider. It is wiped when it goes.
using KeyDataPtr = std::unique_ptr<void, ProviderFree<OSSL_FUNC_keymgmt_free_fn>>;

class KeyFunctions {
 public:
  // False where the provider has no such type of key.
  explicit operator bool() const { return import_ != nullptr; }
  // Keys on a curve, by its name, and keys that are octets where that is null. They live as long as the provider.
  static KeyFunctions of(const OSSL_PROVIDER* provider, const char* type, const char* curve = nullptr);

  // Of the right length, and of a curve an uncompressed point. Fault::kInvalid for one that is none.
  Result<KeyDataPtr> import_public(View encoded) const;
  // Of keys that are octets; its public key goes to `public_out`, which has the right length.
  Result<KeyDataPtr> import_private(View raw, MutableView public_out) const;
  // The same of both, which are believed to go together. Of the right lengths.
  Result<KeyDataPtr> import_pair(View raw, View public_key) const;

 private:
  bool keep(const OSSL_DISPATCH* entry);
  KeyDataPtr create() const { return {create_(provider_), {free_}}; }

  void* provider_ = nullptr;
  // Names the curve and has no point: to name it takes OpenSSL 10 us each time, to copy what names it 3 us.
  KeyDataPtr curve_;
  OSSL_FUNC_keymgmt_new_fn* create_ = nullptr;
  OSSL_FUNC_keymgmt_free_fn* free_ = nullptr;
  OSSL_FUNC_keymgmt_import_fn* import_ = nullptr;
  OSSL_FUNC_keymgmt_dup_fn* copy_ = nullptr;
  OSSL_FUNC_keymgmt_get_params_fn* get_ = nullptr;
  OSSL_FUNC_keymgmt_set_params_fn* set_ = nullptr;
};

}  // namespace tinymls
