// The single-stage KDFs of HPKE (draft-ietf-hpke-pq, "Single-Stage KDFs"): SHAKE (FIPS 202).
#pragma once

#include <initializer_list>
#include <string_view>

#include "core/openssl.h"
#include "core/secret.h"

namespace tinymls {

enum class Shake : uint8_t { kShake128 = 0x10, kShake256 = 0x11 };

constexpr size_t shake_length(Shake xof) { return xof == Shake::kShake128 ? 32 : 64; }  // Nh

Result<SecretBytes> shake(const Library& library, Shake xof, std::span<const View> parts, size_t length);

// SHA3-256, as the hybrid KEMs combine secrets with it.
Result<SecretBytes> sha3_256(const Library& library, std::span<const View> parts);

// LabeledDerive; `ikm` in parts.
Result<SecretBytes> shake_labeled_derive(const Library& library, Shake xof, View suite_id,
                                         std::initializer_list<View> ikm, std::string_view label,
                                         std::initializer_list<View> context, size_t length);

}  // namespace tinymls
