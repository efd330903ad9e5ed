// Signatures as MLS encodes them (RFC 9420 §5.1.2): EdDSA (RFC 8032), ECDSA in DER (FIPS 186-5), ML-DSA (FIPS 204).
#pragma once

#include <array>

#include "core/keys.h"

namespace tinymls {

// The longest signature of the algorithm; all but ECDSA's are exactly this long. 0 for what is no signature algorithm.
size_t signature_max_length(KeyId id);

// Octets written to `out`, which has signature_max_length(key.id()).
Result<size_t> sign(const PrivateKey& key, View message, MutableView out);

// A wrong signature, in whichever way, is false. Faults are about the key and the platform alone.
Result<bool> verify(const Library& library, KeyId id, View public_key, View message, View signature);

// The same for messages one after the other, whose signers come again: keeps what OpenSSL makes of the latest public
// keys. Not thread-safe.
class Verifier {
 public:
  Result<bool> verify(const Library& library, KeyId id, View public_key, View message, View signature);

 private:
  static constexpr size_t kKept = 64;
  struct Entry {
    KeyId id{};
    std::vector<uint8_t> public_key;
    SignatureCheck check;
  };
  std::array<Entry, kKept> entries_;
};

}  // namespace tinymls
