// HPKE (RFC 9180): base, psk, auth and authPsk; contexts, single-shot sealing and exports.
#pragma once

#include <array>

#include "core/aead.h"
#include "core/kem.h"

namespace tinymls {

// The numbers of RFC 9180 §7.2 and of draft-ietf-hpke-pq.
enum class KdfId : uint8_t { kHkdfSha256 = 1, kHkdfSha384 = 2, kHkdfSha512 = 3, kShake128 = 0x10, kShake256 = 0x11 };

constexpr AeadId kExportOnly{0};  // RFC 9180 §7.3: contexts that derive secrets and seal nothing

struct HpkeSuite {
  KeyId kem;
  KdfId kdf;
  AeadId aead;
};

// What both sides know beside the receiver's key. A psk without psk_id, the reverse, and a psk shorter than 32 octets
// are Fault::kUsage (RFC 9180 §5.1, §9.5). With a sender key the mode is auth.
struct HpkeInputs {
  View info;
  View info_hash;  // what hpke_info_hash gives for `info`, where many messages share it; empty: it is computed
  View psk, psk_id;
  const PrivateKey* sender_key = nullptr;  // on the sender's side
  View sender_public;                      // on the receiver's side
  Ephemeral ephemeral;                     // fixed by known answers alone
};

// RFC 9180 §5.2. One side of a conversation: not thread-safe.
class HpkeContext {
 public:
  HpkeContext() = default;
  static Result<HpkeContext> sender(const Library& library, const HpkeSuite& suite, View public_key,
                                    const HpkeInputs& inputs, MutableView enc);
  static Result<HpkeContext> receiver(const Library& library, const HpkeSuite& suite, const PrivateKey& key, View enc,
                                      const HpkeInputs& inputs);

  // out: plaintext.size() + kAeadTagLength octets.
  Result<void> seal(View aad, View plaintext, MutableView out);
  // out: sealed.size() - kAeadTagLength octets. A failed open leaves the sequence number as it was.
  Result<void> open(View aad, View sealed, MutableView out);
  Result<SecretBytes> export_secret(View exporter_context, size_t length) const;

  uint64_t sequence() const { return sequence_; }

 private:
  friend struct HpkeContextProbe;  // tests of the end of the sequence
  friend struct HpkeSchedule;

  std::array<uint8_t, kAeadNonceLength> nonce() const;

  const Library* library_ = nullptr;
  HpkeSuite suite_{};
  AeadCipher cipher_;
  SecretBytes base_nonce_, exporter_secret_;
  uint64_t sequence_ = 0;
  bool sends_ = false;
};

// Single-shot (RFC 9180 §6): the key schedule without what is not asked for.
Result<void> hpke_seal(const Library& library, const HpkeSuite& suite, View public_key, const HpkeInputs& inputs,
                       View aad, View plaintext, MutableView enc, MutableView out);
// Every failure that the sender or a stranger can cause is Fault::kUndecryptable, `enc` included.
Result<void> hpke_open(const Library& library, const HpkeSuite& suite, const PrivateKey& key, View enc,
                       const HpkeInputs& inputs, View aad, View sealed, MutableView out);
Result<SecretBytes> hpke_export_sender(const Library& library, const HpkeSuite& suite, View public_key,
                                       const HpkeInputs& inputs, View exporter_context, size_t length, MutableView enc);
Result<SecretBytes> hpke_export_receiver(const Library& library, const HpkeSuite& suite, const PrivateKey& key,
                                         View enc, const HpkeInputs& inputs, View exporter_context, size_t length);

// The part of the key schedule that depends on nothing but `info`; empty with KDFs that have no such part.
Result<SecretBytes> hpke_info_hash(const Library& library, const HpkeSuite& suite, View info);

bool hpke_suite_known(const HpkeSuite& suite);

}  // namespace tinymls
