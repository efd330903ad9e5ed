#include "core/random.h"

#include "bind/call.h"

namespace tinymls::bind {

namespace {

napi_value fill(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const MutableView out = call.out(0);
  if (call.refused()) return call.refusal();
  return call.answer(random_fill(out));
}

}  // namespace

void register_random(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"randomFill", fill}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
