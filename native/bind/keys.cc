// PrivateKey: generated, imported or derived; named by a handle. Public keys are octets.
#include "bind/keys.h"

#include <algorithm>

#include "core/kem.h"

namespace tinymls::bind {

namespace {

napi_value generate(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const KeyId id = key_id(call, 0);
  return call.refused() ? call.refusal() : call.answer_handle(PrivateKey::generate(call.library(), id));
}

napi_value import(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const KeyId id = key_id(call, 0);
  const View raw = call.secret_or_bytes(1);
  return call.refused() ? call.refusal() : call.answer_handle(PrivateKey::import(call.library(), id, raw));
}

napi_value restore(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  const KeyId id = key_id(call, 0);
  const View raw = call.secret(1), public_key = call.bytes(2);
  return call.refused() ? call.refusal() : call.answer_handle(PrivateKey::restore(call.library(), id, raw, public_key));
}

// A private key never changes: the clone is a second handle of the same object, which goes with the last of them.
napi_value clone(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  auto key = call.pinned<PrivateKey>(0);
  return call.refused() ? call.refusal() : call.adopt(std::move(key));
}

napi_value public_key(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const auto* key = call.object<PrivateKey>(0);
  const MutableView out = call.out(1);
  if (key && out.size() != key->public_key().size()) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  std::copy(key->public_key().begin(), key->public_key().end(), out.begin());
  return call.number(static_cast<double>(out.size()));
}

napi_value check_public_key(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const KeyId id = key_id(call, 0);
  const View encoded = call.bytes(1);
  if (call.refused()) return call.refusal();
  if (small_order(id, encoded)) return call.answer(Fault::kInvalid);
  const auto checked = PublicKey::check(call.library(), id, encoded);
  return checked ? call.number(1) : call.answer(checked.fault());
}

}  // namespace

void register_keys(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"privateKeyGenerate", generate}, {"privateKeyImport", import},     {"privateKeyRestore", restore},
      {"privateKeyClone", clone},       {"privateKeyPublic", public_key}, {"publicKeyCheck", check_public_key},
  };
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
