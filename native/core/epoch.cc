#include "core/epoch.h"

#include <algorithm>

#include "core/hkdf.h"

namespace tinymls {
namespace {

constexpr size_t kHashLength = 32;  // SHA-256
constexpr uint8_t kNoEntropy[kHashLength] = {};

Result<SecretBytes> expand_label(const Library& library, View secret, std::string_view label, View context,
                                 size_t length) {
  const View bytes{reinterpret_cast<const uint8_t*>(label.data()), label.size()};
  return hkdf_expand_label(library, HashId::kSha256, secret, LabelFormat::kTls13, bytes, context, length);
}

}  // namespace

Result<SecretBytes> next_value(const Library& library, View epoch_secret) {
  return expand_label(library, epoch_secret, "tinymls next", {}, kHashLength);
}

Result<Ratchet> epoch_ratchet(const Library& library, RatchetId id, View epoch_secret) {
  auto root = expand_label(library, epoch_secret, "tinymls ratchet", {}, kRatchetSecretLength);
  if (!root) return root.fault();
  return Ratchet::create(library, id, root->view());
}

Result<SecretBytes> first_epoch_secret(const Library& library, View ikm) {
  return hkdf_extract(library, HashId::kSha256, {}, ikm);
}

Result<SecretBytes> next_epoch_secret(const Library& library, View next, View entropy) {
  return hkdf_extract(library, HashId::kSha256, next, entropy.empty() ? View(kNoEntropy) : entropy);
}

Result<SenderKey> sender_key(const Library& library, AeadId suite, View step_secret, const SenderId& sender) {
  auto key = expand_label(library, step_secret, "tinymls key", sender, aead_key_length(suite));
  if (!key) return key.fault();
  auto iv = expand_label(library, step_secret, "tinymls iv", sender, kAeadNonceLength);
  if (!iv) return iv.fault();
  auto cipher = AeadCipher::create(library, suite, key->view());
  if (!cipher) return cipher.fault();
  SenderKey made;
  made.cipher = std::move(*cipher);
  std::copy_n(iv->data(), kAeadNonceLength, made.iv.begin());
  return made;
}

int64_t Epoch::first_live(Nanos now) const {
  if (now < begin_ + times_.lifetime) return 0;
  if (times_.period == 0) return kRatchetSteps;
  return std::min<int64_t>((now - times_.lifetime - begin_) / times_.period + 1, kRatchetSteps);
}

Nanos Epoch::seal_until() const {
  Nanos age = std::min(rotation_age_, times_.lifetime);
  if (times_.period != 0 && age / times_.period >= kRatchetSteps) age = times_.period * int64_t{kRatchetSteps};
  return begin_ + age;
}

bool Epoch::witness(int64_t step, Nanos now) {
  use(step);
  const Nanos begin = now - step * times_.period;
  if (begin >= begin_) return false;
  begin_ = begin;
  return true;
}

void Epoch::erase() { ratchet = {}; }

}  // namespace tinymls
