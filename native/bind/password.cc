// Argon2id off the event loop.
#include "core/password.h"

#include "bind/call.h"
#include "bind/worker.h"

namespace tinymls::bind {

namespace {

napi_value derive(napi_env env, napi_callback_info info) {
  Call<6> call(env, info);
  const View passphrase = call.bytes(0), salt = call.bytes(1);
  const Argon2Cost cost{call.integer<uint32_t>(2), call.integer<uint32_t>(3), call.integer<uint32_t>(4)};
  const size_t length = call.length(5);
  if (call.refused()) return call.refusal();
  auto kept_passphrase = SecretBytes::copy(passphrase), kept_salt = SecretBytes::copy(salt);
  if (!kept_passphrase || !kept_salt) return call.answer(Fault::kMemory);
  return run_async(
      env, "tinymls:argon2id",
      [&library = call.library(), passphrase = std::move(*kept_passphrase), salt = std::move(*kept_salt), cost,
       length] { return argon2id(library, passphrase.view(), salt.view(), cost, length); },
      [](napi_env env, Result<SecretBytes>& result) { return async_handle(env, result); });
}

}  // namespace

void register_password(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"argon2id", derive}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
