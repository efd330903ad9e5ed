// The module: one Environment for each load, and the functions of every file of this folder.
#include "bind/environment.h"

namespace tinymls::bind {

// One for each file that exports functions.
void register_aead(napi_env env, napi_value exports);
void register_capabilities(napi_env env, napi_value exports);
void register_compare(napi_env env, napi_value exports);
void register_hash(napi_env env, napi_value exports);
void register_hkdf(napi_env env, napi_value exports);
void register_hpke(napi_env env, napi_value exports);
void register_kem(napi_env env, napi_value exports);
void register_keyring(napi_env env, napi_value exports);
void register_keyring_batch(napi_env env, napi_value exports);
void register_keys(napi_env env, napi_value exports);
void register_memory(napi_env env, napi_value exports);
void register_message_key(napi_env env, napi_value exports);
void register_password(napi_env env, napi_value exports);
void register_random(napi_env env, napi_value exports);
void register_secret(napi_env env, napi_value exports);
void register_signature(napi_env env, napi_value exports);
void register_x509(napi_env env, napi_value exports);

Environment* environment_of(napi_env env) {
  void* data = nullptr;
  return napi_get_instance_data(env, &data) == napi_ok ? static_cast<Environment*>(data) : nullptr;
}

void define(napi_env env, napi_value exports, std::span<const Method> methods) {
  for (const Method& method : methods) {
    napi_value function = nullptr;
    if (napi_create_function(env, method.name, NAPI_AUTO_LENGTH, method.call, environment_of(env), &function) ==
        napi_ok)
      napi_set_named_property(env, exports, method.name, function);
  }
}

namespace {

napi_value initialize(napi_env env, napi_value exports) {
  auto environment = std::make_unique<Environment>();
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
  if (napi_set_instance_data(env, environment.get(), finalize, nullptr) != napi_ok) return exports;
  environment.release();
  register_aead(env, exports);
  register_capabilities(env, exports);
  register_compare(env, exports);
  register_hash(env, exports);
  register_hkdf(env, exports);
  register_hpke(env, exports);
  register_kem(env, exports);
  register_keyring(env, exports);
  register_keyring_batch(env, exports);
  register_keys(env, exports);
  register_memory(env, exports);
  register_message_key(env, exports);
  register_password(env, exports);
  register_random(env, exports);
  register_secret(env, exports);
  register_signature(env, exports);
  register_x509(env, exports);
  return exports;
}

}  // namespace

}  // namespace tinymls::bind

NAPI_MODULE_INIT() { return tinymls::bind::initialize(env, exports); }
