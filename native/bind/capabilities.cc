// What this process offers: OpenSSL, its algorithms, the processor, locked memory.
#include <napi.h>
#include <openssl/crypto.h>

#include "bind/cpu.h"
#include "bind/environment.h"

namespace tinymls::bind {

namespace {

Napi::Object cpu(Napi::Env env) {
  auto features = Napi::Object::New(env);
  for (const CpuFeature& feature : cpu_features()) features.Set(feature.name, feature.present);
  return features;
}

Napi::Object memory(Napi::Env env) {
  const SecretMemoryStats stats = secret_memory_stats();
  auto object = Napi::Object::New(env);
  object.Set("lockedBytes", static_cast<double>(stats.locked_bytes));
  object.Set("unlockedBytes", static_cast<double>(stats.unlocked_bytes));
  object.Set("inUseBytes", static_cast<double>(stats.in_use_bytes));
  object.Set("allocations", static_cast<double>(stats.allocations));
  object.Set("dumpExcluded", stats.dump_excluded);
  object.Set("forkExcluded", stats.fork_excluded);
  object.Set("strict", stats.strict);
  return object;
}

// Algorithms by the names that TypeScript gives them and the names under which OpenSSL has them.
struct Named {
  const char* name;
  const char* openssl_name;
};
constexpr Named kKeyTypes[] = {
    {"DHKEM-P256", "EC"},           {"DHKEM-P384", "EC"},       {"DHKEM-P521", "EC"},
    {"DHKEM-X25519", "X25519"},     {"DHKEM-X448", "X448"},     {"ML-KEM-768", "ML-KEM-768"},
    {"ML-KEM-1024", "ML-KEM-1024"}, {"Ed25519", "ED25519"},     {"Ed448", "ED448"},
    {"ECDSA-P256", "EC"},           {"ECDSA-P384", "EC"},       {"ECDSA-P521", "EC"},
    {"ML-DSA-65", "ML-DSA-65"},     {"ML-DSA-87", "ML-DSA-87"},
};

Napi::Object algorithms(Napi::Env env, const Library& library) {
  const ErrorMark mark;
  auto offered = Napi::Object::New(env);
  for (const Named& type : kKeyTypes) {
    EVP_KEYMGMT* const found = EVP_KEYMGMT_fetch(library.context, type.openssl_name, library.properties);
    offered.Set(type.name, found != nullptr);
    EVP_KEYMGMT_free(found);
  }
  offered.Set("SHA-256", static_cast<bool>(library.sha256));
  offered.Set("SHA-384", static_cast<bool>(library.sha384));
  offered.Set("SHA-512", static_cast<bool>(library.sha512));
  offered.Set("AES-128-GCM", static_cast<bool>(library.aes_128_gcm));
  offered.Set("AES-256-GCM", static_cast<bool>(library.aes_256_gcm));
  offered.Set("CHACHA20-POLY1305", static_cast<bool>(library.chacha20_poly1305));
  offered.Set("Argon2id", library.argon2id != nullptr);
  return offered;
}

Napi::Value capabilities(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto* const environment = static_cast<const Environment*>(info.Data());
  auto result = Napi::Object::New(env);
  result.Set("opensslVersion", OpenSSL_version(OPENSSL_VERSION));
  result.Set("fips", static_cast<bool>(Library::fips()));
  result.Set("cpu", cpu(env));
  result.Set("memory", memory(env));
  result.Set("algorithms", algorithms(env, environment->library));
  return result;
}

}  // namespace

void register_capabilities(napi_env env, napi_value exports) {
  Napi::Object(env, exports)
      .Set("capabilities", Napi::Function::New(env, capabilities, "capabilities", environment_of(env)));
}

}  // namespace tinymls::bind
