#include "core/aead_functions.h"

#include <openssl/provider.h>

#include <string_view>

#include "core/openssl.h"

namespace tinymls {
namespace {

// The names of an algorithm in its provider's table are joined by colons; EVP answers with the first.
std::string_view first_name(const char* names) {
  const std::string_view all = names;
  return all.substr(0, all.find(':'));
}

template <class Function>
void keep(Function*& function, const OSSL_DISPATCH& entry) {
  function = reinterpret_cast<Function*>(entry.function);
}

void keep(AeadFunctions& functions, const OSSL_DISPATCH& entry) {
  switch (entry.function_id) {
    case OSSL_FUNC_CIPHER_NEWCTX:
      return keep(functions.create, entry);
    case OSSL_FUNC_CIPHER_FREECTX:
      return keep(functions.free, entry);
    case OSSL_FUNC_CIPHER_ENCRYPT_INIT:
      return keep(functions.begin_seal, entry);
    case OSSL_FUNC_CIPHER_DECRYPT_INIT:
      return keep(functions.begin_open, entry);
    case OSSL_FUNC_CIPHER_UPDATE:
      return keep(functions.update, entry);
    case OSSL_FUNC_CIPHER_FINAL:
      return keep(functions.finish, entry);
    case OSSL_FUNC_CIPHER_GET_CTX_PARAMS:
      return keep(functions.get, entry);
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
  const std::string_view wanted = EVP_CIPHER_get0_name(functions.cipher.get());
  int no_cache = 0;
  const OSSL_ALGORITHM* const algorithms = OSSL_PROVIDER_query_operation(provider, OSSL_OP_CIPHER, &no_cache);
  for (const OSSL_ALGORITHM* algorithm = algorithms; algorithm != nullptr && algorithm->algorithm_names != nullptr;
       ++algorithm) {
    if (first_name(algorithm->algorithm_names) != wanted) continue;
    for (const OSSL_DISPATCH* entry = algorithm->implementation; entry->function_id != 0; ++entry) {
      keep(functions, *entry);
    }
    break;
  }
  OSSL_PROVIDER_unquery_operation(provider, OSSL_OP_CIPHER, algorithms);
  if (!complete(functions)) return {};
  functions.provider = OSSL_PROVIDER_get0_provider_ctx(provider);
  return functions;
}

}  // namespace tinymls
