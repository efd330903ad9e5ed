// Certificate chains (RFC 5280) as credentials use them (RFC 9420 §5.3.1).
#pragma once

#include <string>
#include <vector>

#include "core/fault.h"

namespace tinymls {

// How many certificates a chain may have, and how long each may be, so that a hostile one costs little.
constexpr size_t kMaxChainLength = 16;
constexpr size_t kMaxCertificateLength = 64 * 1024;

struct EndEntity {
  // SubjectPublicKeyInfo's algorithm by OpenSSL's name ("ED25519", "ED448", "EC") and, for EC, the curve's
  // ("prime256v1").
  std::string algorithm;
  std::string curve;
  // Raw for EdDSA, an uncompressed point for EC: as RFC 9420 §5.1.1 encodes signature keys.
  std::vector<uint8_t> public_key;
  // RFC 2253 form, UTF-8.
  std::string subject;
};

// The end entity's certificate alone, nothing verified. DER; trailing octets are Fault::kMalformed.
Result<EndEntity> x509_end_entity(View certificate);

// Verifies that `chain`, the end entity first, each certificate certified by the next, leads to one of `roots`; that
// all are valid at `time` (seconds since 1970) and of 112 bits of strength; that issuers are authorities; and that the
// end entity may sign. Any certificate given as a root is trusted as it is; revocation is not looked up. An unreadable
// certificate is Fault::kMalformed, a chain that does not verify Fault::kInvalid.
Result<EndEntity> x509_verify_chain(std::span<const View> chain, std::span<const View> roots, int64_t time);

}  // namespace tinymls
