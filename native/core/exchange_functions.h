// X25519 and X448 (RFC 7748) by the functions of OpenSSL's provider (provider-keyexch(7)): what EVP makes around a key
// takes a tenth of the time of sealing to a public key. Keys go in as octets each time, so that none is kept parsed.
#pragma once

#include "core/key_functions.h"

namespace tinymls {

class ErrorMark;

class ExchangeFunctions {
 public:
  // False where this OpenSSL does not offer the algorithm.
  explicit operator bool() const { return exchange_ != nullptr; }

  static ExchangeFunctions fetch(OSSL_LIB_CTX* context, const char* name, const char* properties);

  // All octets have the right length.

  // The public key of a private key.
  Result<void> public_key(View private_key, MutableView public_out) const;
  // The secret of a key pair with the public key of a peer. Fault::kInvalid for a peer of small order.
  Result<void> derive(View private_key, View public_key, View peer, MutableView secret_out) const;
  // Both at once, for an ephemeral key.
  Result<void> run(View private_key, View peer, MutableView public_out, MutableView secret_out) const;

 private:
  bool keep(const OSSL_DISPATCH* entry);
  Result<void> derive(ErrorMark& mark, const Result<KeyDataPtr>& own, View peer, MutableView secret_out) const;

  ExchangePtr exchange_;  // keeps the provider
  void* provider_ = nullptr;
  KeyFunctions keys_;
  OSSL_FUNC_keyexch_newctx_fn* create_ = nullptr;
  OSSL_FUNC_keyexch_freectx_fn* free_ = nullptr;
  OSSL_FUNC_keyexch_init_fn* begin_ = nullptr;
  OSSL_FUNC_keyexch_set_peer_fn* set_peer_ = nullptr;
  OSSL_FUNC_keyexch_derive_fn* derive_ = nullptr;
};

}  // namespace tinymls
