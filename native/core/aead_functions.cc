#include "core/aead_functions.h"

#include <openssl/provider.h>

#include "core/openssl.h"

namespace tinymls {
namespace {

void keep(AeadFunctions& functions, const OSSL_DISPATCH& entry) {
  switch (entry.function_id) {
    case OSSL_FUNC_CIPHER_NEWCTX:
      return keep_function(functions.create, entry);
    case OSSL_FUNC_CIPHER_FREECTX:
      return keep_function(functions.free, entry);
    case OSSL_FUNC_CIPHER_ENCRYPT_INIT:
      return keep_function(functions.begin_seal, entry);
    case OSSL_FUNC_CIPHER_DECRYPT_INIT:
      return keep_function(functions.begin_open, entry);
    case OSSL_FUNC_CIPHER_UPDATE:
      return keep_function(functions.update, entry);
    case OSSL_FUNC_CIPHER_FINAL:
      return keep_function(functions.finish, entry);
    case OSSL_FUNC_CIPHER_GET_CTX_PARAMS:
      return keep_function(functions.get, entry);
    default:
      return;
  }
}

bool complete(const AeadFunctions& functions) {
  return functions.create != nullptr && functions.free != nullptr && functions.begin_seal != nullptr &&
         functions.begin_open != nullptr && functions.update != nullptr && functions.finish != nullptr &&
         functions.get != nullptr;
}

}  // namespace

AeadFunctions AeadFunctions::fetch(OSSL_LIB_CTX* context, const char* name, const char* properties) {
  const ErrorMark mark;
  AeadFunctions functions;
  functions.cipher.reset(EVP_CIPHER_fetch(context, name, properties));
  if (!functions.cipher) return {};
  const OSSL_PROVIDER* provider = EVP_CIPHER_get0_provider(functions.cipher.get());
  const OSSL_DISPATCH* entry =
      provider_functions(provider, OSSL_OP_CIPHER, EVP_CIPHER_get0_name(functions.cipher.get()));
  for (; entry != nullptr && entry->function_id != 0; ++entry) keep(functions, *entry);
  if (!complete(functions)) return {};
  functions.provider = OSSL_PROVIDER_get0_provider_ctx(provider);
  return functions;
}

}  // namespace tinymls
