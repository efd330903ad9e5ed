#include "core/random.h"

#include <openssl/rand.h>

#include "core/openssl.h"

namespace tinymls {

Result<void> random_fill(MutableView out) {
  ErrorMark mark;
  if (RAND_bytes_ex(nullptr, out.data(), out.size(), 0) != 1) return Fault::kRandom;
  return {};
}

Result<SecretBytes> random_secret(size_t size) {
  ErrorMark mark;
  auto secret = SecretBytes::allocate(size);
  if (!secret) return secret.fault();
  if (RAND_priv_bytes_ex(nullptr, secret->data(), size, 0) != 1) return Fault::kRandom;
  return secret;
}

}  // namespace tinymls
