#include "core/password.h"

namespace tinymls {

namespace {

// RFC 9106 §3.1, and a bound on what one call may take.
constexpr size_t kMinSalt = 8, kMinLength = 4, kMaxLength = 1024, kMaxInput = INT32_MAX;
constexpr uint32_t kMaxMemoryKib = uint32_t{1} << 22, kMaxPasses = 1 << 16, kMaxLanes = 255;

bool acceptable(View passphrase, View salt, const Argon2Cost& cost, size_t length) {
  return passphrase.size() <= kMaxInput && salt.size() >= kMinSalt && salt.size() <= kMaxInput && cost.passes >= 1 &&
         cost.passes <= kMaxPasses && cost.lanes >= 1 && cost.lanes <= kMaxLanes && cost.memory_kib <= kMaxMemoryKib &&
         cost.memory_kib >= 8 * cost.lanes && length >= kMinLength && length <= kMaxLength;
}

}  // namespace

Result<SecretBytes> argon2id(const Library& library, View passphrase, View salt, const Argon2Cost& cost,
                             size_t length) {
  if (!acceptable(passphrase, salt, cost, length)) return Fault::kUsage;
  if (!library.argon2id) return Fault::kConfig;
  const ErrorMark mark;
  const KdfCtxPtr context(EVP_KDF_CTX_new(library.argon2id.get()));
  if (!context) return Fault::kMemory;
  auto derived = SecretBytes::allocate(length);
  if (!derived) return derived.fault();

  uint8_t nothing = 0;  // an empty passphrase is one, a null pointer is none
  auto* secret = passphrase.empty() ? &nothing : const_cast<uint8_t*>(passphrase.data());
  uint32_t memory = cost.memory_kib, passes = cost.passes, lanes = cost.lanes;
  // The names of the costs came with OpenSSL 3.2, so no header of 3.0 spells them.
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, secret, passphrase.size()),
      octets_param(OSSL_KDF_PARAM_SALT, salt),
      OSSL_PARAM_construct_uint32("memcost", &memory),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &passes),
      OSSL_PARAM_construct_uint32("lanes", &lanes),
      OSSL_PARAM_construct_end(),
  };
  if (EVP_KDF_derive(context.get(), derived->data(), derived->size(), params) != 1) return Fault::kInternal;
  return derived;
}

}  // namespace tinymls
