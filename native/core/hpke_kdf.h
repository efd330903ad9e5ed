// RFC 9180 §4: the labelled forms of HKDF that HPKE and its KEMs share.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

#include "core/hkdf.h"

namespace tinymls {

inline View octets(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

constexpr std::array<uint8_t, 2> i2osp2(size_t value) {
  return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}

// "KEM" and the KEM's number.
constexpr std::array<uint8_t, 5> kem_suite_id(uint16_t kem) {
  return {'K', 'E', 'M', static_cast<uint8_t>(kem >> 8), static_cast<uint8_t>(kem)};
}

// `ikm` in parts, so that secrets are hashed where they lie.
Result<SecretBytes> labeled_extract(const Library& library, HashId kdf, View suite_id, View salt,
                                    std::string_view label, std::initializer_list<View> ikm);
Result<SecretBytes> labeled_expand(const Library& library, HashId kdf, View suite_id, View prk, std::string_view label,
                                   std::initializer_list<View> info, size_t length);

}  // namespace tinymls
