#include "core/hpke_shake.h"

#include <array>
#include <bit>

#include "core/hpke_kdf.h"

namespace tinymls {
namespace {

constexpr size_t kLanes = 25;
constexpr std::array<uint64_t, 24> kRoundConstants = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
constexpr size_t kTurboRounds = 12;  // the last ones

// Rotation and destination of each lane, walked in the order of pi (FIPS 202 §3.2.2, §3.2.3).
constexpr std::array<uint8_t, 24> kRho = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                          27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
constexpr std::array<uint8_t, 24> kPi = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                         15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

// Keccak-p[1600, 12]. OpenSSL offers the 24 rounds alone.
void permute(std::span<uint64_t, kLanes> a) {
  for (size_t round = kRoundConstants.size() - kTurboRounds; round < kRoundConstants.size(); round++) {
    uint64_t column[5];
    for (size_t x = 0; x < 5; x++) column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (size_t x = 0; x < 5; x++) {
      const uint64_t theta = column[(x + 4) % 5] ^ std::rotl(column[(x + 1) % 5], 1);
      for (size_t y = 0; y < kLanes; y += 5) a[y + x] ^= theta;
    }
    uint64_t carried = a[1];
    for (size_t i = 0; i < kPi.size(); i++) {
      const uint64_t next = a[kPi[i]];
      a[kPi[i]] = std::rotl(carried, kRho[i]);
      carried = next;
    }
    for (size_t y = 0; y < kLanes; y += 5) {
      for (size_t x = 0; x < 5; x++) column[x] = a[y + x];
      for (size_t x = 0; x < 5; x++) a[y + x] = column[x] ^ (~column[(x + 1) % 5] & column[(x + 2) % 5]);
    }
    a[0] ^= kRoundConstants[round];
  }
}

// The sponge over a state in secret memory.
class TurboShake {
 public:
  TurboShake(std::span<uint64_t, kLanes> state, size_t rate) : state_(state), rate_(rate) {}

  void absorb(View bytes) {
    for (uint8_t octet : bytes) {
      add(position_++, octet);
      if (position_ == rate_) turn();
    }
  }

  void squeeze(MutableView out) {
    add(position_, 0x1f);  // the domain separation of HPKE's TurboSHAKE
    add(rate_ - 1, 0x80);
    turn();
    for (uint8_t& octet : out) {
      if (position_ == rate_) turn();
      octet = static_cast<uint8_t>(state_[position_ / 8] >> (8 * (position_ % 8)));
      position_++;
    }
  }

 private:
  void add(size_t position, uint8_t octet) { state_[position / 8] ^= uint64_t{octet} << (8 * (position % 8)); }
  void turn() {
    permute(state_);
    position_ = 0;
  }

  std::span<uint64_t, kLanes> state_;
  size_t rate_;
  size_t position_ = 0;
};

const EVP_MD* shake_md(Shake xof) {
  static const MdPtr shake128(EVP_MD_fetch(nullptr, "SHAKE128", nullptr));
  static const MdPtr shake256(EVP_MD_fetch(nullptr, "SHAKE256", nullptr));
  return (xof == Shake::kShake128 ? shake128 : shake256).get();
}

Result<void> openssl_shake(Shake xof, std::span<const View> parts, MutableView out) {
  ErrorMark mark;
  const EVP_MD* md = shake_md(xof);
  if (!md) return Fault::kConfig;
  MdCtxPtr context(EVP_MD_CTX_new());
  if (!context) return Fault::kMemory;
  bool done = EVP_DigestInit_ex2(context.get(), md, nullptr) == 1;
  for (View part : parts) done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  if (!done || EVP_DigestFinalXOF(context.get(), out.data(), out.size()) != 1) return Fault::kInternal;
  return {};
}

Result<void> turbo_shake(Shake xof, std::span<const View> parts, MutableView out) {
  auto memory = SecretBytes::allocate(kLanes * sizeof(uint64_t));
  if (!memory) return memory.fault();
  auto* lanes = reinterpret_cast<uint64_t*>(memory->data());
  TurboShake sponge(std::span<uint64_t, kLanes>(lanes, kLanes), xof == Shake::kTurboShake128 ? 168 : 136);
  for (View part : parts) sponge.absorb(part);
  sponge.squeeze(out);
  return {};
}

}  // namespace

Result<SecretBytes> shake(const Library& library, Shake xof, std::span<const View> parts, size_t length) {
  if (library.context) return Fault::kConfig;  // not among the approved KDFs
  auto out = SecretBytes::allocate(length);
  if (!out) return out.fault();
  const bool turbo = xof == Shake::kTurboShake128 || xof == Shake::kTurboShake256;
  auto done = turbo ? turbo_shake(xof, parts, out->bytes()) : openssl_shake(xof, parts, out->bytes());
  if (!done) return done.fault();
  return out;
}

Result<SecretBytes> sha3_256(const Library& library, std::span<const View> parts) {
  if (library.context) return Fault::kConfig;
  static const MdPtr md(EVP_MD_fetch(nullptr, "SHA3-256", nullptr));
  if (!md) return Fault::kConfig;
  ErrorMark mark;
  MdCtxPtr context(EVP_MD_CTX_new());
  auto out = SecretBytes::allocate(32);
  if (!context || !out) return Fault::kMemory;
  bool done = EVP_DigestInit_ex2(context.get(), md.get(), nullptr) == 1;
  for (View part : parts) done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  if (!done || EVP_DigestFinal_ex(context.get(), out->data(), nullptr) != 1) return Fault::kInternal;
  return out;
}

Result<SecretBytes> shake_labeled_derive(const Library& library, Shake xof, View suite_id,
                                         std::initializer_list<View> ikm, std::string_view label,
                                         std::initializer_list<View> context, size_t length) {
  if (length == 0 || length > 0xffff) return Fault::kUsage;
  const auto label_length = i2osp2(label.size());
  const auto out_length = i2osp2(length);
  std::array<View, 24> parts;
  size_t count = 0;
  if (ikm.size() + context.size() + 5 > parts.size()) return Fault::kUsage;
  for (View part : ikm) parts[count++] = part;
  for (View part : {octets("HPKE-v1"), suite_id, View(label_length), octets(label), View(out_length)})
    parts[count++] = part;
  for (View part : context) parts[count++] = part;
  return shake(library, xof, std::span<const View>(parts.data(), count), length);
}

}  // namespace tinymls
