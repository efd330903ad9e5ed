// Argon2id (RFC 9106).
#pragma once

#include "core/openssl.h"
#include "core/secret.h"

namespace tinymls {

struct Argon2Cost {
  uint32_t memory_kib;  // at least 8 for each lane
  uint32_t passes;
  uint32_t lanes;
};

// Fault::kConfig where OpenSSL has no Argon2id (before 3.2). Salts shorter than 8 octets are Fault::kUsage. One thread.
Result<SecretBytes> argon2id(const Library& library, View passphrase, View salt, const Argon2Cost& cost, size_t length);

}  // namespace tinymls
