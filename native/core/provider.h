// The functions of an algorithm in OpenSSL's provider (provider(7)): what EVP looks up, and calls itself.
#pragma once

#include <openssl/core_dispatch.h>

#include "core/openssl_pointers.h"

namespace tinymls {

// The table of an algorithm, ended by an entry of id 0; null where the provider has none of that name. It lives as long
// as the provider. `name` is the one by which EVP names it.
const OSSL_DISPATCH* provider_functions(const OSSL_PROVIDER* provider, int operation, const char* name);

template <class Function>
void keep_function(Function*& function, const OSSL_DISPATCH& entry) {
  function = reinterpret_cast<Function*>(entry.function);
}

}  // namespace tinymls
