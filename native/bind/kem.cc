// Key encapsulation, and the Diffie-Hellman function under it.
#include "core/kem.h"

#include "bind/keys.h"

namespace tinymls::bind {

namespace {

napi_value derive_key_pair(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const KeyId id = key_id(call, 0);
  const View ikm = call.secret_or_bytes(1);
  return call.refused() ? call.refusal() : call.answer_handle(kem_derive_key_pair(call.library(), id, ikm));
}

// (algorithm, public key, enc [, ephemeral key, randomness]): the last two for known answers.
napi_value encapsulate(napi_env env, napi_callback_info info) {
  Call<5> call(env, info);
  const KeyId id = key_id(call, 0);
  const View public_key = call.bytes(1);
  const MutableView enc = call.out(2);
  const Ephemeral ephemeral{optional_private_key(call, 3), call.optional_bytes(4)};
  if (call.refused()) return call.refusal();
  return call.answer_handle(kem_encapsulate(call.library(), id, public_key, enc, nullptr, ephemeral));
}

napi_value decapsulate(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const auto* key = call.object<PrivateKey>(0);
  const View enc = call.bytes(1);
  return call.refused() ? call.refusal() : call.answer_handle(kem_decapsulate(call.library(), *key, enc));
}

napi_value dh(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const auto* key = call.object<PrivateKey>(0);
  const View public_key = call.bytes(1);
  return call.refused() ? call.refusal() : call.answer_handle(diffie_hellman(call.library(), *key, public_key));
}

}  // namespace

void register_kem(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"kemDeriveKeyPair", derive_key_pair},
                                        {"kemEncapsulate", encapsulate},
                                        {"kemDecapsulate", decapsulate},
                                        {"diffieHellman", dh}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
