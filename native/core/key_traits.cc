#include <array>

#include "core/keys.h"

namespace tinymls {
namespace {

constexpr KeyTraits kNone{};

constexpr KeyTraits traits(KeyId id) {
  switch (id) {
    case KeyId::kDhkemP256:
      return {KeyFamily::kNistCurve, true, "EC", "P-256", 65, 32, 80};
    case KeyId::kDhkemP384:
      return {KeyFamily::kNistCurve, true, "EC", "P-384", 97, 48, 1000};
    case KeyId::kDhkemP521:
      return {KeyFamily::kNistCurve, true, "EC", "P-521", 133, 66, 2500};
    case KeyId::kDhkemX25519:
      return {KeyFamily::kOctets, true, "X25519", nullptr, 32, 32, 60};
    case KeyId::kDhkemX448:
      return {KeyFamily::kOctets, true, "X448", nullptr, 56, 56, 300};
    case KeyId::kMlKem512:
      return {KeyFamily::kLatticeSeed, true, "ML-KEM-512", nullptr, 800, 64, 50};
    case KeyId::kMlKem768:
      return {KeyFamily::kLatticeSeed, true, "ML-KEM-768", nullptr, 1184, 64, 70};
    case KeyId::kMlKem1024:
      return {KeyFamily::kLatticeSeed, true, "ML-KEM-1024", nullptr, 1568, 64, 100};
    case KeyId::kMlKem768X25519:
      return {KeyFamily::kHybrid, true, "MLKEM768-X25519", nullptr, 1216, 32, 130};
    case KeyId::kMlKem768P256:
      return {KeyFamily::kHybrid, true, "MLKEM768-P256", nullptr, 1249, 32, 150};
    case KeyId::kMlKem1024P384:
      return {KeyFamily::kHybrid, true, "MLKEM1024-P384", nullptr, 1665, 32, 1100};
    case KeyId::kEd25519:
      return {KeyFamily::kOctets, false, "ED25519", nullptr, 32, 32, 90};
    case KeyId::kEd448:
      return {KeyFamily::kOctets, false, "ED448", nullptr, 57, 57, 250};
    case KeyId::kEcdsaP256:
      return {KeyFamily::kNistCurve, false, "EC", "P-256", 65, 32, 80, "SHA2-256"};
    case KeyId::kEcdsaP384:
      return {KeyFamily::kNistCurve, false, "EC", "P-384", 97, 48, 700, "SHA2-384"};
    case KeyId::kEcdsaP521:
      return {KeyFamily::kNistCurve, false, "EC", "P-521", 133, 66, 1500, "SHA2-512"};
    case KeyId::kMlDsa65:
      return {KeyFamily::kLatticeSeed, false, "ML-DSA-65", nullptr, 1952, 32, 100};
    case KeyId::kMlDsa87:
      return {KeyFamily::kLatticeSeed, false, "ML-DSA-87", nullptr, 2592, 32, 150};
  }
  return kNone;
}

constexpr size_t kLastKeyId = static_cast<size_t>(KeyId::kMlDsa87);

constexpr auto kTraits = [] {
  std::array<KeyTraits, kLastKeyId + 1> table{};
  for (size_t i = 0; i < table.size(); i++) table[i] = traits(static_cast<KeyId>(i));
  return table;
}();

// Of processor time. Sharing less than the first with other threads gains little, and makes the caller wait for them
// where they are interrupted; going to a worker and coming back to the event loop can take as long as the second.
constexpr size_t kAloneMicroseconds = 500, kBriefMicroseconds = 2000;

bool done_within(KeyId id, size_t operations, size_t microseconds) {
  const KeyTraits* key = key_traits(id);
  return key && operations <= microseconds / key->microseconds;
}

}  // namespace

const KeyTraits* key_traits(KeyId id) {
  const auto index = static_cast<size_t>(id);
  return index <= kLastKeyId && kTraits[index].type ? &kTraits[index] : nullptr;
}

bool is_brief(KeyId id, size_t operations) { return done_within(id, operations, kBriefMicroseconds); }

bool is_best_alone(KeyId id, size_t operations) { return done_within(id, operations, kAloneMicroseconds); }

}  // namespace tinymls
