#include "core/replay.h"

#include <algorithm>
#include <bit>

namespace tinymls {

ReplayWindow::ReplayWindow(uint32_t size)
    : size_(size), words_(std::bit_ceil((size + kWordBits - 1) / kWordBits + 1)) {}

bool ReplayWindow::accept(uint64_t sequence) {
  const uint64_t word = sequence / kWordBits;
  const uint64_t ring = words_.size() - 1;
  if (sequence > highest_) {
    const uint64_t top = highest_ / kWordBits;
    const uint64_t entered = std::min<uint64_t>(word - top, words_.size());
    for (uint64_t i = 0; i < entered; ++i) words_[(word - i) & ring] = 0;
    highest_ = sequence;
  } else if (highest_ - sequence >= size_) {
    return false;
  }
  const uint64_t bit = uint64_t{1} << (sequence % kWordBits);
  uint64_t& seen = words_[word & ring];
  if ((seen & bit) != 0) return false;
  seen |= bit;
  return true;
}

Result<void> ReplayWindows::accept(const SenderId& sender, uint64_t sequence, uint32_t size) {
  const std::lock_guard lock(mutex_);
  auto window = windows_.find(sender);
  if (window == windows_.end()) {
    if (windows_.size() >= kMaxSenders) return Fault::kExhausted;
    window = windows_.emplace(sender, ReplayWindow(size)).first;
  }
  if (!window->second.accept(sequence)) return Fault::kReplayed;
  return {};
}

}  // namespace tinymls
