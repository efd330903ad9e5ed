#include "core/signature_functions.h"

#include <openssl/provider.h>

#include "core/keys.h"

namespace tinymls {
bool SignatureFunctions::keep(const OSSL_DISPATCH* entry) {
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

SignatureFunctions SignatureFunctions::fetch(OSSL_LIB_CTX* context, const KeyTraits& key, const char* properties) {
  const ErrorMark mark;
  SignatureFunctions functions;
  const char* const name = key.family == KeyFamily::kNistCurve ? "ECDSA" : key.type;
  SignaturePtr signature(EVP_SIGNATURE_fetch(context, name, properties));
  if (!signature) return {};
  const OSSL_PROVIDER* provider = EVP_SIGNATURE_get0_provider(signature.get());
  functions.keys_ = KeyFunctions::of(provider, key.type, key.group);
  if (!functions.keys_ || !functions.keep(provider_functions(provider, OSSL_OP_SIGNATURE, name))) return {};
  functions.provider_ = OSSL_PROVIDER_get0_provider_ctx(provider);
  functions.properties_ = properties;
  functions.digest_ = key.digest;
  functions.signature_ = std::move(signature);
  return functions;
}

Result<SignatureCheck> SignatureFunctions::begin(View public_key) const {
  ErrorMark mark;
  auto key = keys_.import_public(public_key);
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
