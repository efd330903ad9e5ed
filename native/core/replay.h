// Replay windows, in the way of RFC 6479: a ring of words, so that moving the window forward clears whole words.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "core/frame.h"

namespace tinymls {

// The sequence numbers of one sender in one epoch.
class ReplayWindow {
 public:
  explicit ReplayWindow(uint32_t size);

  // True once for each sequence number above `highest - size`; false for those and everything older.
  bool accept(uint64_t sequence);

 private:
  static constexpr unsigned kWordBits = 64;

  uint32_t size_;
  uint64_t highest_ = 0;
  std::vector<uint64_t> words_;  // a power of two of them, one more word than the window needs
};

// The windows of all senders of an epoch. Thread-safe.
class ReplayWindows {
 public:
  // Only authentic frames make a window, so that the bound meets holders of the key alone.
  static constexpr size_t kMaxSenders = 65536;

  // Fault::kReplayed, or kExhausted for a sender too many: it is refused rather than another one forgotten.
  Result<void> accept(const SenderId& sender, uint64_t sequence, uint32_t size);

 private:
  std::mutex mutex_;
  std::map<SenderId, ReplayWindow> windows_;
};

}  // namespace tinymls
