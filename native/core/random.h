// Random bytes from OpenSSL's DRBG (which reseeds itself in a forked child), with a health check: at the start of each
// thread and process, and at each draw, that the generator neither repeats itself nor is stuck on a byte. A failed
// check lasts: from then on every draw in this process is Fault::kRandom. The generators are those of the library's
// context.
#pragma once

#include "core/openssl.h"
#include "core/secret.h"

namespace tinymls {

// Public randomness: nonces, ids.
Result<void> random_fill(MutableView out, const Library& library = Library::standard());
// From the private DRBG.
Result<SecretBytes> random_secret(size_t size, const Library& library = Library::standard());

#ifdef TINYMLS_TESTING
// Draws from this function instead of the DRBG; null ends that, and forgets a failed check. 1 is success.
using RandomSource = int (*)(unsigned char* out, size_t size);
void set_random_source(RandomSource source);
#endif

}  // namespace tinymls
