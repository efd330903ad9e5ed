// The steps of an epoch: the leaves of a puncturable GGM tree of depth 24, docs/context.md.
#pragma once

#include <array>

#include "core/openssl.h"
#include "core/secret.h"

namespace tinymls {

enum class RatchetId : uint8_t { kAesCtr = 1, kHkdfSha256 = 2 };

constexpr uint32_t kRatchetDepth = 24;
constexpr uint32_t kRatchetSteps = 1u << kRatchetDepth;
constexpr size_t kRatchetSecretLength = 32;

// Holds the inner nodes that cover the steps [first, 2^24) and nothing above them. Not thread-safe.
class Ratchet {
 public:
  Ratchet() = default;
  // Holds the children of `root`; the caller erases the root.
  static Result<Ratchet> create(const Library& library, RatchetId id, View root);

  // The secret of one step, in any order: reading erases nothing. Fault::kExpired below first().
  Result<SecretBytes> secret(uint32_t step);

  // Erases what leads to the steps below `step`, which may be kRatchetSteps. On a fault nothing changed.
  Result<void> erase_before(uint32_t step);

  uint32_t first() const { return first_; }
  size_t nodes() const { return count_; }
  size_t state_bytes() const { return sizeof(*this) + nodes_.size() + kept_.size(); }

 private:
  // Ancestors of the last step read, at these heights, keep consecutive steps at O(1) derivations.
  static constexpr std::array<uint8_t, 5> kKeptHeights{15, 10, 6, 3, 1};

  struct Start {
    View node;
    uint32_t height;
  };
  Start nearest(uint32_t step) const;
  MutableView kept(size_t slot) { return kept_.bytes().subspan(slot * kRatchetSecretLength, kRatchetSecretLength); }
  void forget_kept();
  void forget(size_t slot);

  const Library* library_ = nullptr;
  RatchetId id_ = RatchetId::kAesCtr;
  uint8_t count_ = 0;
  uint8_t kept_mask_ = 0;
  uint32_t first_ = 0;
  uint32_t kept_step_ = 0;
  // The subtrees are adjacent and start at first_, so that their heights alone place them.
  std::array<uint8_t, kRatchetDepth> heights_{};
  SecretBytes nodes_;
  SecretBytes kept_;
};

}  // namespace tinymls
