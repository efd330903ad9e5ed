#include "core/compare.h"

#include "bind/call.h"

namespace tinymls::bind {

namespace {

napi_value equal(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  const View a = call.bytes(0), b = call.bytes(1);
  return call.refused() ? call.refusal() : call.number(constant_time_equal(a, b));
}

}  // namespace

void register_compare(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"constantTimeEqual", equal}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
