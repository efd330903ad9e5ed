// RAII aliases for OpenSSL objects, the algorithms fetched once, and the error-queue mark.
// OpenSSL 3.0 API only: newer algorithms are fetched by name.
#pragma once

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>

#include "core/fault.h"

namespace tinymls {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using CipherPtr = std::unique_ptr<EVP_CIPHER, Freed<EVP_CIPHER_free>>;
using CipherCtxPtr = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using MdPtr = std::unique_ptr<EVP_MD, Freed<EVP_MD_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using MacPtr = std::unique_ptr<EVP_MAC, Freed<EVP_MAC_free>>;
using MacCtxPtr = std::unique_ptr<EVP_MAC_CTX, Freed<EVP_MAC_CTX_free>>;
using KdfPtr = std::unique_ptr<EVP_KDF, Freed<EVP_KDF_free>>;
using KdfCtxPtr = std::unique_ptr<EVP_KDF_CTX, Freed<EVP_KDF_CTX_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using LibCtxPtr = std::unique_ptr<OSSL_LIB_CTX, Freed<OSSL_LIB_CTX_free>>;

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

// A library context and the algorithms fetched from it, once for the life of the process. Members are null where this
// OpenSSL does not offer the algorithm; whoever uses one answers Fault::kConfig then.
struct Library {
  OSSL_LIB_CTX* context = nullptr;  // null is the process's default context
  const char* properties = nullptr;
  CipherPtr aes_128_gcm, aes_256_gcm, chacha20_poly1305, aes_256_ctr;
  MdPtr sha256, sha384, sha512;
  MacPtr hmac;
  KdfPtr argon2id;
  LibCtxPtr owned;

  static const Library& standard();
  // Approved algorithms only, in a context of its own; Fault::kConfig where no FIPS provider can be loaded.
  static Result<const Library*> fips();
};

}  // namespace tinymls
