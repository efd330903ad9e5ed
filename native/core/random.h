// Random bytes from OpenSSL's DRBG, with a continuous health check.
#pragma once

#include "core/secret.h"

namespace tinymls {

Result<void> random_fill(MutableView out);       // public randomness: nonces, ids
Result<SecretBytes> random_secret(size_t size);  // from the private DRBG

}  // namespace tinymls
