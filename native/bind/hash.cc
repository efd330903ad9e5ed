// SHA-2 and HMAC over a list of parts.
#include "core/hash.h"

#include <cstring>

#include "bind/call.h"
#include "core/compare.h"

namespace tinymls::bind {

namespace {

constexpr size_t kMaxParts = 8;  // TypeScript joins longer lists

// The parts from argument `first` on.
class Parts {
 public:
  Parts(CallReader& call, size_t first) {
    for (size_t i = first; i < call.count() && size_ < kMaxParts; ++i) views_[size_++] = call.bytes(i);
  }
  std::span<const View> views() const { return {views_, size_}; }

 private:
  View views_[kMaxParts];
  size_t size_ = 0;
};

napi_value hash_parts(napi_env env, napi_callback_info info) {
  Call<2 + kMaxParts> call(env, info);
  const HashId id = call.hash_id(0);
  const MutableView out = call.out(1);
  const Parts parts(call, 2);
  if (call.refused()) return call.refusal();
  return call.answer(hash(call.library(), id, parts.views(), out));
}

// Lengths of inputs that are joined: a Uint32Array in native byte order.
uint32_t length_at(View lengths, size_t item) {
  uint32_t length;
  std::memcpy(&length, lengths.data() + item * sizeof length, sizeof length);
  return length;
}

// The digest of each of many inputs, which are joined in one array of octets.
napi_value hash_each(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  const HashId id = call.hash_id(0);
  const MutableView out = call.out(1);
  const View joined = call.bytes(2), lengths = call.bytes(3);
  if (call.refused()) return call.refusal();
  const size_t items = lengths.size() / sizeof(uint32_t), size = hash_length(id);
  if (out.size() != items * size) return call.answer(Fault::kUsage);
  const auto refuse = [&](Fault fault) {
    wipe(out);
    return call.answer(fault);
  };
  View rest = joined;
  for (size_t i = 0; i < items; ++i) {
    const size_t length = length_at(lengths, i);  // once: another thread may write to what JavaScript shares
    if (length > rest.size()) return refuse(Fault::kUsage);
    const View input = rest.first(length);
    const auto done = hash(call.library(), id, {&input, 1}, out.subspan(i * size, size));
    if (!done) return refuse(done.fault());
    rest = rest.subspan(length);
  }
  if (!rest.empty()) return refuse(Fault::kUsage);
  return call.number(1);
}

napi_value hmac_parts(napi_env env, napi_callback_info info) {
  Call<3 + kMaxParts> call(env, info);
  const HashId id = call.hash_id(0);
  const View key = call.secret_or_bytes(1);
  const MutableView out = call.out(2);
  const Parts parts(call, 3);
  if (call.refused()) return call.refusal();
  return call.answer(hmac(call.library(), id, key, parts.views(), out));
}

// 1 when `tag` is the whole MAC, 0 for any other tag: truncated ones are refused.
napi_value hmac_verify(napi_env env, napi_callback_info info) {
  Call<3 + kMaxParts> call(env, info);
  const HashId id = call.hash_id(0);
  const View key = call.secret_or_bytes(1), tag = call.bytes(2);
  const Parts parts(call, 3);
  if (call.refused()) return call.refusal();
  uint8_t expected[kMaxHashLength];
  const MutableView mac(expected, hash_length(id));
  const auto computed = hmac(call.library(), id, key, parts.views(), mac);
  const bool equal = computed && constant_time_equal(mac, tag);
  wipe(mac);
  return call.answer(computed, equal);
}

}  // namespace

void register_hash(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"hash", hash_parts}, {"hashEach", hash_each}, {"hmac", hmac_parts}, {"hmacVerify", hmac_verify}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
