// A lane: what one thread keeps of a Keyring so that it seals and opens without a lock.
#pragma once

#include <vector>

#include "core/counters.h"
#include "core/epoch.h"

namespace tinymls {

struct SealKey {
  SenderKey key;
  FramePrefix prefix;
  std::shared_ptr<Epoch> epoch;
  uint32_t step = 0;
  uint64_t version = 0;        // of the Keyring, when this was derived
  Nanos until = 0;             // of use: the end of the step, or of sealing under the epoch
  uint64_t first = 0;          // the step's first sequence number
  uint64_t next = 0, end = 0;  // sequence numbers taken and not yet used

  // Under the mutex of the Keyring: lets go of those, so that a lone lane leaves no gap. Where another lane has taken
  // later ones, or has begun to count for a later step, they count as used.
  void give_back() {
    uint64_t last = end;
    if (next != end && epoch->counted_step == step)
      epoch->sequence.compare_exchange_strong(last, next, std::memory_order_relaxed);
    next = end = 0;
  }
};

struct OpenKey {
  SenderKey key;
  FramePrefix prefix;
  std::shared_ptr<Epoch> epoch;
  uint32_t step = 0;
  SenderId sender{};
  uint64_t version = 0;
  Nanos expiry = 0;
  uint32_t used = 0;  // order of use among the keys of the lane
};

// One operation at a time: taking it is one uncontended exchange. Another thread wipes an idle lane itself and asks a
// busy one to do so when its operation ends, so that neither waits for the other. A lane that is alone takes no
// exchange, which waits for all writes before it: whoever wipes is its own thread.
class Lane {
 public:
  explicit Lane(bool alone = false) : alone_(alone) {}

  // Holds the lane for an operation, or for a few short ones.
  class Use {
   public:
    Use(Lane& lane) : lane_(lane) { lane.enter(); }  // NOLINT(google-explicit-constructor): for one operation, unnamed
    ~Use() { lane_.leave(); }
    Lane& lane() const { return lane_; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    Lane& lane_;
  };

  // From any thread that holds the mutex of the Keyring. `expire` drops the keys that expired by `now`; and all of them
  // where no operation used the lane since the last call, or where one is running and so drops them at its end.
  void wipe_keys();
  void expire(Nanos now);

  // From its own thread, before another one may do that.
  void end_alone() { alone_ = false; }

  // The rest is for the holder of a Use.
  OpenKey* find(std::span<const uint8_t, kFrameHeaderLength> header) {
    for (OpenKey& key : open_) {
      if (!key.prefix.begins(header)) continue;
      key.used = ++clock_;
      return &key;
    }
    return nullptr;
  }
  OpenKey& keep(OpenKey key);  // in place of the one longest unused

  SealKey seal;
  Counters counters;

 private:
  enum State : uint8_t { kIdle, kBusy, kBusyThenWipe };
  static constexpr size_t kMaxOpenKeys = 8;

  void enter() {
    if (!change(kIdle, kBusy, std::memory_order_acquire)) wait();
    used_ = true;
  }
  void leave() {
    if (!change(kBusy, kIdle, std::memory_order_release)) wipe_and_leave();
  }
  bool change(uint8_t from, State to, std::memory_order order) {
    if (!alone_) return state_.compare_exchange_strong(from, to, order);
    if (state_.load(std::memory_order_relaxed) != from) return false;
    state_.store(to, std::memory_order_relaxed);
    return true;
  }
  void wait();
  void wipe_and_leave();
  bool seize();  // true: held now; false: its holder wipes it
  void drop_keys();

  bool alone_;
  std::atomic<uint8_t> state_{kIdle};
  bool used_ = false;
  uint32_t clock_ = 0;
  std::vector<OpenKey> open_;
};

}  // namespace tinymls
