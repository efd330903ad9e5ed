// Key encapsulation, and the Diffie-Hellman function under it.
#include "core/kem.h"

#include "bind/batch.h"
#include "bind/keys.h"
#include "bind/worker.h"
#include "core/pool.h"

namespace tinymls::bind {

namespace {

napi_value derive_key_pair(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const KeyId id = key_id(call, 0);
  const View ikm = call.secret_or_bytes(1);
  return call.refused() ? call.refusal() : call.answer_handle(kem_derive_key_pair(call.library(), id, ikm));
}

// A key pair takes one multiplication, an encapsulation two.
size_t encapsulations(size_t key_pairs) { return (key_pairs + 1) / 2; }

using KeyPairs = Result<std::vector<std::shared_ptr<PrivateKey>>>;

KeyPairs derive_all(const Library& library, KeyId id, const std::vector<std::shared_ptr<SecretBytes>>& ikms) {
  std::vector<std::shared_ptr<PrivateKey>> keys(ikms.size());
  std::vector<Result<void>> results(ikms.size());
  parallel_unless(is_best_alone(id, encapsulations(ikms.size())), ikms.size(), [&](size_t i) {
    auto key = kem_derive_key_pair(library, id, ikms[i]->view());
    if (key)
      keys[i] = std::make_shared<PrivateKey>(std::move(*key));
    else
      results[i] = key.fault();
  });
  for (const auto& result : results)
    if (!result) return result.fault();
  return keys;
}

// An array of their handles, or the fault that leaves none of them.
napi_value settle_handles(napi_env env, KeyPairs& keys) {
  Environment* const environment = environment_of(env);
  if (!environment) return nullptr;
  if (!keys) return async_number(env, -static_cast<double>(keys.fault()));
  const auto fail = [&](Fault fault) { return async_number(env, -static_cast<double>(fault)); };
  NewHandles handles(environment->handles);
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, keys->size(), &array) != napi_ok) return fail(Fault::kInternal);
  for (auto& key : *keys) {
    const auto index = static_cast<uint32_t>(handles.count());
    const Result<double> handle = handles.add(std::move(key));
    if (!handle) return fail(handle.fault());
    napi_value number = async_number(env, *handle);
    if (!number || napi_set_element(env, array, index, number) != napi_ok) return fail(Fault::kInternal);
  }
  handles.keep();
  return array;
}

// (algorithm, handles of the input keying material)
napi_value derive_key_pairs(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const KeyId id = key_id(call, 0);
  auto ikms = pinned_secrets(call, 1);
  for (const auto& ikm : ikms)
    if (!ikm) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return run_unless(
      is_brief(id, encapsulations(ikms.size())), env, "kem.deriveKeyPairs",
      [&library = call.library(), id, ikms = std::move(ikms)] { return derive_all(library, id, ikms); },
      [](napi_env env, KeyPairs& keys) { return settle_handles(env, keys); });
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
                                        {"kemDeriveKeyPairs", derive_key_pairs},
                                        {"kemEncapsulate", encapsulate},
                                        {"kemDecapsulate", decapsulate},
                                        {"diffieHellman", dh}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
