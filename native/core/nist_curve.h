// Keys on P-256, P-384 and P-521: points and scalars (SEC 1, RFC 9180 §7.1.1).
#pragma once

#include "core/keys.h"

namespace tinymls {

// A parsed key pair; `raw` is filled where it was generated.
struct ParsedKey {
  PkeyPtr pkey;
  std::vector<uint8_t> public_key;
  SecretBytes raw;
};

// Whether `nist_curve_point` takes it.
Result<void> nist_curve_check(const KeyTraits& key, View encoded);
// `encoded` has public_length octets.
Result<PkeyPtr> nist_curve_point(const Library& library, const KeyTraits& key, View encoded);
// `raw` has private_length octets. Out of range is Fault::kInvalid.
Result<ParsedKey> nist_curve_scalar(const Library& library, const KeyTraits& key, View raw);
// The same beside its public key, which is believed where it is a point.
Result<PkeyPtr> nist_curve_pair(const Library& library, const KeyTraits& key, View raw, View public_key);
Result<ParsedKey> nist_curve_generate(const Library& library, const KeyTraits& key);

}  // namespace tinymls
