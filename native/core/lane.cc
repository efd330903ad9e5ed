#include "core/lane.h"

#include <algorithm>
#include <thread>

namespace tinymls {

// Another thread is wiping it, which takes less than a microsecond.
void Lane::wait() {
  for (uint8_t expected = kIdle; !state_.compare_exchange_weak(expected, kBusy, std::memory_order_acquire);
       expected = kIdle) {
    std::this_thread::yield();
  }
}

void Lane::wipe_and_leave() {
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
  seal.give_back();
  drop_keys();
  leave();
}

void Lane::expire(Nanos now) {
  if (!seize()) return;
  if (!used_) {
    seal.give_back();
    drop_keys();
  } else {
    used_ = false;
    if (seal.epoch && now >= seal.epoch->expiry(seal.step)) {
      seal.give_back();
      seal = {};
    }
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
