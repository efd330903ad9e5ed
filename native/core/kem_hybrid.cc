#include "core/kem_hybrid.h"

#include <algorithm>
#include <string_view>

#include "core/hpke_kdf.h"
#include "core/hpke_shake.h"

namespace tinymls {
namespace {

struct Components {
  KeyId post_quantum, traditional;
  size_t group_seed_length;  // Group.Nseed
  std::string_view label;
};

Components components(KeyId id) {
  switch (id) {
    case KeyId::kMlKem768P256:
      return {KeyId::kMlKem768, KeyId::kDhkemP256, 128, "MLKEM768-P256"};
    case KeyId::kMlKem1024P384:
      return {KeyId::kMlKem1024, KeyId::kDhkemP384, 48, "MLKEM1024-P384"};
    default:
      return {KeyId::kMlKem768, KeyId::kDhkemX25519, 32, "\\.//^\\"};
  }
}

// Group.RandomScalar: the first scalar in range of those that the seed holds.
Result<PrivateKey> random_scalar(const Library& library, KeyId id, View seed) {
  const size_t length = key_traits(id)->private_length;
  for (; seed.size() >= length; seed = seed.subspan(length)) {
    auto key = PrivateKey::import(library, id, seed.first(length));
    if (key || key.fault() != Fault::kInvalid) return key;
  }
  return Fault::kInvalid;
}

struct Secrets {
  View post_quantum, traditional;
};

// The C2PRI combiner: ML-KEM's ciphertext and key need not go in.
Result<SecretBytes> combine(const Library& library, const Components& kem, const Secrets& secrets, View traditional_enc,
                            View traditional_public) {
  const View parts[] = {secrets.post_quantum, secrets.traditional, traditional_enc, traditional_public,
                        octets(kem.label)};
  return sha3_256(library, parts);
}

struct Split {
  View post_quantum, traditional;
};

Split split(View joined, size_t post_quantum_length) {
  return {joined.first(post_quantum_length), joined.subspan(post_quantum_length)};
}

}  // namespace

Result<HybridKeys> hybrid_expand(const Library& library, KeyId id, View seed) {
  const Components kem = components(id);
  const size_t post_quantum_length = key_traits(kem.post_quantum)->private_length;
  auto full = shake(library, Shake::kShake256, {&seed, 1}, post_quantum_length + kem.group_seed_length);
  if (!full) return full.fault();
  const Split seeds = split(full->view(), post_quantum_length);
  auto post_quantum = PrivateKey::import(library, kem.post_quantum, seeds.post_quantum);
  if (!post_quantum) return post_quantum.fault();
  auto traditional = random_scalar(library, kem.traditional, seeds.traditional);
  if (!traditional) return traditional.fault();
  return HybridKeys{std::move(*post_quantum), std::move(*traditional)};
}

Result<void> hybrid_check_public(const Library& library, KeyId id, View encoded) {
  if (encoded.size() != key_traits(id)->public_length) return Fault::kMalformed;
  const Components kem = components(id);
  const Split keys = split(encoded, key_traits(kem.post_quantum)->public_length);
  const auto post_quantum = PublicKey::check(library, kem.post_quantum, keys.post_quantum);
  return post_quantum ? PublicKey::check(library, kem.traditional, keys.traditional) : post_quantum;
}

Result<SecretBytes> hybrid_encapsulate(const Library& library, KeyId id, View public_key, MutableView enc,
                                       View randomness) {
  constexpr size_t kMlKemRandomness = 32;
  if (!randomness.empty() && randomness.size() < kMlKemRandomness) return Fault::kUsage;
  const Components kem = components(id);
  const size_t post_quantum_enc = kem_traits(kem.post_quantum)->enc_length;
  const auto encapsulate = [&]() -> Result<SecretBytes> {
    if (public_key.size() != key_traits(id)->public_length) return Fault::kMalformed;
    const Split keys = split(public_key, key_traits(kem.post_quantum)->public_length);
    const Split random = split(randomness, randomness.empty() ? 0 : kMlKemRandomness);
    auto post_quantum = ml_kem_encapsulate(library, kem.post_quantum, keys.post_quantum, enc.first(post_quantum_enc),
                                           random.post_quantum);
    if (!post_quantum) return post_quantum.fault();
    auto ephemeral = randomness.empty() ? PrivateKey::generate(library, kem.traditional)
                                        : random_scalar(library, kem.traditional, random.traditional);
    if (!ephemeral) return ephemeral.fault();
    auto traditional = diffie_hellman(library, *ephemeral, keys.traditional);
    if (!traditional) return traditional.fault();
    std::copy_n(ephemeral->public_key().data(), ephemeral->public_key().size(), enc.data() + post_quantum_enc);
    return combine(library, kem, {post_quantum->view(), traditional->view()}, ephemeral->public_key(),
                   keys.traditional);
  };
  auto secret = encapsulate();
  if (!secret) wipe(enc);
  return secret;
}

Result<SecretBytes> hybrid_decapsulate(const Library& library, const PrivateKey& key, View enc) {
  const Components kem = components(key.id());
  const auto ready = key.ready();
  if (!ready) return ready.fault();
  const HybridKeys& keys = *(*ready)->hybrid;
  const Split encs = split(enc, kem_traits(kem.post_quantum)->enc_length);
  auto post_quantum = ml_kem_decapsulate(library, keys.post_quantum, encs.post_quantum);
  if (!post_quantum) return post_quantum.fault();
  auto traditional = diffie_hellman(library, keys.traditional, encs.traditional);
  if (!traditional) return traditional.fault();
  return combine(library, kem, {post_quantum->view(), traditional->view()}, encs.traditional,
                 keys.traditional.public_key());
}

}  // namespace tinymls
