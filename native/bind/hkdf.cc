// HKDF: handles in, handles out.
#include "core/hkdf.h"

#include "bind/call.h"

namespace tinymls::bind {

namespace {

napi_value extract(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  const HashId id = call.hash_id(0);
  const View salt = call.secret_or_bytes(1), ikm = call.secret_or_bytes(2);
  if (call.refused()) return call.refusal();
  return call.answer_handle(hkdf_extract(call.library(), id, salt, ikm));
}

napi_value expand(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  const HashId id = call.hash_id(0);
  const View prk = call.secret(1), context = call.bytes(2);
  const size_t length = call.length(3);
  if (call.refused()) return call.refusal();
  return call.answer_handle(hkdf_expand(call.library(), id, prk, context, length));
}

napi_value expand_label(napi_env env, napi_callback_info info) {
  Call<6> call(env, info);
  const HashId id = call.hash_id(0);
  const View secret = call.secret(1);
  const auto format = call.one_of(2, LabelFormat::kTls13, LabelFormat::kMls);
  const View label = call.bytes(3), context = call.bytes(4);
  const size_t length = call.length(5);
  if (call.refused()) return call.refusal();
  return call.answer_handle(hkdf_expand_label(call.library(), id, secret, format, label, context, length));
}

}  // namespace

void register_hkdf(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"hkdfExtract", extract}, {"hkdfExpand", expand}, {"hkdfExpandLabel", expand_label}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
