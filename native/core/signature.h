// Signatures as MLS encodes them (RFC 9420 §5.1.2): EdDSA (RFC 8032), ECDSA in DER (FIPS 186-5), ML-DSA (FIPS 204).
#pragma once

#include "core/keys.h"

namespace tinymls {

// The longest signature of the algorithm; all but ECDSA's are exactly this long. 0 for what is no signature algorithm.
size_t signature_max_length(KeyId id);

// Octets written to `out`, which has signature_max_length(key.id()).
Result<size_t> sign(const Library& library, const PrivateKey& key, View message, MutableView out);

// A wrong signature, in whichever way, is false. Faults are about the key and the platform alone.
Result<bool> verify(const Library& library, const PublicKey& key, View message, View signature);
Result<bool> verify(const Library& library, KeyId id, View public_key, View message, View signature);

}  // namespace tinymls
