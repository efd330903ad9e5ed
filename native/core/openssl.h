// The algorithms of OpenSSL, fetched once, and the error-queue mark.
// OpenSSL 3.0 API only: newer algorithms are fetched by name.
#pragma once

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "core/aead_functions.h"
#include "core/digest_functions.h"
#include "core/exchange_functions.h"
#include "core/fault.h"
#include "core/openssl_pointers.h"
#include "core/signature_functions.h"

namespace tinymls {

// Leaves OpenSSL's error queue as it was: the queue belongs to the host process.
class ErrorMark {
 public:
  ErrorMark() : marked_(ERR_set_mark() == 1) {}
  ~ErrorMark() {
    if (marked_ || !passed_) ERR_pop_to_mark();
  }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;

  // Nothing failed, so nothing was queued: spares a look at the queue, which costs as much as hashing a block.
  void passed() { passed_ = true; }

 private:
  bool marked_;  // an empty queue takes no mark
  bool passed_ = false;
};

// Octets that OpenSSL reads, or of a request writes.
inline OSSL_PARAM octets_param(const char* name, View octets) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<uint8_t*>(octets.data()), octets.size());
}

// A library context and the algorithms fetched from it, once for the life of the process. Members are null or false
// where this OpenSSL does not offer the algorithm; whoever uses one answers Fault::kConfig then.
struct Library {
  OSSL_LIB_CTX* context = nullptr;  // null is the process's default context
  const char* properties = nullptr;
  AeadFunctions aes_128_gcm, aes_256_gcm, chacha20_poly1305;
  CipherPtr aes_256_ctr;
  DigestFunctions sha256, sha384, sha512;
  ExchangeFunctions x25519, x448;
  SignatureFunctions ed25519, ed448, ecdsa_p256, ecdsa_p384, ecdsa_p521, ml_dsa_65, ml_dsa_87;
  KdfPtr argon2id;
  LibCtxPtr owned;

  static const Library& standard();
  // Approved algorithms only, in a context of its own; Fault::kConfig where no FIPS provider can be loaded.
  static Result<const Library*> fips();
};

}  // namespace tinymls
