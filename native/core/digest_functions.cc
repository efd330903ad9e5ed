#include "core/digest_functions.h"

#include <openssl/provider.h>

#include "core/openssl.h"

namespace tinymls {
namespace {

void keep(DigestFunctions& functions, const OSSL_DISPATCH& entry) {
  switch (entry.function_id) {
    case OSSL_FUNC_DIGEST_NEWCTX:
      return keep_function(functions.create, entry);
    case OSSL_FUNC_DIGEST_FREECTX:
      return keep_function(functions.free, entry);
    case OSSL_FUNC_DIGEST_INIT:
      return keep_function(functions.begin, entry);
    case OSSL_FUNC_DIGEST_UPDATE:
      return keep_function(functions.update, entry);
    case OSSL_FUNC_DIGEST_FINAL:
      return keep_function(functions.finish, entry);
    default:
      return;
  }
}

bool complete(const DigestFunctions& functions) {
  return functions.create != nullptr && functions.free != nullptr && functions.begin != nullptr &&
         functions.update != nullptr && functions.finish != nullptr;
}

}  // namespace

DigestFunctions DigestFunctions::fetch(OSSL_LIB_CTX* context, const char* name, const char* properties) {
  const ErrorMark mark;
  DigestFunctions functions;
  functions.md.reset(EVP_MD_fetch(context, name, properties));
  if (!functions.md) return {};
  const OSSL_PROVIDER* provider = EVP_MD_get0_provider(functions.md.get());
  const OSSL_DISPATCH* entry = provider_functions(provider, OSSL_OP_DIGEST, EVP_MD_get0_name(functions.md.get()));
  for (; entry != nullptr && entry->function_id != 0; ++entry) keep(functions, *entry);
  if (!complete(functions)) return {};
  functions.provider = OSSL_PROVIDER_get0_provider_ctx(provider);
  return functions;
}

}  // namespace tinymls
