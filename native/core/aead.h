// AEAD (RFC 5116): AES-GCM (SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), with a kept context.
#pragma once

#include "core/openssl.h"
#include "core/secret.h"

namespace tinymls {

enum class AeadId : uint8_t { kAes128Gcm = 1, kAes256Gcm = 2, kChaCha20Poly1305 = 3 };

constexpr size_t kAeadNonceLength = 12;
constexpr size_t kAeadTagLength = 16;
constexpr size_t aead_key_length(AeadId id) { return id == AeadId::kAes128Gcm ? 16 : 32; }

// One key, its schedule computed once. Not thread-safe: one thread at a time. The context is of OpenSSL's provider,
// which wipes its key schedule when it goes.
class AeadCipher {
 public:
  AeadCipher() = default;
  static Result<AeadCipher> create(const Library& library, AeadId id, View key);
  Result<void> rekey(View key);  // the same algorithm under another key; no allocation

  // out: plaintext.size() + kAeadTagLength bytes; may start where plaintext starts, no other overlap.
  Result<void> seal(View nonce, View aad, View plaintext, MutableView out);
  // aad in two parts, as a frame header and the caller's data.
  Result<void> seal(View nonce, View aad1, View aad2, View plaintext, MutableView out);
  // out: sealed.size() - kAeadTagLength bytes, wiped when authentication fails. Short input and a wrong tag are one
  // fault.
  Result<void> open(View nonce, View aad, View sealed, MutableView out);
  Result<void> open(View nonce, View aad1, View aad2, View sealed, MutableView out);

  explicit operator bool() const { return context_ != nullptr; }

 private:
  const AeadFunctions& functions() const { return *context_.get_deleter().functions; }
  bool update(View in, uint8_t* out);
  bool finish(uint8_t* rest);

  AeadContextPtr context_;
  AeadId id_ = AeadId::kAes256Gcm;
};

}  // namespace tinymls
