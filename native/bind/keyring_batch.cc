// Many operations of a Context in one call: here and now, or in parallel off the event loop.
#include <algorithm>
#include <cstring>

#include "bind/keyring.h"
#include "bind/worker.h"
#include "core/frame.h"
#include "core/pool.h"

namespace tinymls::bind {
namespace {

enum class Kind : uint8_t { kSeal = 0, kOpen = 1 };

// One octet of kind for each operation; the lengths of its text and aad (a Uint32Array); all texts and aads joined;
// room for all results, joined; and for each its octets or minus the Fault (a Float64Array). Arrays of numbers come as
// Uint8Arrays.
class Operations {
 public:
  Operations(CallReader& call, size_t first)
      : kinds_(call.bytes(first)),
        lengths_(call.bytes(first + 1)),
        input_(call.bytes(first + 2)),
        output_(call.out(first + 3)),
        answers_(call.out(first + 4)) {
    if (call.refused() || !place()) call.refuse(Fault::kUsage);
  }

  size_t count() const { return places_.size(); }

  // Those from `first` to before `last`.
  void run(size_t first, size_t last, Keyring& ring, Lane& lane) const {
    while (first < last) {
      const Lane::Use use(lane);
      size_t octets = 0;
      do {
        run(first, ring, use);
        octets += places_[first].text;
      } while (++first < last && octets < kHeldOctets);
    }
  }

 private:
  // Whoever wants the keys wiped meanwhile waits for no more than these.
  static constexpr size_t kHeldOctets = 4096;

  struct Place {
    size_t input, text, aad, output, room;
  };

  void run(size_t index, Keyring& ring, const Lane::Use& use) const {
    const Place& place = places_[index];
    const View text = input_.subspan(place.input, place.text),
               aad = input_.subspan(place.input + place.text, place.aad);
    const MutableView out = output_.subspan(place.output, place.room);
    const auto result = kind(index) == Kind::kSeal ? ring.seal(use, aad, text, out) : ring.open(use, aad, text, out);
    const double answer = result ? static_cast<double>(*result) : -static_cast<double>(result.fault());
    std::memcpy(answers_.data() + index * sizeof answer, &answer, sizeof answer);
  }

  Kind kind(size_t index) const { return static_cast<Kind>(kinds_[index]); }
  uint32_t length(size_t index) const {
    uint32_t value;
    std::memcpy(&value, lengths_.data() + index * sizeof value, sizeof value);
    return value;
  }

  bool place() {
    const size_t count = kinds_.size();
    if (lengths_.size() != 2 * count * sizeof(uint32_t) || answers_.size() != count * sizeof(double)) return false;
    places_.reserve(count);
    size_t input = 0, output = 0;
    for (size_t i = 0; i < count; ++i) {
      if (kinds_[i] > static_cast<uint8_t>(Kind::kOpen)) return false;
      const size_t text = length(2 * i), aad = length(2 * i + 1);
      const size_t room = kind(i) == Kind::kSeal  ? text + kFrameOverhead
                          : text < kFrameOverhead ? 0
                                                  : text - kFrameOverhead;
      places_.push_back({input, text, aad, output, room});
      input += text + aad;
      output += room;
    }
    return input == input_.size() && output == output_.size();
  }

  View kinds_, lengths_, input_;
  MutableView output_, answers_;
  std::vector<Place> places_;
};

constexpr size_t kArrays = 5;

// (context, kinds, lengths, input, output, answers)
napi_value batch(napi_env env, napi_callback_info info) {
  Call<1 + kArrays> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  const Operations operations(call, 1);
  if (call.refused()) return call.refusal();
  operations.run(0, operations.count(), *context->ring, *context->lane);
  return call.number(context->ring->event_count() != context->seen ? 1 : 0);
}

// The arrays are of the call alone: TypeScript hands them to nobody until the promise is settled.
class BatchJob final : public Job {
 public:
  BatchJob(CallReader& call, std::shared_ptr<Keyring> ring, Operations operations)
      : ring_(std::move(ring)), operations_(std::move(operations)) {
    for (size_t i = 0; i < kArrays; ++i) {
      if (napi_create_reference(call.env(), call.value(1 + i), 1, &arrays_[i]) != napi_ok)
        call.refuse(Fault::kInternal);
    }
  }

  void run() override {
    // A few more parts than processors, so that one slow part does not keep the others waiting.
    const size_t count = operations_.count();
    const size_t parts = std::min(count, 4 * pool_parallelism());
    parallel_for(parts, [&](size_t part) {
      const auto lane = ring_->attach();
      operations_.run(count * part / parts, count * (part + 1) / parts, *ring_, *lane);
      ring_->detach(lane);
    });
  }

  napi_value settle(napi_env env) override {
    for (napi_ref array : arrays_) napi_delete_reference(env, array);
    return async_number(env, 0);
  }

 private:
  std::shared_ptr<Keyring> ring_;
  Operations operations_;
  napi_ref arrays_[kArrays] = {};
};

napi_value process(napi_env env, napi_callback_info info) {
  Call<1 + kArrays> call(env, info);
  const auto context = call.pinned<Attachment>(0);
  Operations operations(call, 1);
  if (call.refused()) return call.refusal();
  auto job = std::make_unique<BatchJob>(call, context->ring, std::move(operations));
  return call.refused() ? call.refusal() : run_async(env, "tinymls.Context", std::move(job));
}

}  // namespace

void register_keyring_batch(napi_env env, napi_value exports) {
  static constexpr Method kMethods[] = {{"contextBatch", batch}, {"contextProcess", process}};
  define(env, exports, kMethods);
}

}  // namespace tinymls::bind
