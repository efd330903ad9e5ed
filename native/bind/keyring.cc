// The key ring of a Context: sealing and opening one frame, and its life.
#include "bind/keyring.h"

#include <cstring>

#include "core/random.h"
#include "core/share.h"

namespace tinymls::bind {
namespace {

// Added to the octets written when there are events that JavaScript has not seen.
constexpr double kNews = 1099511627776.0;  // 2^40

constexpr Nanos kMillisecond = 1'000'000, kMicrosecond = 1'000;

// Who else has the keys.
enum class Peers : uint8_t { kNone = 0, kSecret = 1, kFleet = 2 };

template <auto operation>
napi_value one_frame(napi_env env, napi_callback_info info) {
  Call<4> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  const View input = call.bytes_of_known_array(1), output = call.bytes_of_known_array(2);
  const View aad = call.optional_bytes_of_any_memory(3);
  if (call.refused()) return call.refusal();
  const MutableView out(const_cast<uint8_t*>(output.data()), output.size());
  const Result<size_t> written = ((*context->ring).*operation)(*context->lane, aad, input, out);
  if (!written) return call.answer(written.fault());
  const bool news = context->ring->event_count() != context->seen;
  if (!news && *written <= INT32_MAX) {  // a small integer, which takes no memory
    napi_value number = nullptr;
    napi_create_int32(env, static_cast<int32_t>(*written), &number);
    return number;
  }
  return call.number(static_cast<double>(*written) + (news ? kNews : 0));
}

Nanos milliseconds(CallReader& call, size_t index) {
  const auto value = call.integer<uint64_t>(index);
  if (value < (uint64_t{1} << 40)) return static_cast<Nanos>(value) * kMillisecond;
  call.refuse(Fault::kUsage);
  return 0;
}

// (suite, ratchet, fips, peers, ratchetPeriod, stateLifetime, minKeyRotation, maxKeyAge, maxOperations, maxEpochSkip,
// maxStepAhead, replayWindow, timingJitter in microseconds, secret or entropy[, of a fleet: first epoch, its age])
napi_value create(napi_env env, napi_callback_info info) {
  Call<16> call(env, info);
  KeyringOptions options;
  options.suite = call.aead_id(0);
  options.ratchet = call.one_of(1, RatchetId::kAesCtr, RatchetId::kHkdfSha256);
  const bool fips = call.flag(2);
  const Peers peers = call.one_of(3, Peers::kNone, Peers::kFleet);
  options.shared = peers != Peers::kNone;
  options.fleet = peers == Peers::kFleet;
  options.ratchet_period = milliseconds(call, 4);
  options.state_lifetime = milliseconds(call, 5);
  options.min_key_rotation = milliseconds(call, 6);
  options.max_key_age = milliseconds(call, 7);
  options.max_operations = call.integer<uint64_t>(8);
  options.max_epoch_skip = call.integer<uint32_t>(9);
  options.max_step_ahead = call.integer<uint32_t>(10);
  options.replay_window = call.integer<uint32_t>(11);
  options.timing_jitter = static_cast<Nanos>(call.integer<uint32_t>(12)) * kMicrosecond;
  const View secret = call.absent(13) ? View{} : call.secret(13);
  if (options.fleet) {
    options.first_epoch = call.integer<uint32_t>(14);
    options.first_age = milliseconds(call, 15);
  }
  if (call.refused()) return call.refusal();
  if (fips) {
    const auto library = Library::fips();
    if (!library) return call.answer(library.fault());
    options.library = *library;
  } else {
    options.library = &call.library();
  }
  auto keyring = Keyring::create(options, secret);
  return keyring ? call.adopt(std::make_shared<Attachment>(std::move(*keyring))) : call.answer(keyring.fault());
}

// (context, epoch, secret, age, delay, reason): an epoch of a fleet.
napi_value adopt(napi_env env, napi_callback_info info) {
  Call<6> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  const auto epoch = call.integer<uint32_t>(1);
  const View secret = call.secret(2);
  const Nanos age = milliseconds(call, 3), delay = milliseconds(call, 4);
  const auto reason = call.one_of(5, RotationReason::kRequested, RotationReason::kFollowed);
  if (call.refused()) return call.refusal();
  return call.answer(context->ring->adopt(epoch, secret, age, delay, reason));
}

napi_value share(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  const MutableView out = call.out(1);
  if (out.size() != kShareTokenLength) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  if (context->ring->closed()) return call.answer(Fault::kClosed);
  const auto token = share_token(context->ring);
  if (!token) return call.answer(token.fault());
  std::copy(token->begin(), token->end(), out.begin());
  return call.number(0);
}

napi_value attach(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  const View token = call.bytes(0);
  if (call.refused()) return call.refusal();
  auto keyring = shared_keyring(token);
  if (!keyring || keyring->closed()) return call.answer(Fault::kClosed);
  auto context = std::make_shared<Attachment>(std::move(keyring));
  context->seen = context->ring->event_count();
  return call.adopt(std::move(context));
}

napi_value rotate(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  const View entropy = call.absent(1) ? View{} : call.secret(1);
  if (call.refused()) return call.refusal();
  const auto epoch = context->ring->rotate(entropy);
  return epoch ? call.number(*epoch) : call.answer(epoch.fault());
}

napi_value stir(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  const View entropy = call.secret(1);
  if (call.refused()) return call.refusal();
  return call.answer(context->ring->stir(entropy));
}

napi_value collect(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  if (call.refused()) return call.refusal();
  const auto collected = context->ring->collect();
  return call.answer(collected, context->ring->event_count() != context->seen ? 1 : 0);
}

napi_value close(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  if (call.refused()) return call.refusal();
  context->ring->close();
  return call.number(0);
}

napi_value epoch(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  return call.refused() ? call.refusal() : call.number(context->ring->epoch());
}

napi_value closed(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  return call.refused() ? call.refusal() : call.number(context->ring->closed() ? 1 : 0);
}

// Numbers for JavaScript: a Float64Array, as a Uint8Array.
class Numbers {
 public:
  Numbers(CallReader& call, size_t index) : out_(call.out(index)) {}
  void put(double value) {
    if (fits(1)) std::memcpy(out_.data() + at_, &value, sizeof value);
    at_ += sizeof value;
  }
  bool fits(size_t count) const { return at_ + count * sizeof(double) <= out_.size(); }
  bool filled() const { return at_ == out_.size(); }
  size_t written() const { return at_ / sizeof(double); }

