// One epoch of a Context: its keys and its times. The key schedule is that of docs/context.md.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>

#include "core/ratchet.h"
#include "core/replay.h"

namespace tinymls {

using Nanos = int64_t;  // on a monotonic clock, or a span of it

// What an epoch secret leaves behind when it is erased: the way to later epochs, and the steps of this one.
Result<SecretBytes> next_value(const Library& library, View epoch_secret);
Result<Ratchet> epoch_ratchet(const Library& library, RatchetId id, View epoch_secret);

Result<SecretBytes> first_epoch_secret(const Library& library, View ikm);
// Without entropy: 32 zero bytes.
Result<SecretBytes> next_epoch_secret(const Library& library, View next, View entropy);

// What one sender seals with in one step.
struct SenderKey {
  AeadCipher cipher;
  std::array<uint8_t, kAeadNonceLength> iv{};

  SenderKey() = default;
  ~SenderKey() { clear(); }
  SenderKey(SenderKey&& other) noexcept = default;
  SenderKey& operator=(SenderKey&& other) noexcept = default;
  void clear() {
    cipher = {};
    wipe(iv);
  }
};
Result<SenderKey> sender_key(const Library& library, AeadId suite, View step_secret, const SenderId& sender);

// Guarded by the mutex of its Keyring, but for the two members that lock themselves.
class Epoch {
 public:
  struct Times {
    Nanos period;    // of a step; 0: the epoch has one step
    Nanos lifetime;  // of a step's key, from the step's beginning
  };

  Epoch(uint32_t number, Ratchet ratchet, const Times& times, Nanos begin, Nanos rotation_age)
      : number(number), ratchet(std::move(ratchet)), times_(times), begin_(begin), rotation_age_(rotation_age) {}

  // The step of the clock; beyond the last one when the epoch has run out of steps.
  int64_t step_at(Nanos now) const {
    return times_.period == 0 ? 0 : now < begin_ ? 0 : (now - begin_) / times_.period;
  }
  Nanos step_end(int64_t step) const { return times_.period == 0 ? seal_until() : begin_ + (step + 1) * times_.period; }
  Nanos expiry(int64_t step) const { return begin_ + step * times_.period + times_.lifetime; }
  // The first step whose key has not expired.
  int64_t first_live(Nanos now) const;
  // From here on nothing is sealed under this epoch.
  Nanos seal_until() const;
  Nanos begin() const { return begin_; }
  // The last used step expired, so the epoch can go.
  bool gone(Nanos now) const { return retired && now >= expiry(last_step); }

  // A frame of this step was verified: it began by now at the latest, whatever the own clock said. True when that moves
  // the clock.
  bool witness(int64_t step, Nanos now);
  void use(int64_t step) { last_step = std::max(last_step, step); }
  void erase();

  const uint32_t number;
  bool retired = false;
  int64_t last_step = 0;  // used, as far as known
  Ratchet ratchet;
  int64_t counted_step = -1;  // the step that `counted_from` is for
  uint64_t counted_from = 0;  // the first sequence number of that step
  std::atomic<uint64_t> sequence{0};
  ReplayWindows replay;

 private:
  const Times times_;
  Nanos begin_;
  Nanos rotation_age_;
};

}  // namespace tinymls
