#include "core/exchange_functions.h"

#include <openssl/provider.h>

#include "core/openssl.h"

namespace tinymls {

bool ExchangeFunctions::keep(const OSSL_DISPATCH* entry) {
  for (; entry != nullptr && entry->function_id != 0; ++entry) {
    switch (entry->function_id) {
      case OSSL_FUNC_KEYEXCH_NEWCTX:
        keep_function(create_, *entry);
        break;
      case OSSL_FUNC_KEYEXCH_FREECTX:
        keep_function(free_, *entry);
        break;
      case OSSL_FUNC_KEYEXCH_INIT:
        keep_function(begin_, *entry);
        break;
      case OSSL_FUNC_KEYEXCH_SET_PEER:
        keep_function(set_peer_, *entry);
        break;
      case OSSL_FUNC_KEYEXCH_DERIVE:
        keep_function(derive_, *entry);
        break;
    }
  }
  return create_ && free_ && begin_ && set_peer_ && derive_;
}

ExchangeFunctions ExchangeFunctions::fetch(OSSL_LIB_CTX* context, const char* name, const char* properties) {
  const ErrorMark mark;
  ExchangeFunctions functions;
  ExchangePtr exchange(EVP_KEYEXCH_fetch(context, name, properties));
  if (!exchange) return {};
  const OSSL_PROVIDER* provider = EVP_KEYEXCH_get0_provider(exchange.get());
  functions.keys_ = KeyFunctions::of(provider, name);
  if (!functions.keys_ || !functions.keep(provider_functions(provider, OSSL_OP_KEYEXCH, name))) return {};
  functions.provider_ = OSSL_PROVIDER_get0_provider_ctx(provider);
  functions.exchange_ = std::move(exchange);
  return functions;
}

Result<void> ExchangeFunctions::public_key(View private_key, MutableView public_out) const {
  ErrorMark mark;
  const auto own = keys_.import_private(private_key, public_out);
  if (!own) return own.fault();
  mark.passed();
  return {};
}

Result<void> ExchangeFunctions::derive(View private_key, View public_key, View peer, MutableView secret_out) const {
  ErrorMark mark;
  return derive(mark, keys_.import_pair(private_key, public_key), peer, secret_out);
}

Result<void> ExchangeFunctions::run(View private_key, View peer, MutableView public_out, MutableView secret_out) const {
  ErrorMark mark;
  return derive(mark, keys_.import_private(private_key, public_out), peer, secret_out);
}

Result<void> ExchangeFunctions::derive(ErrorMark& mark, const Result<KeyDataPtr>& own, View peer,
                                       MutableView secret_out) const {
  if (!own) return own.fault();
  const auto their = keys_.import_public(peer);
  if (!their) return their.fault();
  const std::unique_ptr<void, ProviderFree<OSSL_FUNC_keyexch_freectx_fn>> context(create_(provider_), {free_});
  if (!context) return Fault::kMemory;
  if (begin_(context.get(), own->get(), nullptr) != 1) return Fault::kInternal;
  size_t length = secret_out.size();
  if (set_peer_(context.get(), their->get()) != 1 ||
      derive_(context.get(), secret_out.data(), &length, secret_out.size()) != 1)
    return Fault::kInvalid;
  if (length != secret_out.size()) return Fault::kInternal;
  mark.passed();
  return {};
}

}  // namespace tinymls
