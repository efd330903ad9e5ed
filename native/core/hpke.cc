#include "core/hpke.h"

#include <algorithm>
#include <limits>

#include "core/hpke_kdf.h"
#include "core/hpke_shake.h"

namespace tinymls {
namespace {

constexpr size_t kMinPskLength = 32;  // RFC 9180 §5.1.2

bool two_stage(KdfId kdf) { return kdf <= KdfId::kHkdfSha512; }
HashId hash_of(KdfId kdf) { return static_cast<HashId>(kdf); }
Shake xof_of(KdfId kdf) { return static_cast<Shake>(kdf); }
size_t kdf_length(KdfId kdf) { return two_stage(kdf) ? hash_length(hash_of(kdf)) : shake_length(xof_of(kdf)); }

std::array<uint8_t, 10> hpke_suite_id(const HpkeSuite& suite) {
  const auto kem = i2osp2(kem_traits(suite.kem)->id);
  const auto kdf = i2osp2(static_cast<size_t>(suite.kdf));
  const auto aead = i2osp2(suite.aead == kExportOnly ? 0xffff : static_cast<size_t>(suite.aead));
  return {'H', 'P', 'K', 'E', kem[0], kem[1], kdf[0], kdf[1], aead[0], aead[1]};
}

// RFC 9180 §5.1, VerifyPSKInputs. The mode follows from what is given.
Result<uint8_t> mode_of(const HpkeInputs& inputs, bool authenticated) {
  if (inputs.psk.empty() != inputs.psk_id.empty()) return Fault::kUsage;
  if (!inputs.psk.empty() && inputs.psk.size() < kMinPskLength) return Fault::kUsage;
  return static_cast<uint8_t>((inputs.psk.empty() ? 0 : 1) | (authenticated ? 2 : 0));
}

enum class Use : uint8_t { kSeal = 1, kExport = 2, kBoth = 3 };
bool seals(Use use) { return use != Use::kExport; }
bool exports(Use use) { return use != Use::kSeal; }
// What of `use` the suite can give.
Result<Use> usable(const HpkeSuite& suite, Use use) {
  if (suite.aead != kExportOnly) return use;
  if (use == Use::kSeal) return Fault::kUsage;
  return Use::kExport;
}

struct Derived {
  SecretBytes key, base_nonce, exporter_secret;
};

struct ScheduleInputs {
  const HpkeSuite& suite;
  uint8_t mode;
  View shared_secret, info, info_hash, psk, psk_id;
  Use use;
};

Result<void> expand_into(const Library& library, HashId kdf, View suite_id, View secret, const char* label,
                         View context, size_t length, SecretBytes& out) {
  auto expanded = labeled_expand(library, kdf, suite_id, secret, label, {context}, length);
  if (!expanded) return expanded.fault();
  out = std::move(*expanded);
  return {};
}

// RFC 9180 §5.1, KeySchedule.
Result<Derived> combine_two_stage(const Library& library, const ScheduleInputs& in) {
  const HashId kdf = hash_of(in.suite.kdf);
  const auto suite_id = hpke_suite_id(in.suite);
  auto psk_id_hash = labeled_extract(library, kdf, suite_id, {}, "psk_id_hash", {in.psk_id});
  if (!psk_id_hash) return psk_id_hash.fault();
  SecretBytes computed;
  View info_hash = in.info_hash;
  if (info_hash.empty()) {
    auto extracted = hpke_info_hash(library, in.suite, in.info);
    if (!extracted) return extracted.fault();
    computed = std::move(*extracted);
    info_hash = computed.view();
  }
  auto secret = labeled_extract(library, kdf, suite_id, in.shared_secret, "secret", {in.psk});
  if (!secret) return secret.fault();

  std::array<uint8_t, 1 + 2 * kMaxHashLength> buffer;
  buffer[0] = in.mode;
  auto end = std::copy_n(psk_id_hash->data(), psk_id_hash->size(), buffer.begin() + 1);
  end = std::copy_n(info_hash.data(), info_hash.size(), end);
  const View context(buffer.data(), static_cast<size_t>(end - buffer.begin()));

  Derived derived;
  Result<void> done;
  const auto expand = [&](const char* label, size_t length, SecretBytes& out) {
    if (done) done = expand_into(library, kdf, suite_id, secret->view(), label, context, length, out);
  };
  if (seals(in.use)) {
    expand("key", aead_key_length(in.suite.aead), derived.key);
    expand("base_nonce", kAeadNonceLength, derived.base_nonce);
  }
  if (exports(in.use)) expand("exp", hash_length(kdf), derived.exporter_secret);
  if (!done) return done.fault();
  return derived;
}

// draft-ietf-hpke-hpke, CombineSecrets_OneStage.
Result<Derived> combine_one_stage(const Library& library, const ScheduleInputs& in) {
  if (in.psk.size() > 0xffff || in.psk_id.size() > 0xffff || in.info.size() > 0xffff) return Fault::kUsage;
  const bool sealing = in.suite.aead != kExportOnly;
  const size_t key_length = sealing ? aead_key_length(in.suite.aead) : 0;
  const size_t nonce_length = sealing ? kAeadNonceLength : 0;
  const size_t exporter_length = kdf_length(in.suite.kdf);
  const auto psk_length = i2osp2(in.psk.size()), secret_length = i2osp2(in.shared_secret.size());
  const auto psk_id_length = i2osp2(in.psk_id.size()), info_length = i2osp2(in.info.size());
  auto joined = shake_labeled_derive(library, xof_of(in.suite.kdf), hpke_suite_id(in.suite),
                                     {View(psk_length), in.psk, View(secret_length), in.shared_secret}, "secret",
                                     {View(&in.mode, 1), View(psk_id_length), in.psk_id, View(info_length), in.info},
                                     key_length + nonce_length + exporter_length);
  if (!joined) return joined.fault();
  auto key = SecretBytes::copy(joined->view().first(key_length));
  auto base_nonce = SecretBytes::copy(joined->view().subspan(key_length, nonce_length));
  auto exporter_secret = SecretBytes::copy(joined->view().last(exporter_length));
  if (!key || !base_nonce || !exporter_secret) return Fault::kMemory;
  return Derived{std::move(*key), std::move(*base_nonce), std::move(*exporter_secret)};
}

}  // namespace

struct HpkeSchedule {
  static Result<HpkeContext> run(const Library& library, const ScheduleInputs& in, bool sends) {
    auto derived = two_stage(in.suite.kdf) ? combine_two_stage(library, in) : combine_one_stage(library, in);
    if (!derived) return derived.fault();
    HpkeContext context;
    if (seals(in.use)) {
      auto cipher = AeadCipher::create(library, in.suite.aead, derived->key.view());
      if (!cipher) return cipher.fault();
      context.cipher_ = std::move(*cipher);
    }
    context.library_ = &library;
    context.suite_ = in.suite;
    context.base_nonce_ = std::move(derived->base_nonce);
    context.exporter_secret_ = std::move(derived->exporter_secret);
    context.sends_ = sends;
    return context;
  }

