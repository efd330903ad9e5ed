// The key ring of a Context: its epochs, shared by any number of threads. docs/context.md says what it promises.
#pragma once

#include "core/lane.h"

namespace tinymls {

// A monotonic clock of coarse resolution (a few milliseconds), which costs a few nanoseconds to read.
Nanos coarse_clock();

struct KeyringOptions {
  const Library* library = &Library::standard();
  AeadId suite = AeadId::kAes256Gcm;
  RatchetId ratchet = RatchetId::kAesCtr;
  bool shared = false;  // peers hold the secret too: epochs are deterministic, and frames of later ones are followed
  bool fleet = false;   // `shared`, but each epoch has a secret of its own that comes from outside (keyring_fleet.cc)
  Nanos ratchet_period = 100'000'000;
  Nanos state_lifetime = Nanos{86'400} * 1'000'000'000;
  Nanos min_key_rotation = Nanos{1'800} * 1'000'000'000;
  Nanos max_key_age = Nanos{3'600} * 1'000'000'000;
  uint64_t max_operations = uint64_t{1} << 32;
  uint32_t max_epoch_skip = 64;
  uint32_t max_step_ahead = kRatchetSteps - 1;
  uint32_t replay_window = 0;  // 0: off
  Nanos timing_jitter = 0;
  Nanos (*clock)() = coarse_clock;
  // Where the numbers start; only tests of the limits start elsewhere.
  uint32_t first_epoch = 0;
  Nanos first_age = 0;
  uint64_t first_sequence = 0;
};

enum class RotationReason : uint8_t { kRequested = 0, kSchedule = 1, kLimit = 2, kFollowed = 3 };

struct KeyringEvent {
  enum class Kind : uint8_t { kRotated = 0, kExpired = 1, kClosed = 2 };
  Kind kind;
  uint8_t detail;  // of kRotated: RotationReason; of kClosed: the Fault that was fatal, or 0
  uint32_t epoch;
};

struct KeyringStatus {
  bool closed;
  uint32_t epoch;
  Nanos epoch_age, uptime, next_rotation;  // the last one relative to now
  uint64_t rotations, expired_epochs, events;
  size_t retained_epochs, retained_nodes, retained_steps, state_bytes, lanes;
};

class Keyring {
 public:
  // `secret` is the shared secret, or entropy to mix with 32 random bytes. Fault::kUsage on options out of range.
  static Result<std::shared_ptr<Keyring>> create(const KeyringOptions& options, View secret);
  ~Keyring();
  Keyring(const Keyring&) = delete;
  Keyring& operator=(const Keyring&) = delete;

  // A lane for one thread. `detach` keeps what it counted. The first lane is alone, and all that is called is called
  // from its thread, until that thread admits others.
  std::shared_ptr<Lane> attach();
  void admit_threads();
  void detach(const std::shared_ptr<Lane>& lane);

  // Each answers the octets written. The output is written whole, or untouched or wiped. Input and output may overlap
  // only where the text stays in place: out + 23 is the plaintext, or the frame's octet 23 is out.
  Result<size_t> seal(const Lane::Use& use, View aad, View plaintext, MutableView out);
  Result<size_t> open(const Lane::Use& use, View aad, View frame, MutableView out);

  // The new epoch. Entropy is for a Keyring that is not shared, or Fault::kUsage.
  Result<uint32_t> rotate(View entropy);
  // Mixed into all later rotations of a Keyring that is not shared.
  Result<void> stir(View entropy);
  // An epoch of a fleet, `age` old, which is after all that are known; at once for opening, for sealing when `delay`
  // has passed or the current one may seal no more. Fault::kUsage for another Keyring.
  Result<void> adopt(uint32_t number, View epoch_secret, Nanos age, Nanos delay, RotationReason reason);
  // Erases what expired, rotates when that is due. `clock()` is the time.
  Result<void> collect();
  void close(Fault cause = {});

  // Lock-free.
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  uint32_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  uint64_t event_count() const { return event_count_.load(std::memory_order_acquire); }

  KeyringStatus status();
  Totals totals();
  // The events after the first `seen`; the oldest are forgotten beyond kMaxEvents. `seen` becomes the number of all.
  std::vector<KeyringEvent> events(uint64_t& seen);

  static constexpr size_t kMaxEvents = 64;
  // A forked child would seal under the nonces of its parent, so that a Keyring works in the process that made it
  // alone.
  static void count_fork() { forks_.fetch_add(1); }

  const KeyringOptions& options() const { return options_; }
  const SenderId& sender() const { return sender_; }

 private:
  Keyring(const KeyringOptions& options, const SenderId& sender) : options_(options), sender_(sender) {}

  // Hot path
  template <class Operation>
  Result<size_t> counted(Lane& lane, OperationCounters& counters, size_t overhead, Operation operation);
  Result<uint64_t> take_sequence(SealKey& seal);
  Result<void> renew(SealKey& seal);
  Result<OpenKey> opening_key(const FrameHeader& header, Nanos now);
  Result<void> revalidate(OpenKey& key, Nanos now);
  Result<void> follow(const FrameHeader& header, Nanos now, OpenKey& key);
  Result<size_t> seal_in(Lane& lane, View aad, View plaintext, MutableView out);
  Result<size_t> open_in(Lane& lane, View aad, View frame, MutableView out);
  Result<size_t> open_first(Lane& lane, View aad, View frame, MutableView out);
  // The sequence number is read once: the frame may lie in memory that another thread writes to.
  Result<void> open_with(SenderKey& key, uint64_t sequence, View aad, View frame, MutableView text);
  Result<size_t> accept(OpenKey& key, uint64_t sequence, MutableView text);
  void jitter();

  // Under the mutex
  Epoch& current() { return *epochs_.back(); }
  std::shared_ptr<Epoch> find(uint32_t epoch) const;
  Result<void> begin_epoch(uint32_t number, View epoch_secret, Nanos now);
  Result<std::shared_ptr<Epoch>> fleet_epoch(uint32_t number, View epoch_secret, Nanos begin) const;
  void activate(Nanos now);  // what of `upcoming_` is due
  void activate_next();
  Nanos next_activation() const { return upcoming_.empty() ? INT64_MAX : upcoming_.front().activation; }
  Result<void> rotate_locked(Nanos now, View entropy, RotationReason reason);
  Result<void> exhaust(const Epoch& epoch);
  Result<void> usable() const;
  Result<Ratchet> derive_ahead(uint32_t epochs) const;
  Result<void> follow_epochs(uint32_t epoch, Nanos begin);
  Result<Nanos> draw_rotation_age() const;
  void drop(size_t index);
  void record(KeyringEvent event);
  void changed() { version_.fetch_add(1, std::memory_order_acq_rel); }
  // Whoever caches something compares this first. It changes in a forked child too.
  uint64_t version() const { return version_.load(std::memory_order_acquire) + (uint64_t{process()} << 48); }
  static uint32_t process() { return forks_.load(std::memory_order_relaxed); }
  void close_locked(Fault cause);
  Fault failed(Fault fault);  // closes when it is fatal

  inline static constinit std::atomic<uint32_t> forks_{0};

  const KeyringOptions options_;
  const SenderId sender_;

  std::atomic<uint64_t> version_{1};
  std::atomic<uint32_t> epoch_{0};
  std::atomic<bool> closed_{false};
  std::atomic<uint32_t> lane_count_{0};
  std::atomic<uint64_t> event_count_{0};

  std::mutex mutex_;
  struct Upcoming {
    std::shared_ptr<Epoch> epoch;
    Nanos activation;
    RotationReason reason;
  };
  std::vector<std::shared_ptr<Epoch>> epochs_;  // the retained ones by number, the current one last
  std::vector<Upcoming> upcoming_;              // of a fleet: known, and not yet sealed under
  SecretBytes next_;                            // the way to the epoch after the current one
  SecretBytes stirred_;
  std::vector<std::shared_ptr<Lane>> lanes_;
  std::vector<KeyringEvent> events_;
  Totals detached_;
  uint64_t rotations_ = 0, expired_epochs_ = 0;
  Nanos born_ = 0;
  bool threads_admitted_ = false;
  uint32_t process_ = 0;  // the process, counted in forks, that this belongs to
};

}  // namespace tinymls
