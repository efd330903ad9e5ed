// SHA-2 (FIPS 180-4) and HMAC (RFC 2104).
#pragma once

#include <initializer_list>

#include "core/openssl.h"
#include "core/secret.h"

namespace tinymls {

enum class HashId : uint8_t { kSha256 = 1, kSha384 = 2, kSha512 = 3 };

constexpr size_t kMaxHashLength = 64;
constexpr size_t kMaxHashBlock = 128;
constexpr size_t hash_block(HashId id) { return id == HashId::kSha256 ? 64 : 128; }
constexpr size_t hash_length(HashId id) { return id == HashId::kSha256 ? 32 : id == HashId::kSha384 ? 48 : 64; }

// `out` has hash_length(id) bytes, or the call is Fault::kUsage.
Result<void> hash(const Library& library, HashId id, std::span<const View> parts, MutableView out);
Result<void> hmac(const Library& library, HashId id, View key, std::span<const View> parts, MutableView out);

}  // namespace tinymls
