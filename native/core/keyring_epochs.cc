// The life of the epochs: beginning, rotating, following a peer, expiring, closing.
#include <algorithm>

#include "core/hash.h"
#include "core/keyring.h"
#include "core/random.h"

#ifdef _WIN32
#include <chrono>
#else
#include <pthread.h>
#include <time.h>
#endif

namespace tinymls {
namespace {

constexpr size_t kEntropyLength = 32;

#ifndef _WIN32
const int forks_counted = pthread_atfork(nullptr, nullptr, [] { Keyring::count_fork(); });
#endif

bool in_range(const KeyringOptions& o, View secret) {
  const bool known_suite = o.suite >= AeadId::kAes128Gcm && o.suite <= AeadId::kChaCha20Poly1305;
  const bool known_ratchet = o.ratchet == RatchetId::kAesCtr || o.ratchet == RatchetId::kHkdfSha256;
  // Sums of times stay far inside 64 bits.
  constexpr Nanos kMaxTime = Nanos{1} << 60;
  const bool times = o.ratchet_period >= 0 && o.ratchet_period <= o.state_lifetime && o.state_lifetime > 0 &&
                     o.state_lifetime <= kMaxTime && o.min_key_rotation >= 0 && o.min_key_rotation <= o.max_key_age &&
                     o.max_key_age > 0 && o.max_key_age <= kMaxTime && o.timing_jitter >= 0 &&
                     o.timing_jitter <= kMaxTime;
  const bool ahead =
      o.max_step_ahead < kRatchetSteps && (o.ratchet_period == 0 || o.max_step_ahead <= kMaxTime / o.ratchet_period);
  return known_suite && known_ratchet && times && ahead && o.max_operations > 0 && o.replay_window <= (1u << 24) &&
         (!o.shared || !secret.empty()) &&
         (!o.fleet || (o.shared && o.first_age >= 0 && o.first_age <= kMaxTime && o.min_key_rotation == o.max_key_age));
}

}  // namespace

#ifdef _WIN32
Nanos coarse_clock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
#else
Nanos coarse_clock() {
#ifdef CLOCK_MONOTONIC_COARSE
  constexpr clockid_t kClock = CLOCK_MONOTONIC_COARSE;
#else
  constexpr clockid_t kClock = CLOCK_MONOTONIC;
#endif
  timespec time;
  clock_gettime(kClock, &time);
  return Nanos{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}
#endif

Result<std::shared_ptr<Keyring>> Keyring::create(const KeyringOptions& options, View secret) {
  if (!in_range(options, secret)) return Fault::kUsage;
  SenderId sender;
  if (auto drawn = random_fill(sender, *options.library); !drawn) return drawn.fault();
  Result<SecretBytes> mixed = SecretBytes();
  if (!options.shared) {
    mixed = random_secret(kEntropyLength + secret.size(), *options.library);
    if (!mixed) return mixed.fault();
    std::copy(secret.begin(), secret.end(), mixed->data() + kEntropyLength);
  }
  auto epoch_secret = options.fleet ? SecretBytes::copy(secret)
                                    : first_epoch_secret(*options.library, options.shared ? secret : mixed->view());
  if (!epoch_secret) return epoch_secret.fault();
  std::shared_ptr<Keyring> keyring(new (std::nothrow) Keyring(options, sender));
  if (!keyring) return Fault::kMemory;
  keyring->process_ = process();
  keyring->born_ = options.clock();
  if (auto begun = keyring->begin_epoch(options.first_epoch, epoch_secret->view(), keyring->born_ - options.first_age);
      !begun) {
    return begun.fault();
  }
  keyring->current().sequence = options.first_sequence;
  if (!options.shared && !secret.empty()) {
    if (auto stirred = keyring->stir(secret); !stirred) return stirred.fault();
  }
  return keyring;
}

Keyring::~Keyring() { close(); }

Result<void> Keyring::usable() const {
  if (closed() || process_ != process()) return Fault::kClosed;
  return {};
}

std::shared_ptr<Lane> Keyring::attach() {
  const std::lock_guard lock(mutex_);
  auto lane = std::make_shared<Lane>(!threads_admitted_);
  if (!threads_admitted_ && !lanes_.empty()) std::abort();  // two lanes alone would use keys while they are wiped
  lanes_.push_back(lane);
  lane_count_.store(static_cast<uint32_t>(lanes_.size()), std::memory_order_relaxed);
  return lane;
}

void Keyring::admit_threads() {
  const std::lock_guard lock(mutex_);
  if (threads_admitted_) return;
  threads_admitted_ = true;
  for (const auto& lane : lanes_) lane->end_alone();
}

void Keyring::detach(const std::shared_ptr<Lane>& lane) {
  const std::lock_guard lock(mutex_);
  if (std::erase(lanes_, lane) == 0) return;
  lane->wipe_keys();
  lane->counters.add_to(detached_);
  lane_count_.store(static_cast<uint32_t>(lanes_.size()), std::memory_order_relaxed);
}

std::shared_ptr<Epoch> Keyring::find(uint32_t number) const {
  const auto found = std::find_if(epochs_.rbegin(), epochs_.rend(), [&](const auto& e) { return e->number == number; });
  if (found != epochs_.rend()) return *found;
  for (const Upcoming& upcoming : upcoming_) {
    if (upcoming.epoch->number == number) return upcoming.epoch;
  }
  return nullptr;
}

Result<Nanos> Keyring::draw_rotation_age() const {
  uint8_t bytes[8];
  if (auto drawn = random_fill(bytes, *options_.library); !drawn) return drawn.fault();
  uint64_t draw = 0;
  for (const uint8_t octet : bytes) draw = draw << 8 | octet;
  const auto span = static_cast<uint64_t>(options_.max_key_age - options_.min_key_rotation) + 1;
  return options_.min_key_rotation + static_cast<Nanos>(draw % span);
}

// On a fault nothing changed.
Result<void> Keyring::begin_epoch(uint32_t number, View epoch_secret, Nanos now) {
  auto next = next_value(*options_.library, epoch_secret);
  if (!next) return next.fault();
  auto ratchet = epoch_ratchet(*options_.library, options_.ratchet, epoch_secret);
  if (!ratchet) return ratchet.fault();
  const auto age = draw_rotation_age();
  if (!age) return age.fault();
  const Epoch::Times times{options_.ratchet_period, options_.state_lifetime};
  auto epoch = std::make_shared<Epoch>(number, std::move(*ratchet), times, now, *age);
  if (!epochs_.empty()) {
    // Peers may have sealed up to now; this Keyring knows its own last step.
    if (options_.shared) current().use(std::min<int64_t>(current().step_at(now), kRatchetSteps - 1));
    current().retired = true;
    // Under a key that no lane ever took and no peer has, there is nothing to open.
    if (!options_.shared && current().counted_step < 0) drop(epochs_.size() - 1);
  }
  epochs_.push_back(std::move(epoch));
  next_ = std::move(*next);
  epoch_.store(number, std::memory_order_release);
  changed();
  return {};
}

Result<uint32_t> Keyring::rotate(View entropy) {
  if (options_.shared && !entropy.empty()) return Fault::kUsage;
  Result<void> rotated;
  {
    const std::lock_guard lock(mutex_);
    rotated = usable();
    if (rotated) rotated = rotate_locked(options_.clock(), entropy, RotationReason::kRequested);
    if (rotated) return current().number;
  }
  return failed(rotated.fault());
}

Result<void> Keyring::rotate_locked(Nanos now, View entropy, RotationReason reason) {
  const uint32_t number = current().number;
  if (options_.fleet) {  // its epochs come from outside
    if (reason == RotationReason::kRequested) return Fault::kUsage;
    return reason == RotationReason::kLimit ? Fault::kExhausted : Fault::kExpired;
  }
  if (number == UINT32_MAX) return Fault::kExhausted;
  Result<SecretBytes> mixed = SecretBytes();
  if (!options_.shared) {
    mixed = random_secret(kEntropyLength + stirred_.size() + entropy.size(), *options_.library);
    if (!mixed) return mixed.fault();
    uint8_t* at = mixed->data() + kEntropyLength;
    at = std::copy_n(stirred_.data(), stirred_.size(), at);
    std::copy(entropy.begin(), entropy.end(), at);
  }
  auto epoch_secret = next_epoch_secret(*options_.library, next_.view(), mixed->view());
  if (!epoch_secret) return epoch_secret.fault();
  if (auto begun = begin_epoch(number + 1, epoch_secret->view(), now); !begun) return begun;
  ++rotations_;
  record({KeyringEvent::Kind::kRotated, static_cast<uint8_t>(reason), number + 1});
  return {};
}

Result<void> Keyring::stir(View entropy) {
  if (options_.shared) return Fault::kUsage;
  const std::lock_guard lock(mutex_);
  if (auto open = usable(); !open) return open;
  const std::array parts{stirred_.view(), entropy};
  auto stirred = SecretBytes::allocate(kEntropyLength);
  if (!stirred) return stirred.fault();
  if (auto r = hash(*options_.library, HashId::kSha256, parts, stirred->bytes()); !r) return r;
  stirred_ = std::move(*stirred);
  return {};
}

// The ratchet of the epoch that is so many after the current one, which stays as it is.
Result<Ratchet> Keyring::derive_ahead(uint32_t epochs) const {
  auto next = SecretBytes::copy(next_.view());
  for (;;) {
    if (!next) return next.fault();
    auto epoch_secret = next_epoch_secret(*options_.library, next->view(), {});
    if (!epoch_secret) return epoch_secret.fault();
    if (--epochs == 0) return epoch_ratchet(*options_.library, options_.ratchet, epoch_secret->view());
    next = next_value(*options_.library, epoch_secret->view());
  }
}

Result<OpenKey> Keyring::opening_key(const FrameHeader& header, Nanos now) {
  const std::lock_guard lock(mutex_);
  if (auto open = usable(); !open) return open.fault();
  const std::shared_ptr<Epoch> epoch = find(header.epoch);
  Ratchet ahead;
  if (!epoch) {
    if (header.epoch < current().number) return Fault::kExpired;
    if (options_.fleet) {
      const bool passed = !upcoming_.empty() && header.epoch < upcoming_.back().epoch->number;
      return passed ? Fault::kExpired : Fault::kMissing;
    }
    const uint32_t skip = header.epoch - current().number;
    if (!options_.shared || skip > options_.max_epoch_skip) return Fault::kAhead;
  }
  const int64_t own = epoch ? epoch->step_at(now) : 0;
  const int64_t limit = options_.ratchet_period == 0 ? 0 : own + options_.max_step_ahead;
  if (header.step > limit) return Fault::kAhead;
  if (epoch) {
    if (now >= epoch->expiry(header.step) || header.step < epoch->ratchet.first()) return Fault::kExpired;
  } else {
    auto derived = derive_ahead(header.epoch - current().number);
    if (!derived) return derived.fault();
    ahead = std::move(*derived);
  }
  auto secret = (epoch ? epoch->ratchet : ahead).secret(header.step);
  if (!secret) return secret.fault();
  auto key = sender_key(*options_.library, options_.suite, secret->view(), header.sender);
  if (!key) return key.fault();
  return OpenKey{.key = std::move(*key),
                 .prefix = FramePrefix(header),
                 .epoch = epoch,
                 .step = header.step,
                 .sender = header.sender};
}

Result<void> Keyring::revalidate(OpenKey& key, Nanos now) {
  const std::lock_guard lock(mutex_);
  if (auto open = usable(); !open) return open;
  key.expiry = key.epoch->expiry(key.step);
  if (now >= key.expiry || find(key.epoch->number) != key.epoch) return Fault::kExpired;
  key.version = version();
  return {};
}

// A frame of this epoch and step was verified under `key`, so that its sender has come that far.
Result<void> Keyring::follow(const FrameHeader& header, Nanos now, OpenKey& key) {
  const std::lock_guard lock(mutex_);
  if (auto open = usable(); !open) return open;
  if (header.epoch > current().number && !options_.fleet) {
    if (auto r = follow_epochs(header.epoch, now - header.step * options_.ratchet_period); !r) return r;
  }
  key.epoch = find(header.epoch);
  if (!key.epoch) return Fault::kExpired;
  if (key.epoch->witness(header.step, now)) changed();
  key.expiry = key.epoch->expiry(header.step);
  key.version = version();
  return {};
}

Result<void> Keyring::follow_epochs(uint32_t epoch, Nanos begin) {
  while (current().number < epoch) {
    auto epoch_secret = next_epoch_secret(*options_.library, next_.view(), {});
    if (!epoch_secret) return epoch_secret.fault();
    if (auto begun = begin_epoch(current().number + 1, epoch_secret->view(), begin); !begun) return begun;
    ++rotations_;
  }
  record({KeyringEvent::Kind::kRotated, static_cast<uint8_t>(RotationReason::kFollowed), epoch});
  return {};
}

Result<void> Keyring::collect() {
  Result<void> result;
  {
    const std::lock_guard lock(mutex_);
    if (!usable()) return {};
    const Nanos now = options_.clock();
    activate(now);
    if (now >= current().seal_until() && current().number != UINT32_MAX && !options_.fleet) {
      result = rotate_locked(now, {}, RotationReason::kSchedule);
    }
    for (size_t i = epochs_.size(); i-- > 0;) {
      Epoch& epoch = *epochs_[i];
      if (epoch.gone(now)) {
        drop(i);
        continue;
      }
      auto erased = epoch.ratchet.erase_before(static_cast<uint32_t>(epoch.first_live(now)));
      if (!erased && result) result = erased;
    }
    for (const auto& lane : lanes_) lane->expire(now);
  }
  return result ? result : failed(result.fault());
}

void Keyring::drop(size_t index) {
  epochs_[index]->erase();
  record({KeyringEvent::Kind::kExpired, 0, epochs_[index]->number});
  epochs_.erase(epochs_.begin() + static_cast<std::ptrdiff_t>(index));
  ++expired_epochs_;
}

void Keyring::record(KeyringEvent event) {
  if (events_.size() == kMaxEvents) events_.erase(events_.begin());
  events_.push_back(event);
  event_count_.fetch_add(1, std::memory_order_release);
}

std::vector<KeyringEvent> Keyring::events(uint64_t& seen) {
  const std::lock_guard lock(mutex_);
  const uint64_t count = event_count();
  const uint64_t missed = std::min<uint64_t>(count - std::min(seen, count), events_.size());
  seen = count;
  return {events_.end() - static_cast<std::ptrdiff_t>(missed), events_.end()};
}

Fault Keyring::failed(Fault fault) {
  if (fault == Fault::kRandom || fault == Fault::kInternal) close(fault);
  return fault;
}

void Keyring::close(Fault cause) {
  const std::lock_guard lock(mutex_);
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  changed();
  for (const auto& epoch : epochs_) epoch->erase();
  for (const Upcoming& upcoming : upcoming_) upcoming.epoch->erase();
  epochs_.clear();
  upcoming_.clear();
  next_.clear();
  stirred_.clear();
  for (const auto& lane : lanes_) lane->wipe_keys();
  record({KeyringEvent::Kind::kClosed, static_cast<uint8_t>(cause), this->epoch()});
}

KeyringStatus Keyring::status() {
  const std::lock_guard lock(mutex_);
  const Nanos now = options_.clock();
  KeyringStatus status{.closed = !usable(),
                       .epoch = epoch(),
                       .epoch_age = 0,
                       .uptime = now - born_,
                       .next_rotation = 0,
                       .rotations = rotations_,
                       .expired_epochs = expired_epochs_,
                       .events = event_count(),
                       .retained_epochs = epochs_.size(),
                       .retained_nodes = 0,
                       .retained_steps = 0,
                       .state_bytes = 0,
                       .lanes = lanes_.size()};
  for (const auto& epoch : epochs_) {
    const int64_t last = epoch->retired ? epoch->last_step : epoch->step_at(now);
    status.retained_nodes += epoch->ratchet.nodes();
    status.retained_steps += static_cast<size_t>(std::max<int64_t>(0, last + 1 - epoch->ratchet.first()));
    status.state_bytes += epoch->ratchet.state_bytes();
  }
  if (epochs_.empty()) return status;
  status.epoch_age = now - current().begin();
  status.next_rotation = current().seal_until() - now;
  return status;
}

Totals Keyring::totals() {
  const std::lock_guard lock(mutex_);
  Totals totals = detached_;
  for (const auto& lane : lanes_) lane->counters.add_to(totals);
  return totals;
}

}  // namespace tinymls
