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

// Here the secret itself changes: one that a running batch works with is refused.
napi_value step_label(napi_env env, napi_callback_info info) {
  Call<5> call(env, info);
  const HashId id = call.hash_id(0);
  SecretBytes* const secret = call.unshared<SecretBytes>(1);
  const auto format = call.one_of(2, LabelFormat::kTls13, LabelFormat::kMls);
  const View label = call.bytes_of_any_memory(3), context = call.bytes_of_any_memory(4);
  if (call.refused()) return call.refusal();
  return call.answer(hkdf_step_label(call.library(), id, *secret, format, label, context));
}

// (algorithm, secret, format, labels, length, out): a secret for each label, without context. The labels are joined,
// each behind an octet with its length; `out` takes a handle for each, a double in native byte order.
napi_value expand_labels(napi_env env, napi_callback_info info) {
  Call<6> call(env, info);
  const HashId id = call.hash_id(0);
  const View secret = call.secret(1);
  const auto format = call.one_of(2, LabelFormat::kTls13, LabelFormat::kMls);
  View labels = call.bytes(3);
  const size_t length = call.length(4);
  const MutableView out = call.out(5);
  if (call.refused()) return call.refusal();
  NewHandles handles(call.handles());
  while (!labels.empty()) {
    const size_t size = labels[0];
    if (size >= labels.size()) return call.answer(Fault::kUsage);
    auto derived = hkdf_expand_label(call.library(), id, secret, format, labels.subspan(1, size), {}, length);
    if (!derived) return call.answer(derived.fault());
    const Result<double> handle = handles.add(std::make_shared<SecretBytes>(std::move(*derived)));
    if (!handle) return call.answer(handle.fault());
    labels = labels.subspan(size + 1);
  }
  return call.answer_handles(handles, out);
}

}  // namespace

void register_hkdf(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"hkdfExtract", extract},
                                        {"hkdfExpand", expand},
                                        {"hkdfExpandLabel", expand_label},
                                        {"hkdfStepLabel", step_label},
                                        {"hkdfExpandLabels", expand_labels}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