 private:
  MutableView out_;
  size_t at_ = 0;
};

void put_totals(Numbers& numbers, const OperationTotals& totals) {
  for (const uint64_t value : {totals.operations, totals.bytes, totals.sampled_nanos}) {
    numbers.put(static_cast<double>(value));
  }
  for (const uint64_t count : totals.latency) numbers.put(static_cast<double>(count));
}

// In the order of lib/context/metrics.ts.
napi_value metrics(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  Numbers numbers(call, 1);
  if (call.refused()) return call.refusal();
  const KeyringStatus status = context->ring->status();
  const Totals totals = context->ring->totals();
  const SecretMemoryStats memory = secret_memory_stats();
  numbers.put(status.closed ? 1 : 0);
  numbers.put(status.epoch);
  for (const Nanos time : {status.epoch_age, status.uptime, status.next_rotation}) {
    numbers.put(static_cast<double>(time) / kMillisecond);
  }
  for (const uint64_t value :
       {status.rotations, status.expired_epochs, uint64_t{status.retained_epochs}, uint64_t{status.retained_nodes},
        uint64_t{status.retained_steps}, uint64_t{status.state_bytes}, uint64_t{status.lanes}, memory.locked_bytes,
        memory.unlocked_bytes, memory.in_use_bytes}) {
    numbers.put(static_cast<double>(value));
  }
  put_totals(numbers, totals.sealed);
  put_totals(numbers, totals.opened);
  for (const uint64_t count : totals.failures) numbers.put(static_cast<double>(count));
  return numbers.filled() ? call.number(0) : call.answer(Fault::kUsage);
}

// The events since the last call: kind, detail and epoch of each. Answers their number.
napi_value events(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  Numbers numbers(call, 1);
  if (!numbers.fits(3 * Keyring::kMaxEvents)) call.refuse(Fault::kUsage);
  if (call.refused()) return call.refusal();
  const auto events = context->ring->events(context->seen);
  for (const KeyringEvent& event : events) {
    numbers.put(static_cast<double>(event.kind));
    numbers.put(event.detail);
    numbers.put(event.epoch);
  }
  return call.number(static_cast<double>(events.size()));
}

}  // namespace

void register_keyring(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {
      {"contextCreate", create},
      {"contextSeal", one_frame<&Keyring::seal>},
      {"contextOpen", one_frame<&Keyring::open>},
      {"contextShare", share},
      {"contextAdopt", adopt},
      {"contextAttach", attach},
      {"contextRotate", rotate},
      {"contextStir", stir},
      {"contextCollect", collect},
      {"contextClose", close},
      {"contextEpoch", epoch},
      {"contextClosed", closed},
      {"contextMetrics", metrics},
      {"contextEvents", events},
  };
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