  static Result<HpkeContext> sender(const Library& library, const HpkeSuite& suite, View public_key,
                                    const HpkeInputs& inputs, MutableView enc, Use use) {
    if (!hpke_suite_known(suite)) return Fault::kUsage;
    auto mode = mode_of(inputs, inputs.sender_key != nullptr);
    if (!mode) return mode.fault();
    auto used = usable(suite, use);
    if (!used) return used.fault();
    auto secret = kem_encapsulate(library, suite.kem, public_key, enc, inputs.sender_key, inputs.ephemeral);
    if (!secret) return secret.fault();
    auto context = run(
        library, {suite, *mode, secret->view(), inputs.info, inputs.info_hash, inputs.psk, inputs.psk_id, *used}, true);
    if (!context) wipe(enc);
    return context;
  }

  static Result<HpkeContext> receiver(const Library& library, const HpkeSuite& suite, const PrivateKey& key, View enc,
                                      const HpkeInputs& inputs, Use use) {
    if (!hpke_suite_known(suite) || key.id() != suite.kem) return Fault::kUsage;
    auto mode = mode_of(inputs, !inputs.sender_public.empty());
    if (!mode) return mode.fault();
    auto used = usable(suite, use);
    if (!used) return used.fault();
    auto secret = kem_decapsulate(library, key, enc, inputs.sender_public);
    if (!secret) return secret.fault();
    return run(library, {suite, *mode, secret->view(), inputs.info, inputs.info_hash, inputs.psk, inputs.psk_id, *used},
               false);
  }
};

Result<SecretBytes> hpke_info_hash(const Library& library, const HpkeSuite& suite, View info) {
  if (!hpke_suite_known(suite)) return Fault::kUsage;
  if (!two_stage(suite.kdf)) return SecretBytes();
  return labeled_extract(library, hash_of(suite.kdf), hpke_suite_id(suite), {}, "info_hash", {info});
}

bool hpke_suite_known(const HpkeSuite& suite) {
  const auto aead = static_cast<uint8_t>(suite.aead);
  const auto kdf = static_cast<uint8_t>(suite.kdf);
  return kem_traits(suite.kem) && aead <= 3 && ((kdf >= 1 && kdf <= 3) || (kdf >= 0x10 && kdf <= 0x11));
}

Result<HpkeContext> HpkeContext::sender(const Library& library, const HpkeSuite& suite, View public_key,
                                        const HpkeInputs& inputs, MutableView enc) {
  return HpkeSchedule::sender(library, suite, public_key, inputs, enc, Use::kBoth);
}

Result<HpkeContext> HpkeContext::receiver(const Library& library, const HpkeSuite& suite, const PrivateKey& key,
                                          View enc, const HpkeInputs& inputs) {
  return HpkeSchedule::receiver(library, suite, key, enc, inputs, Use::kBoth);
}

// RFC 9180 §5.2, ComputeNonce. The counter has 64 bits of the 96 that the nonce allows.
std::array<uint8_t, kAeadNonceLength> HpkeContext::nonce() const {
  std::array<uint8_t, kAeadNonceLength> nonce;
  std::copy_n(base_nonce_.data(), nonce.size(), nonce.begin());
  for (size_t i = 0; i < 8; i++) nonce[kAeadNonceLength - 1 - i] ^= static_cast<uint8_t>(sequence_ >> (8 * i));
  return nonce;
}

Result<void> HpkeContext::seal(View aad, View plaintext, MutableView out) {
  if (!cipher_ || !sends_) return Fault::kUsage;
  if (sequence_ == std::numeric_limits<uint64_t>::max()) return Fault::kExhausted;
  auto done = cipher_.seal(nonce(), aad, plaintext, out);
  if (done) sequence_++;
  return done;
}

Result<void> HpkeContext::open(View aad, View sealed, MutableView out) {
  if (!cipher_ || sends_) return Fault::kUsage;
  if (sequence_ == std::numeric_limits<uint64_t>::max()) return Fault::kExhausted;
  auto done = cipher_.open(nonce(), aad, sealed, out);
  if (done) sequence_++;
  return done;
}

Result<SecretBytes> HpkeContext::export_secret(View exporter_context, size_t length) const {
  if (exporter_secret_.size() == 0 || length == 0) return Fault::kUsage;
  const auto suite_id = hpke_suite_id(suite_);
  if (!two_stage(suite_.kdf))
    return shake_labeled_derive(*library_, xof_of(suite_.kdf), suite_id, {exporter_secret_.view()}, "sec",
                                {exporter_context}, length);
  return labeled_expand(*library_, hash_of(suite_.kdf), suite_id, exporter_secret_.view(), "sec", {exporter_context},
                        length);
}

Result<void> hpke_seal(const Library& library, const HpkeSuite& suite, View public_key, const HpkeInputs& inputs,
                       View aad, View plaintext, MutableView enc, MutableView out) {
  auto context = HpkeSchedule::sender(library, suite, public_key, inputs, enc, Use::kSeal);
  if (!context) return context.fault();
  auto done = context->seal(aad, plaintext, out);
  if (!done) wipe(enc);
  return done;
}

Result<void> hpke_open(const Library& library, const HpkeSuite& suite, const PrivateKey& key, View enc,
                       const HpkeInputs& inputs, View aad, View sealed, MutableView out) {
  auto context = HpkeSchedule::receiver(library, suite, key, enc, inputs, Use::kSeal);
  if (context) return context->open(aad, sealed, out);
  wipe(out);
  const Fault fault = context.fault();
  return fault == Fault::kMalformed || fault == Fault::kInvalid ? Fault::kUndecryptable : fault;
}

Result<SecretBytes> hpke_export_sender(const Library& library, const HpkeSuite& suite, View public_key,
                                       const HpkeInputs& inputs, View exporter_context, size_t length,
                                       MutableView enc) {
  auto context = HpkeSchedule::sender(library, suite, public_key, inputs, enc, Use::kExport);
  if (!context) return context.fault();
  auto secret = context->export_secret(exporter_context, length);
  if (!secret) wipe(enc);
  return secret;
}

Result<SecretBytes> hpke_export_receiver(const Library& library, const HpkeSuite& suite, const PrivateKey& key,
                                         View enc, const HpkeInputs& inputs, View exporter_context, size_t length) {
  auto context = HpkeSchedule::receiver(library, suite, key, enc, inputs, Use::kExport);
  if (!context) return context.fault();
  return context->export_secret(exporter_context, length);
}

}  // namespace tinymls
