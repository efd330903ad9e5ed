// Secret: bytes in locked native memory, named by a handle.
#include <algorithm>

#include "bind/call.h"
#include "core/compare.h"
#include "core/random.h"

namespace tinymls::bind {

namespace {

// Secrets are keys and key material; a mistaken length must not lock the machine's memory.
constexpr size_t kMaxSecretLength = size_t{1} << 24;
constexpr size_t kMaxParts = 16;

napi_value secret_random(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const size_t length = call.length(0);
  if (length > kMaxSecretLength) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return call.answer_handle(random_secret(length));
}

napi_value secret_from(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const View bytes = call.bytes(0);
  if (bytes.size() > kMaxSecretLength) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return call.answer_handle(SecretBytes::copy(bytes));
}

napi_value secret_concat(napi_env env, napi_callback_info info) {
  Call<kMaxParts> call(env, info);
  View parts[kMaxParts];
  size_t length = 0;
  for (size_t i = 0; i < call.count() && !call.refused(); ++i) {
    parts[i] = call.sealable_or_bytes(i);
    length += parts[i].size();
  }
  if (length > kMaxSecretLength) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  auto joined = SecretBytes::allocate(length);
  if (!joined) return call.answer(joined.fault());
  uint8_t* at = joined->data();
  for (size_t i = 0; i < call.count(); ++i) at = std::copy(parts[i].begin(), parts[i].end(), at);
  return call.answer_handle(std::move(joined));
}

napi_value secret_length(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const View secret = call.secret(0);
  return call.refused() ? call.refusal() : call.number(static_cast<double>(secret.size()));
}

napi_value secret_slice(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  const View secret = call.secret(0);
  const size_t start = call.length(1), end = call.length(2);
  if (start > end || end > secret.size()) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  return call.answer_handle(SecretBytes::copy(secret.subspan(start, end - start)));
}

napi_value secret_equals(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const View a = call.secret(0), b = call.secret_or_bytes(1);
  return call.refused() ? call.refusal() : call.number(constant_time_equal(a, b));
}

// The bytes themselves: for TypeScript's decodeSecret, which wipes them.
napi_value secret_read(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const View secret = call.secret(0);
  const MutableView out = call.out(1);
  if (out.size() != secret.size()) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  std::copy(secret.begin(), secret.end(), out.begin());
  return call.number(static_cast<double>(out.size()));
}

// Handles of any kind. One that names nothing is refused; the others are let go of all the same.
napi_value release(napi_env env, napi_callback_info info) {
  Call<kMaxParts> call(env, info);
  if (call.refused() || call.count() == 0) return call.answer(Fault::kUsage);
  for (size_t i = 0; i < call.count(); ++i) {
    const auto handle = call.integer<uint64_t>(i);
    if (!call.handles().release(static_cast<double>(handle))) call.refuse(Fault::kUsage);
  }
  return call.refused() ? call.refusal() : call.number(0);
}

// The same, from the collector: counted apart. What was disposed before is nothing new to it.
napi_value release_collected(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const auto handle = call.integer<uint64_t>(0);
  if (call.refused() || !call.handles().release_collected(static_cast<double>(handle)))
    return call.answer(Fault::kUsage);
  return call.number(0);
}

napi_value live_handles(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  return call.refused() ? call.refusal() : call.number(static_cast<double>(call.handles().live()));
}

napi_value collected_handles(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  return call.refused() ? call.refusal() : call.number(static_cast<double>(call.handles().collected()));
}

}  // namespace

void register_secret(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"secretRandom", secret_random},
      {"secretFrom", secret_from},
      {"secretConcat", secret_concat},
      {"secretLength", secret_length},
      {"secretSlice", secret_slice},
      {"secretEquals", secret_equals},
      {"secretRead", secret_read},
      {"release", release},
      {"liveHandles", live_handles},
      {"releaseCollected", release_collected},
      {"collectedHandles", collected_handles},
  };
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
