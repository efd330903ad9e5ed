// Messages under keys that are expanded for them alone.
#include "core/message_key.h"

#include "bind/call.h"

namespace tinymls::bind {

namespace {

// Arguments 0 to 2 and `xor_index`: profile, secret, context, nonceXor. The profile is what all messages of a protocol
// have in common: an octet each for the hash, the AEAD, the format of labels and the length of the key's label, then
// the labels of key and nonce.
MessageKey message_key(CallReader& call, size_t xor_index) {
  constexpr size_t kHead = 4;
  const View profile = call.bytes_of_any_memory(0);
  MessageKey key{};
  key.secret = call.secret(1);
  key.context = call.bytes_of_any_memory(2);
  key.nonce_xor = call.optional_bytes_of_any_memory(xor_index);
  const size_t key_label = profile.size() < kHead ? 0 : profile[3];  // once: another thread may write to shared memory
  if (profile.size() < kHead + key_label) {
    call.refuse(Fault::kUsage);
    return key;
  }
  key.hash = static_cast<HashId>(profile[0]);
  key.aead = static_cast<AeadId>(profile[1]);
  key.format = static_cast<LabelFormat>(profile[2]);
  key.key_label = profile.subspan(kHead, key_label);
  key.nonce_label = profile.subspan(kHead + key_label);
  if (!message_key_known(key)) call.refuse(Fault::kUsage);
  return key;
}

bool overlap(View a, View b) { return partly_overlap(a, b) || (!a.empty() && a.data() == b.data()); }

// (..., aad, plaintext, out, nonceXor). Out may start where the plaintext does.
napi_value seal(napi_env env, napi_callback_info info) {
  Call<7> call(env, info);
  const MessageKey key = message_key(call, 6);
  const View aad = call.bytes_of_any_memory(3), plaintext = call.bytes_of_any_memory(4);
  const MutableView out = call.out(5);
  if (out.size() != plaintext.size() + kAeadTagLength || partly_overlap(plaintext, out) || overlap(aad, out))
    call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return call.answer(message_seal(call.library(), key, aad, plaintext, out));
}

// (..., aad, sealed, out, nonceXor)
napi_value open(napi_env env, napi_callback_info info) {
  Call<7> call(env, info);
  const MessageKey key = message_key(call, 6);
  const View aad = call.bytes_of_any_memory(3), sealed = call.bytes(4);
  const MutableView out = call.out(5);
  if (partly_overlap(sealed, out) || overlap(aad, out)) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  if (sealed.size() < kAeadTagLength) {
    wipe(out);
    return call.answer(Fault::kUndecryptable);
  }
  if (out.size() != sealed.size() - kAeadTagLength) return call.answer(Fault::kUsage);
  return call.answer(message_open(call.library(), key, aad, sealed, out));
}

}  // namespace

void register_message_key(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"messageSeal", seal}, {"messageOpen", open}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
