// Sealing and opening.
#include "core/keyring.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/random.h"

namespace tinymls {
namespace {

// To take one at each frame would be the dearest instruction of a seal, and two threads that seal at once would pass
// its cache line back and forth.
constexpr uint64_t kSequenceBlock = 64;

Nanos precise_clock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool overlap(View a, View b) {
  const auto at_a = reinterpret_cast<uintptr_t>(a.data()), at_b = reinterpret_cast<uintptr_t>(b.data());
  return !a.empty() && !b.empty() && at_a < at_b + b.size() && at_b < at_a + a.size();
}

// The text must stay in place behind the frame's header, or lie elsewhere.
bool fits(View frame, View text, View out, View aad) {
  if (overlap(aad, out)) return false;
  return !overlap(frame, text) || text.data() == frame.data() + kFrameHeaderLength;
}

// How many of the next sequence numbers a lane takes at once. Of several lanes, those it does not use count as used.
uint64_t block_size(uint32_t lanes, uint64_t max_operations) {
  return std::clamp<uint64_t>(max_operations / (lanes * uint64_t{16}), 1, kSequenceBlock);
}

}  // namespace

Result<size_t> Keyring::seal(const Lane::Use& use, View aad, View plaintext, MutableView out) {
  Lane& lane = use.lane();
  return counted(lane, lane.counters.sealed, kFrameOverhead, [&] { return seal_in(lane, aad, plaintext, out); });
}

Result<size_t> Keyring::open(const Lane::Use& use, View aad, View frame, MutableView out) {
  Lane& lane = use.lane();
  return counted(lane, lane.counters.opened, 0, [&] { return open_in(lane, aad, frame, out); });
}

// One operation in the lane, which answers the octets written. The text is shorter than those by `overhead`.
template <class Operation>
inline Result<size_t> Keyring::counted(Lane& lane, OperationCounters& counters, size_t overhead, Operation operation) {
  const Nanos started = counters.begin() ? precise_clock() : 0;
  const Result<size_t> result = operation();
  if (result) {
    counters.succeed(*result - overhead);
    if (started != 0) counters.time(static_cast<uint64_t>(precise_clock() - started));
  } else {
    lane.counters.fail(result.fault());
  }
  if (options_.timing_jitter != 0) jitter();
  return result ? result : failed(result.fault());
}

inline Result<size_t> Keyring::seal_in(Lane& lane, View aad, View plaintext, MutableView out) {
  const size_t size = plaintext.size() + kFrameOverhead;
  if (out.size() < size || !fits(out.first(size), plaintext, out.first(size), aad)) return Fault::kUsage;
  SealKey& seal = lane.seal;
  Result<uint64_t> sequence = Fault::kInternal;
  for (;;) {
    if (seal.version != version() || options_.clock() >= seal.until) {
      if (auto renewed = renew(seal); !renewed) return renewed.fault();
    }
    sequence = take_sequence(seal);
    if (sequence) break;
    if (auto rotated = exhaust(*seal.epoch); !rotated) return rotated.fault();
  }
  const auto header = out.first<kFrameHeaderLength>();
  seal.prefix.write(*sequence, header);
  const FrameNonce nonce(seal.key.iv, *sequence);
  auto sealed = seal.key.cipher.seal(nonce.view(), header, aad, plaintext,
                                     out.subspan(kFrameHeaderLength, size - kFrameHeaderLength));
  if (sealed) return size;
  wipe(out.first(size));
  return sealed.fault();
}

inline Result<uint64_t> Keyring::take_sequence(SealKey& seal) {
  if (seal.next == seal.end) {
    const uint64_t block = block_size(lane_count_.load(std::memory_order_relaxed), options_.max_operations);
    seal.next = seal.epoch->sequence.fetch_add(block, std::memory_order_relaxed);
    seal.end = seal.next + block;
  }
  if (seal.next >= kSequenceEnd || seal.next - seal.first >= options_.max_operations) return Fault::kExhausted;
  return seal.next++;
}

// Brings a lane to the step of now.
Result<void> Keyring::renew(SealKey& seal) {
  const std::lock_guard lock(mutex_);
  if (auto open = usable(); !open) return open;
  const Nanos now = options_.clock();  // under the mutex, so that no lane enters a step after another one has left it
  activate(now);
  if (now >= current().seal_until()) {
    if (auto rotated = rotate_locked(now, {}, RotationReason::kSchedule); !rotated) return rotated;
  }
  Epoch& epoch = current();
  const int64_t step = epoch.step_at(now);
  if (seal.epoch.get() != &epoch || seal.step != step) {
    seal.give_back();
    auto secret = epoch.ratchet.secret(static_cast<uint32_t>(step));
    if (!secret) return secret.fault();
    auto key = sender_key(*options_.library, options_.suite, secret->view(), sender_);
    if (!key) return key.fault();
    if (epoch.counted_step != step) {
      epoch.counted_step = step;
      epoch.counted_from = epoch.sequence.load(std::memory_order_relaxed);
    }
    epoch.use(step);
    seal = {.key = std::move(*key),
            .prefix = FramePrefix({options_.suite, epoch.number, static_cast<uint32_t>(step), sender_, 0}),
            .epoch = epochs_.back(),
            .step = static_cast<uint32_t>(step),
            .first = epoch.counted_from};
  }
  seal.version = version();
  seal.until = std::min({epoch.step_end(step), epoch.seal_until(), next_activation()});
  return {};
}

// A limit of use was met: the next epoch, unless another thread has opened it already.
Result<void> Keyring::exhaust(const Epoch& epoch) {
  const std::lock_guard lock(mutex_);
  if (auto open = usable(); !open) return open;
  if (&current() != &epoch) return {};
  if (!upcoming_.empty()) {
    activate_next();
    return {};
  }
  return rotate_locked(options_.clock(), {}, RotationReason::kLimit);
}

inline Result<size_t> Keyring::open_in(Lane& lane, View aad, View frame, MutableView out) {
  OpenKey* const key = frame.size() < kFrameOverhead ? nullptr : lane.find(frame.first<kFrameHeaderLength>());
  if (key == nullptr) return open_first(lane, aad, frame, out);
  const size_t size = frame.size() - kFrameOverhead;
  if (out.size() < size || !fits(frame, out.first(size), out.first(size), aad)) return Fault::kUsage;
  const Nanos now = options_.clock();
  if (key->version != version() || now >= key->expiry) {
    if (auto valid = revalidate(*key, now); !valid) return valid.fault();
  }
  const uint64_t sequence = frame_sequence(frame.first<kFrameHeaderLength>());
  if (auto opened = open_with(key->key, sequence, aad, frame, out.first(size)); !opened) return opened.fault();
  if (options_.replay_window == 0) return size;
  return accept(*key, sequence, out.first(size));
}

// A frame of a sender and step that the lane keeps no key for.
Result<size_t> Keyring::open_first(Lane& lane, View aad, View frame, MutableView out) {
  const auto header = read_frame_header(frame);
  if (!header) return closed() ? Fault::kClosed : header.fault();
  if (header->suite != options_.suite) return closed() ? Fault::kClosed : Fault::kInvalid;
  const size_t size = frame.size() - kFrameOverhead;
  if (out.size() < size || !fits(frame, out.first(size), out.first(size), aad)) return Fault::kUsage;
  const MutableView text = out.first(size);

  const Nanos now = options_.clock();
  auto derived = opening_key(*header, now);
  if (!derived) return derived.fault();
  if (auto opened = open_with(derived->key, header->sequence, aad, frame, text); !opened) return opened.fault();

  // The frame is authentic: only now may it change anything.
  if (auto followed = follow(*header, now, *derived); !followed) {
    wipe(text);
    return followed.fault();
  }
  OpenKey& key = lane.keep(std::move(*derived));
  if (options_.replay_window == 0) return size;
  return accept(key, header->sequence, text);
}

Result<void> Keyring::open_with(SenderKey& key, uint64_t sequence, View aad, View frame, MutableView text) {
  const FrameNonce nonce(key.iv, sequence);
  return key.cipher.open(nonce.view(), frame.first<kFrameHeaderLength>(), aad, frame.subspan(kFrameHeaderLength), text);
}

// Of an authentic frame: the replay window has the last word.
Result<size_t> Keyring::accept(OpenKey& key, uint64_t sequence, MutableView text) {
  const auto accepted = key.epoch->replay.accept(key.sender, sequence, options_.replay_window);
  if (accepted) return text.size();
  wipe(text);
  return accepted.fault();
}

void Keyring::jitter() {
  uint8_t bytes[8];
  if (!random_fill(bytes, *options_.library)) return;
  uint64_t draw = 0;
  for (const uint8_t octet : bytes) draw = draw << 8 | octet;
  const Nanos until = precise_clock() + static_cast<Nanos>(draw % static_cast<uint64_t>(options_.timing_jitter + 1));
  while (precise_clock() < until) std::this_thread::yield();
}

}  // namespace tinymls
