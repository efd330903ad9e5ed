// The epochs of a fleet: each with a secret of its own, which the machines share through a store. No epoch follows from
// another one, and none begins by itself. docs/fleets.md says what that promises.
#include "core/keyring.h"

namespace tinymls {
namespace {

constexpr size_t kEpochSecretLength = 32;

}  // namespace

Result<std::shared_ptr<Epoch>> Keyring::fleet_epoch(uint32_t number, View epoch_secret, Nanos begin) const {
  auto ratchet = epoch_ratchet(*options_.library, options_.ratchet, epoch_secret);
  if (!ratchet) return ratchet.fault();
  const Epoch::Times times{options_.ratchet_period, options_.state_lifetime};
  return std::make_shared<Epoch>(number, std::move(*ratchet), times, begin, options_.max_key_age);
}

Result<void> Keyring::adopt(uint32_t number, View epoch_secret, Nanos age, Nanos delay, RotationReason reason) {
  constexpr Nanos kMaxTime = Nanos{1} << 60;
  if (!options_.fleet || epoch_secret.size() != kEpochSecretLength) return Fault::kUsage;
  if (age < 0 || age > kMaxTime || delay < 0 || delay > kMaxTime) return Fault::kUsage;
  Result<void> adopted;
  {
    const std::lock_guard lock(mutex_);
    if (auto open = usable(); !open) return open;
    const uint32_t last = upcoming_.empty() ? current().number : upcoming_.back().epoch->number;
    if (number <= last) return Fault::kUsage;
    const Nanos now = options_.clock();
    auto epoch = fleet_epoch(number, epoch_secret, now - age);
    if (epoch) {
      upcoming_.push_back({std::move(*epoch), now + delay, reason});
      changed();
      activate(now);
    } else {
      adopted = epoch.fault();
    }
  }
  return adopted ? adopted : failed(adopted.fault());
}

void Keyring::activate(Nanos now) {
  while (!upcoming_.empty() && (now >= next_activation() || now >= current().seal_until())) activate_next();
}

void Keyring::activate_next() {
  Upcoming next = std::move(upcoming_.front());
  upcoming_.erase(upcoming_.begin());
  // A machine that hears of the next epoch late seals under this one to its end.
  Epoch& former = current();
  former.use(std::min<int64_t>(former.step_at(former.seal_until() - 1), kRatchetSteps - 1));
  former.retired = true;
  const uint32_t number = next.epoch->number;
  epochs_.push_back(std::move(next.epoch));
  epoch_.store(number, std::memory_order_release);
  changed();
  ++rotations_;
  record({KeyringEvent::Kind::kRotated, static_cast<uint8_t>(next.reason), number});
}

}  // namespace tinymls
