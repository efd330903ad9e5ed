// Signatures: one, and many in parallel.
#include "core/signature.h"

#include "bind/batch.h"
#include "bind/keys.h"
#include "bind/worker.h"
#include "core/pool.h"

namespace tinymls::bind {

namespace {

KeyId signature_id(CallReader& call, size_t index) {
  const KeyId id = key_id(call, index);
  if (signature_max_length(id) == 0) call.refuse(Fault::kUsage);
  return id;
}

napi_value sign(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  const auto* key = call.object<PrivateKey>(0);
  const View message = call.bytes(1);
  const MutableView out = call.out(2);
  if (call.refused()) return call.refusal();
  const auto length = tinymls::sign(*key, message, out);
  return length ? call.number(static_cast<double>(*length)) : call.answer(length.fault());
}

napi_value verify(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  const KeyId id = signature_id(call, 0);
  const View public_key = call.bytes(1), message = call.bytes(2), signature = call.bytes(3);
  if (call.refused()) return call.refusal();
  const auto valid = call.environment().verifier.verify(call.library(), id, public_key, message, signature);
  return valid ? call.number(*valid) : call.answer(valid.fault());
}

// Hashed in less time than a signature takes.
constexpr size_t kBriefOctets = 1 << 14;

// An octet for each item, 1 where the signature is valid; a key that cannot be read is a signature that is not valid.
using Verdicts = Result<std::vector<uint8_t>>;

Verdicts verify_batch(const Library& library, KeyId id, const Batch& batch) {
  std::vector<uint8_t> verdicts(batch.items());
  parallel_unless(is_best_alone(id, batch.items()), batch.items(), [&](size_t item) {
    const auto valid = tinymls::verify(library, id, batch.part(item, 0), batch.part(item, 1), batch.part(item, 2));
    const bool about_key = !valid && (valid.fault() == Fault::kMalformed || valid.fault() == Fault::kInvalid);
    verdicts[item] = valid ? *valid : about_key ? 0 : static_cast<uint8_t>(0x80 | static_cast<uint8_t>(valid.fault()));
  });
  for (uint8_t verdict : verdicts)
    if (verdict & 0x80) return static_cast<Fault>(verdict & 0x7f);
  return verdicts;
}

// (algorithm, joined public keys, messages and signatures, their lengths)
napi_value verify_all(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  const KeyId id = signature_id(call, 0);
  Batch batch(call, 1, 3);
  if (call.refused()) return call.refusal();
  const bool brief = is_brief(id, batch.items()) && batch.size() <= kBriefOctets;
  return run_unless(
      brief, env, "signature.verifyAll",
      [&library = call.library(), id, batch = std::move(batch)] { return verify_batch(library, id, batch); },
      [](napi_env env, Verdicts& verdicts) -> napi_value {
        if (!verdicts) return async_number(env, -static_cast<double>(verdicts.fault()));
        napi_value buffer = nullptr;
        return napi_create_buffer_copy(env, verdicts->size(), verdicts->data(), nullptr, &buffer) == napi_ok ? buffer
                                                                                                             : nullptr;
      });
}

}  // namespace

void register_signature(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"signatureSign", sign}, {"signatureVerify", verify}, {"signatureVerifyAll", verify_all}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
