#include "core/key_functions.h"

#include <openssl/provider.h>

#include "core/openssl.h"

namespace tinymls {
bool KeyFunctions::keep(const OSSL_DISPATCH* entry) {
  for (; entry != nullptr && entry->function_id != 0; ++entry) {
    switch (entry->function_id) {
      case OSSL_FUNC_KEYMGMT_NEW:
        keep_function(create_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_FREE:
        keep_function(free_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_IMPORT:
        keep_function(import_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_DUP:
        keep_function(copy_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_GET_PARAMS:
        keep_function(get_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_SET_PARAMS:
        keep_function(set_, *entry);
        break;
    }
  }
  return create_ && free_ && import_ && get_;
}

KeyFunctions KeyFunctions::of(const OSSL_PROVIDER* provider, const char* type, const char* curve) {
  KeyFunctions functions;
  if (!functions.keep(provider_functions(provider, OSSL_OP_KEYMGMT, type))) return {};
  functions.provider_ = OSSL_PROVIDER_get0_provider_ctx(provider);
  if (curve == nullptr) return functions;
  if (!functions.copy_ || !functions.set_) return {};
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve), 0),
      OSSL_PARAM_construct_end()};
  functions.curve_ = functions.create();
  if (!functions.curve_ || functions.import_(functions.curve_.get(), OSSL_KEYMGMT_SELECT_ALL_PARAMETERS, params) != 1)
    return {};
  return functions;
}

Result<KeyDataPtr> KeyFunctions::import_public(View encoded) const {
  KeyDataPtr key = curve_ ? KeyDataPtr(copy_(curve_.get(), OSSL_KEYMGMT_SELECT_ALL), {free_}) : create();
  if (!key) return Fault::kMemory;
  const OSSL_PARAM params[] = {
      octets_param(curve_ ? OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY : OSSL_PKEY_PARAM_PUB_KEY, encoded),
      OSSL_PARAM_construct_end()};
  const int done = curve_ ? set_(key.get(), params) : import_(key.get(), OSSL_KEYMGMT_SELECT_PUBLIC_KEY, params);
  if (done != 1) return Fault::kInvalid;
  return key;
}

Result<KeyDataPtr> KeyFunctions::import_private(View raw, MutableView public_out) const {
  if (curve_) return Fault::kUsage;
  KeyDataPtr key = create();
  if (!key) return Fault::kMemory;
  const OSSL_PARAM params[] = {octets_param(OSSL_PKEY_PARAM_PRIV_KEY, raw), OSSL_PARAM_construct_end()};
  OSSL_PARAM wanted[] = {octets_param(OSSL_PKEY_PARAM_PUB_KEY, public_out), OSSL_PARAM_construct_end()};
  if (import_(key.get(), OSSL_KEYMGMT_SELECT_KEYPAIR, params) != 1 || get_(key.get(), wanted) != 1 ||
      wanted[0].return_size != public_out.size())
    return Fault::kInternal;
  return key;
}

Result<KeyDataPtr> KeyFunctions::import_pair(View raw, View public_key) const {
  if (curve_) return Fault::kUsage;
  KeyDataPtr key = create();
  if (!key) return Fault::kMemory;
  const OSSL_PARAM params[] = {octets_param(OSSL_PKEY_PARAM_PRIV_KEY, raw),
                               octets_param(OSSL_PKEY_PARAM_PUB_KEY, public_key), OSSL_PARAM_construct_end()};
  if (import_(key.get(), OSSL_KEYMGMT_SELECT_KEYPAIR, params) != 1) return Fault::kInternal;
  return key;
}

}  // namespace tinymls
