#include "ratchet.h"

#include "core/random.h"

namespace tinymls::bench {
namespace {

Result<Ratchet> fresh(RatchetId id) {
  auto root = random_secret(kRatchetSecretLength);
  if (!root) return root.fault();
  return Ratchet::create(Library::standard(), id, root->view());
}

}  // namespace

Result<std::unique_ptr<RatchetRun>> RatchetRun::create(RatchetId id, uint32_t retained) {
  auto run = std::make_unique<RatchetRun>();
  auto ratchet = fresh(id);
  if (!ratchet) return ratchet.fault();
  run->id_ = id;
  run->retained_ = retained;
  run->ratchet_ = std::move(*ratchet);
  return run;
}

bool RatchetRun::advance(uint32_t steps) {
  constexpr SenderId kSender{1, 2, 3, 4, 5, 6, 7, 8};
  while (steps-- > 0) {
    if (step_ == kRatchetSteps) {
      auto again = fresh(id_);
      if (!again) return false;
      ratchet_ = std::move(*again);
      step_ = 0;
    }
    auto secret = ratchet_.secret(step_++);
    if (!secret || !sender_key(Library::standard(), AeadId::kAes256Gcm, secret->view(), kSender)) return false;
  }
  return true;
}

Result<size_t> RatchetRun::largest_state(uint32_t stride) const {
  auto ratchet = fresh(id_);
  if (!ratchet) return ratchet.fault();
  size_t largest = 0;
  for (uint64_t newest = 0; newest < kRatchetSteps; newest += stride) {
    const auto step = static_cast<uint32_t>(newest);
    if (auto secret = ratchet->secret(step); !secret) return secret.fault();
    if (step > retained_) {
      if (auto erased = ratchet->erase_before(step - retained_); !erased) return erased.fault();
    }
    largest = std::max(largest, ratchet->state_bytes());
  }
  return largest;
}

}  // namespace tinymls::bench
