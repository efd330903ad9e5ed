#include "core/lane.h"

#include <algorithm>
#include <thread>

namespace tinymls {

void Lane::enter() {
  uint8_t expected = kIdle;
  while (!state_.compare_exchange_weak(expected, kBusy, std::memory_order_acquire)) {
    expected = kIdle;
    std::this_thread::yield();  // another thread is wiping it, which takes less than a microsecond
  }
  used_ = true;
}

void Lane::leave() {
  uint8_t expected = kBusy;
  if (state_.compare_exchange_strong(expected, kIdle, std::memory_order_release)) return;
  drop_keys();
  state_.store(kIdle, std::memory_order_release);
}

bool Lane::seize() {
  for (uint8_t state = state_.load();;) {
    if (state == kBusyThenWipe) return false;
    const uint8_t wanted = state == kIdle ? kBusy : kBusyThenWipe;
    if (state_.compare_exchange_weak(state, wanted)) return wanted == kBusy;
  }
}

void Lane::wipe_keys() {
  if (!seize()) return;
  drop_keys();
  leave();
}

void Lane::expire(Nanos now) {
  if (!seize()) return;
  if (!used_) {
    drop_keys();
  } else {
    used_ = false;
    if (seal.epoch && now >= seal.epoch->expiry(seal.step)) seal = {};
    std::erase_if(open_, [now](const OpenKey& key) { return now >= key.expiry; });
  }
  leave();
}

void Lane::drop_keys() {
  seal = {};
  open_.clear();
  open_.shrink_to_fit();
}

OpenKey& Lane::keep(OpenKey key) {
  key.used = ++clock_;
  if (open_.size() < kMaxOpenKeys) return open_.emplace_back(std::move(key));
  auto oldest = std::min_element(open_.begin(), open_.end(), [](auto& a, auto& b) { return a.used < b.used; });
  *oldest = std::move(key);
  return *oldest;
}

}  // namespace tinymls
