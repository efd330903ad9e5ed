#include "core/hpke_kdf.h"

#include <vector>

namespace tinymls {
namespace {

constexpr std::string_view kVersion = "HPKE-v1";

}  // namespace

// HKDF-Extract is HMAC under the salt (RFC 5869 §2.2); HMAC takes its message in parts.
Result<SecretBytes> labeled_extract(const Library& library, HashId kdf, View suite_id, View salt,
                                    std::string_view label, std::initializer_list<View> ikm) {
  std::array<View, 8> parts{octets(kVersion), suite_id, octets(label)};
  size_t count = 3;
  for (View part : ikm) {
    if (count == parts.size()) return Fault::kUsage;
    parts[count++] = part;
  }
  auto prk = SecretBytes::allocate(hash_length(kdf));
  if (!prk) return prk.fault();
  auto done = hmac(library, kdf, salt, std::span<const View>(parts.data(), count), prk->bytes());
  if (!done) return done.fault();
  return prk;
}

Result<SecretBytes> labeled_expand(const Library& library, HashId kdf, View suite_id, View prk, std::string_view label,
                                   std::initializer_list<View> info, size_t length) {
  if (length > 0xffff) return Fault::kUsage;
  const auto prefix = i2osp2(length);
  std::vector<uint8_t> labeled;
  labeled.reserve(256);
  for (View part : {View(prefix), octets(kVersion), suite_id, octets(label)})
    labeled.insert(labeled.end(), part.begin(), part.end());
  for (View part : info) labeled.insert(labeled.end(), part.begin(), part.end());
  return hkdf_expand(library, kdf, prk, labeled, length);
}

}  // namespace tinymls
