#include "core/signature_functions.h"

#include <openssl/provider.h>

#include "core/openssl.h"

namespace tinymls {
namespace {

OSSL_PARAM octets_param(const char* name, View octets) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<uint8_t*>(octets.data()), octets.size());
}

}  // namespace

bool SignatureFunctions::keep_key_functions(const OSSL_DISPATCH* entry) {
  for (; entry != nullptr && entry->function_id != 0; ++entry) {
    switch (entry->function_id) {
      case OSSL_FUNC_KEYMGMT_NEW:
        keep_function(create_key_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_FREE:
        keep_function(free_key_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_IMPORT:
        keep_function(import_key_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_DUP:
        keep_function(copy_key_, *entry);
        break;
      case OSSL_FUNC_KEYMGMT_SET_PARAMS:
        keep_function(set_key_, *entry);
        break;
    }
  }
  return create_key_ && free_key_ && import_key_;
}

bool SignatureFunctions::keep_check_functions(const OSSL_DISPATCH* entry) {
  for (; entry != nullptr && entry->function_id != 0; ++entry) {
    switch (entry->function_id) {
      case OSSL_FUNC_SIGNATURE_NEWCTX:
        keep_function(create_, *entry);
        break;
      case OSSL_FUNC_SIGNATURE_FREECTX:
        keep_function(free_, *entry);
        break;
      case OSSL_FUNC_SIGNATURE_DUPCTX:
        keep_function(copy_, *entry);
        break;
      case OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT:
        keep_function(begin_, *entry);
        break;
      case OSSL_FUNC_SIGNATURE_DIGEST_VERIFY:
        keep_function(verify_, *entry);
        break;
      case OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE:
        keep_function(update_, *entry);
        break;
      case OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL:
        keep_function(finish_, *entry);
        break;
    }
  }
  return create_ && free_ && copy_ && begin_ && (verify_ || (update_ && finish_));
}

SignatureFunctions SignatureFunctions::fetch(OSSL_LIB_CTX* context, const SignatureNames& names,
                                             const char* properties) {
  const ErrorMark mark;
  SignatureFunctions functions;
  SignaturePtr signature(EVP_SIGNATURE_fetch(context, names.algorithm, properties));
  if (!signature) return {};
  const OSSL_PROVIDER* provider = EVP_SIGNATURE_get0_provider(signature.get());
  if (!functions.keep_check_functions(provider_functions(provider, OSSL_OP_SIGNATURE, names.algorithm)) ||
      !functions.keep_key_functions(provider_functions(provider, OSSL_OP_KEYMGMT, names.key)))
    return {};
  functions.provider_ = OSSL_PROVIDER_get0_provider_ctx(provider);
  functions.properties_ = properties;
  functions.digest_ = names.digest;
  if (names.curve != nullptr) {
    if (!functions.copy_key_ || !functions.set_key_) return {};
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(names.curve), 0),
        OSSL_PARAM_construct_end()};
    functions.curve_ = functions.create_key();
    if (!functions.curve_ ||
        functions.import_key_(functions.curve_.get(), OSSL_KEYMGMT_SELECT_ALL_PARAMETERS, params) != 1)
      return {};
  }
  functions.signature_ = std::move(signature);
  return functions;
}

Result<SignatureKeyPtr> SignatureFunctions::import(View public_key) const {
  SignatureKeyPtr key =
      curve_ ? SignatureKeyPtr(copy_key_(curve_.get(), OSSL_KEYMGMT_SELECT_ALL), {free_key_}) : create_key();
  if (!key) return Fault::kMemory;
  const OSSL_PARAM params[] = {
      octets_param(curve_ ? OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY : OSSL_PKEY_PARAM_PUB_KEY, public_key),
      OSSL_PARAM_construct_end()};
  const int done =
      curve_ ? set_key_(key.get(), params) : import_key_(key.get(), OSSL_KEYMGMT_SELECT_PUBLIC_KEY, params);
  if (done != 1) return Fault::kInvalid;
  return key;
}

Result<SignatureCheck> SignatureFunctions::begin(View public_key) const {
  ErrorMark mark;
  auto key = import(public_key);
  if (!key) return key.fault();
  SignatureContextPtr context(create_(provider_, properties_), {free_});
  if (!context) return Fault::kMemory;
  if (begin_(context.get(), digest_, key->get(), nullptr) != 1) return Fault::kInternal;
  mark.passed();
  return SignatureCheck{std::move(*key), std::move(context)};
}

bool SignatureFunctions::finish(const SignatureCheck& check, View message, View signature) const {
  return finish(check.context.get(), message, signature);
}

Result<bool> SignatureFunctions::finish_copy(const SignatureCheck& check, View message, View signature) const {
  const SignatureContextPtr copy(copy_(check.context.get()), {free_});
  if (!copy) return Fault::kMemory;
  return finish(copy.get(), message, signature);
}

bool SignatureFunctions::finish(void* context, View message, View signature) const {
  ErrorMark mark;
  const bool valid = verify_ ? verify_(context, signature.data(), signature.size(), message.data(), message.size()) == 1
                             : update_(context, message.data(), message.size()) == 1 &&
                                   finish_(context, signature.data(), signature.size()) == 1;
  if (valid) mark.passed();
  return valid;
}

}  // namespace tinymls
