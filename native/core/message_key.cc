#include "core/message_key.h"

namespace tinymls {
namespace {

// Calls use(cipher, nonce). The cipher and the octets of key and nonce end with this.
template <class Use>
Result<void> with_key(const Library& library, const MessageKey& key, Use use) {
  if (!message_key_known(key)) return Fault::kUsage;
  WipedArray<32> key_octets;
  WipedArray<kAeadNonceLength> nonce_octets;
  const MutableView aead_key = key_octets.first(aead_key_length(key.aead)),
                    nonce = nonce_octets.first(kAeadNonceLength);
  auto expanded = hkdf_expand_label(library, key.hash, key.secret, key.format, key.key_label, key.context, aead_key);
  if (expanded)
    expanded = hkdf_expand_label(library, key.hash, key.secret, key.format, key.nonce_label, key.context, nonce);
  if (!expanded) return expanded;
  for (size_t i = 0; i < key.nonce_xor.size(); ++i) nonce[i] ^= key.nonce_xor[i];
  auto cipher = AeadCipher::create(library, key.aead, aead_key);
  return cipher ? use(*cipher, View(nonce)) : Result<void>(cipher.fault());
}

}  // namespace

bool message_key_known(const MessageKey& key) {
  return key.hash >= HashId::kSha256 && key.hash <= HashId::kSha512 && key.aead >= AeadId::kAes128Gcm &&
         key.aead <= AeadId::kChaCha20Poly1305 && key.format <= LabelFormat::kMls &&
         key.nonce_xor.size() <= kAeadNonceLength;
}

Result<void> message_seal(const Library& library, const MessageKey& key, View aad, View plaintext, MutableView out) {
  return with_key(library, key,
                  [&](AeadCipher& cipher, View nonce) { return cipher.seal(nonce, aad, plaintext, out); });
}

Result<void> message_open(const Library& library, const MessageKey& key, View aad, View sealed, MutableView out) {
  return with_key(library, key, [&](AeadCipher& cipher, View nonce) { return cipher.open(nonce, aad, sealed, out); });
}

}  // namespace tinymls
