// An AEAD of OpenSSL by the functions of its provider (provider-cipher(7)), which EVP looks up and calls itself: what
// EVP adds to each call is more than a third of a short seal with OpenSSL 3.0, which asks for the nonce's length by
// name.
#pragma once

#include "core/provider.h"

namespace tinymls {

struct AeadFunctions {
  CipherPtr cipher;  // keeps the provider
  void* provider = nullptr;
  OSSL_FUNC_cipher_newctx_fn* create = nullptr;
  OSSL_FUNC_cipher_freectx_fn* free = nullptr;
  OSSL_FUNC_cipher_encrypt_init_fn* begin_seal = nullptr;
  OSSL_FUNC_cipher_decrypt_init_fn* begin_open = nullptr;
  OSSL_FUNC_cipher_update_fn* update = nullptr;
  OSSL_FUNC_cipher_final_fn* finish = nullptr;
  OSSL_FUNC_cipher_get_ctx_params_fn* get = nullptr;

  // False where this OpenSSL does not offer the algorithm.
  explicit operator bool() const { return get != nullptr; }

  static AeadFunctions fetch(OSSL_LIB_CTX* context, const char* name, const char* properties);
};

struct AeadContextFree {
  const AeadFunctions* functions = nullptr;
  void operator()(void* context) const { functions->free(context); }
};
using AeadContextPtr = std::unique_ptr<void, AeadContextFree>;

}  // namespace tinymls
