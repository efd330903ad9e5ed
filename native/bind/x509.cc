// Certificate chains. A list of certificates crosses as one byte array, each certificate after its length in 4 octets,
// big endian; what is learnt of the end entity comes back in the same form.
#include "core/x509.h"

#include <cstring>

#include "bind/call.h"

namespace tinymls::bind {

namespace {

constexpr size_t kLengthSize = 4;

Result<std::vector<View>> split(View list) {
  std::vector<View> out;
  while (!list.empty()) {
    if (list.size() < kLengthSize) return Fault::kUsage;
    const size_t size = read_length(list);
    if (size > list.size() - kLengthSize) return Fault::kUsage;
    out.push_back(list.subspan(kLengthSize, size));
    list = list.subspan(kLengthSize + size);
  }
  return out;
}

// Octets written, Fault::kUsage where `out` is too small.
Result<size_t> join(std::span<const View> fields, MutableView out) {
  size_t at = 0;
  for (const View field : fields) {
    if (out.size() - at < kLengthSize || out.size() - at - kLengthSize < field.size()) return Fault::kUsage;
    const auto size = static_cast<uint32_t>(field.size());
    for (int shift = 24; shift >= 0; shift -= 8) out[at++] = static_cast<uint8_t>(size >> shift);
    if (!field.empty()) std::memcpy(out.data() + at, field.data(), field.size());
    at += field.size();
  }
  return at;
}

View octets(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

napi_value answer(const CallReader& call, const Result<EndEntity>& entity, MutableView out) {
  if (!entity) return call.answer(entity.fault());
  const View fields[] = {octets(entity->algorithm), octets(entity->curve), entity->public_key, octets(entity->subject)};
  const auto size = join(fields, out);
  return size ? call.number(static_cast<double>(*size)) : call.answer(size.fault());
}

napi_value end_entity(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const View certificate = call.bytes(0);
  const MutableView out = call.out(1);
  if (call.refused()) return call.refusal();
  return answer(call, x509_end_entity(certificate), out);
}

napi_value verify_chain(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  const auto chain = split(call.bytes(0)), roots = split(call.bytes(1));
  const auto time = call.integer<uint64_t>(2);
  const MutableView out = call.out(3);
  if (call.refused()) return call.refusal();
  if (!chain || !roots) return call.answer(Fault::kUsage);
  return answer(call, x509_verify_chain(*chain, *roots, static_cast<int64_t>(time)), out);
}

}  // namespace

void register_x509(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"x509EndEntity", end_entity}, {"x509VerifyChain", verify_chain}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
