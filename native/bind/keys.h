// Handles of private keys.
#pragma once

#include "bind/call.h"
#include "core/keys.h"

namespace tinymls::bind {

template <>
struct HandleTraits<PrivateKey> {
  static constexpr HandleKind kKind = HandleKind::kPrivateKey;
  static View sealable(const PrivateKey& key) { return key.raw(); }
};

inline KeyId key_id(CallReader& call, size_t index) {
  const auto id = static_cast<KeyId>(call.integer<uint8_t>(index));
  if (!key_traits(id)) call.refuse(Fault::kUsage);
  return id;
}

inline const PrivateKey* optional_private_key(CallReader& call, size_t index) {
  return call.absent(index) ? nullptr : call.object<PrivateKey>(index);
}

}  // namespace tinymls::bind
