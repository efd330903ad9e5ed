// AEAD under a key and a nonce that are expanded from one secret for one message, and are gone after it.
#pragma once

#include "core/aead.h"
#include "core/hkdf.h"

namespace tinymls {

// Key and nonce are the expansions of `secret` under two labels and one context. `nonce_xor`, at most 12 octets, is
// XORed onto the leading octets of the nonce.
struct MessageKey {
  HashId hash;
  AeadId aead;
  LabelFormat format;
  View secret;
  View key_label, nonce_label, context;
  View nonce_xor;
};

// Whether the algorithms exist and the mask is not too long; what is not known is Fault::kUsage.
bool message_key_known(const MessageKey& key);

// out: plaintext.size() + kAeadTagLength octets; may start where plaintext starts, no other overlap.
Result<void> message_seal(const Library& library, const MessageKey& key, View aad, View plaintext, MutableView out);
// out: sealed.size() - kAeadTagLength octets, wiped when authentication fails.
Result<void> message_open(const Library& library, const MessageKey& key, View aad, View sealed, MutableView out);

}  // namespace tinymls
