// What the addon keeps for one environment: the main thread or one worker, one load of the module.
#pragma once

#include <node_api.h>

#include <array>

#include "bind/handle.h"
#include "core/aead.h"
#include "core/openssl.h"
#include "core/signature.h"

namespace tinymls::bind {

struct Environment {
  const Library& library = Library::standard();
  HandleTable handles;
  Verifier verifier;
  std::array<AeadCipher, 4> one_shot_ciphers;  // by AeadId; hold the all-zero key between calls
};

// Null once the environment is torn down.
Environment* environment_of(napi_env env);

// One exported function.
struct Method {
  const char* name;
  napi_callback call;
};
void define(napi_env env, napi_value exports, std::span<const Method> methods);

}  // namespace tinymls::bind
