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
      : kinds_(copied<uint8_t>(call.bytes(first))),
        lengths_(copied<uint32_t>(call.bytes(first + 1))),
        input_(call.bytes(first + 2)),
        output_(call.out(first + 3)),
        answers_(call.out(first + 4)) {
    if (call.refused() || !fit()) call.refuse(Fault::kUsage);
  }

  size_t count() const { return kinds_.size(); }

  // Where an operation begins in the joined arrays.
  struct Place {
    size_t index = 0, input = 0, output = 0;
  };

  Place after(Place place) const {
    const size_t text = length(2 * place.index), aad = length(2 * place.index + 1);
    return {place.index + 1, place.input + text + aad, place.output + room(kind(place.index), text)};
  }

  // Those from a place to before `last`.
  void run(Place place, size_t last, Keyring& ring, Lane& lane) const {
    while (place.index < last) {
      const Lane::Use use(lane);
      const Place first = place;
      do {
        run(place, ring, use);
        place = after(place);
      } while (place.index < std::min(last, first.index + kHeldOperations) && place.input < first.input + kHeldOctets);
    }
  }

 private:
  // Whoever wants the keys wiped meanwhile waits for no more than these.
  static constexpr size_t kHeldOperations = 64, kHeldOctets = 4096;

  void run(const Place& place, Keyring& ring, const Lane::Use& use) const {
    const size_t index = place.index;
    const View text = input_.subspan(place.input, length(2 * index)),
               aad = input_.subspan(place.input + text.size(), length(2 * index + 1));
    const MutableView out = output_.subspan(place.output, room(kind(index), text.size()));
    const auto result = kind(index) == Kind::kSeal ? ring.seal(use, aad, text, out) : ring.open(use, aad, text, out);
    const double answer = result ? static_cast<double>(*result) : -static_cast<double>(result.fault());
    std::memcpy(answers_.data() + index * sizeof answer, &answer, sizeof answer);
  }

  static size_t room(Kind kind, size_t text) {
    if (kind == Kind::kSeal) return text + kFrameOverhead;
    return text < kFrameOverhead ? 0 : text - kFrameOverhead;
  }

  // What was looked at stays as it was, whoever else may write the array.
  template <class Number>
  static std::vector<Number> copied(View octets) {
    std::vector<Number> numbers(octets.size() / sizeof(Number));
    if (!numbers.empty()) std::memcpy(numbers.data(), octets.data(), numbers.size() * sizeof(Number));
    return numbers;
  }

  Kind kind(size_t index) const { return static_cast<Kind>(kinds_[index]); }
  size_t length(size_t index) const { return lengths_[index]; }

  // The lengths add up to what the joined arrays hold: 2^32 of 32 bits stay far inside 64.
  bool fit() const {
    if (lengths_.size() != 2 * count() || answers_.size() != count() * sizeof(double)) return false;
    if (std::ranges::any_of(kinds_, [](uint8_t kind) { return kind > static_cast<uint8_t>(Kind::kOpen); }))
      return false;
    Place end;
    while (end.index < count()) end = after(end);
    return end.input == input_.size() && end.output == output_.size();
  }

  std::vector<uint8_t> kinds_;
  std::vector<uint32_t> lengths_;
  View input_;
  MutableView output_, answers_;
};

constexpr size_t kArrays = 5;

// (context, kinds, lengths, input, output, answers)
napi_value batch(napi_env env, napi_callback_info info) {
  Call<1 + kArrays> call(env, info);
  Attachment* const context = call.object<Attachment>(0);
  const Operations operations(call, 1);
  if (call.refused()) return call.refusal();
  operations.run({}, operations.count(), *context->ring, *context->lane);
  return call.number(context->ring->event_count() != context->seen ? 1 : 0);
}

// The arrays are of the call alone: TypeScript hands them to nobody until the promise is settled.
class BatchJob final : public Job {
 public:
  BatchJob(CallReader& call, std::shared_ptr<Keyring> ring, Operations operations)
      : ring_(std::move(ring)), operations_(std::move(operations)) {
    ring_->admit_threads();
    for (size_t i = 0; i < kArrays; ++i) {
      if (napi_create_reference(call.env(), call.value(1 + i), 1, &arrays_[i]) != napi_ok)
        call.refuse(Fault::kInternal);
    }
  }

  void run() override {
    // A few more parts than processors, so that one slow part does not keep the others waiting.
    const size_t count = operations_.count();
    const size_t parts = std::min(count, 4 * pool_parallelism());
    std::vector<Operations::Place> starts(parts);
    for (size_t part = 1; part < parts; ++part) {
      starts[part] = starts[part - 1];
      while (starts[part].index < count * part / parts) starts[part] = operations_.after(starts[part]);
    }
    parallel_for(parts, [&](size_t part) {
      const auto lane = ring_->attach();
      operations_.run(starts[part], count * (part + 1) / parts, *ring_, *lane);
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
