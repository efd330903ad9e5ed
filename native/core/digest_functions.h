// A hash of OpenSSL by the functions of its provider (provider-digest(7)): to begin and to end a hash by EVP takes as
// long as to hash a block.
#pragma once

#include "core/provider.h"

namespace tinymls {

struct DigestFunctions {
  MdPtr md;  // keeps the provider
  void* provider = nullptr;
  OSSL_FUNC_digest_newctx_fn* create = nullptr;
  OSSL_FUNC_digest_freectx_fn* free = nullptr;
  OSSL_FUNC_digest_init_fn* begin = nullptr;
  OSSL_FUNC_digest_update_fn* update = nullptr;
  OSSL_FUNC_digest_final_fn* finish = nullptr;

  // False where this OpenSSL does not offer the algorithm.
  explicit operator bool() const { return finish != nullptr; }

  static DigestFunctions fetch(OSSL_LIB_CTX* context, const char* name, const char* properties);
};

struct DigestContextFree {
  const DigestFunctions* functions = nullptr;
  void operator()(void* context) const { functions->free(context); }
};
using DigestContextPtr = std::unique_ptr<void, DigestContextFree>;

}  // namespace tinymls
