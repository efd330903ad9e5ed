#include "core/provider.h"

#include <openssl/provider.h>

#include <string_view>

namespace tinymls {
namespace {

// The names of an algorithm in its provider's table are joined by colons; EVP answers with the first.
std::string_view first_name(const char* names) {
  const std::string_view all = names;
  return all.substr(0, all.find(':'));
}

}  // namespace

const OSSL_DISPATCH* provider_functions(const OSSL_PROVIDER* provider, int operation, const char* name) {
  int no_cache = 0;
  const OSSL_ALGORITHM* const algorithms = OSSL_PROVIDER_query_operation(provider, operation, &no_cache);
  const OSSL_DISPATCH* found = nullptr;
  for (const OSSL_ALGORITHM* algorithm = algorithms;
       !found && algorithm != nullptr && algorithm->algorithm_names != nullptr; ++algorithm) {
    if (first_name(algorithm->algorithm_names) == name) found = algorithm->implementation;
  }
  OSSL_PROVIDER_unquery_operation(provider, operation, algorithms);
  return found;
}

}  // namespace tinymls
