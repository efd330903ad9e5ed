// The functions of the bench's addon, for bench/addon.mjs. Arguments are taken as the bench gives them: this serves
// nobody else. A negative answer is a failure.
#include <node_api.h>

#include <array>

#ifdef __linux__
#include <sys/resource.h>
#endif

#include "floor.h"
#include "primitives.h"
#include "ratchet.h"

namespace tinymls::bench {
namespace {

std::vector<std::unique_ptr<Floor>> floors;
std::vector<std::unique_ptr<RatchetRun>> ratchets;
std::vector<std::unique_ptr<PrimitiveLoop>> loops;

template <size_t count>
std::array<double, count> numbers(napi_env env, napi_callback_info info) {
  napi_value values[count];
  size_t given = count;
  std::array<double, count> result{};
  if (napi_get_cb_info(env, info, &given, values, nullptr, nullptr) != napi_ok) return result;
  for (size_t i = 0; i < count; ++i) napi_get_value_double(env, values[i], &result[i]);
  return result;
}

napi_value answer(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

// (direction, size, count): an index for floorRun
napi_value floor_create(napi_env env, napi_callback_info info) {
  const auto [direction, size, count] = numbers<3>(env, info);
  auto floor = std::make_unique<Floor>(direction == 0 ? Direction::kSeal : Direction::kOpen, static_cast<size_t>(size),
                                       static_cast<size_t>(count));
  if (!floor->ready()) return answer(env, -1);
  floors.push_back(std::move(floor));
  return answer(env, static_cast<double>(floors.size() - 1));
}

napi_value floor_run(napi_env env, napi_callback_info info) {
  const auto [index, messages] = numbers<2>(env, info);
  return answer(env, floors[static_cast<size_t>(index)]->run(static_cast<size_t>(messages)) ? 0 : -1);
}

// (size, threads, seconds): messages in a second, of all threads
napi_value floor_threads(napi_env env, napi_callback_info info) {
  const auto [size, threads, seconds] = numbers<3>(env, info);
  return answer(env, floor_of_threads(static_cast<size_t>(size), static_cast<size_t>(threads), seconds));
}

// (cipher suite): an index for primitivesRun
napi_value primitives_create(napi_env env, napi_callback_info info) {
  const auto [suite] = numbers<1>(env, info);
  auto loop = PrimitiveLoop::create(static_cast<unsigned>(suite));
  if (!loop) return answer(env, -1);
  loops.push_back(std::move(loop));
  return answer(env, static_cast<double>(loops.size() - 1));
}

// (index, primitive, octets, count)
napi_value primitives_run(napi_env env, napi_callback_info info) {
  const auto [index, primitive, octets, count] = numbers<4>(env, info);
  const bool done = loops[static_cast<size_t>(index)]->run(static_cast<Primitive>(primitive),
                                                           static_cast<size_t>(octets), static_cast<size_t>(count));
  return answer(env, done ? 0 : -1);
}

// (ratchet, retained steps): an index for the two below
napi_value ratchet_create(napi_env env, napi_callback_info info) {
  const auto [id, retained] = numbers<2>(env, info);
  auto run = RatchetRun::create(id == 1 ? RatchetId::kAesCtr : RatchetId::kHkdfSha256, static_cast<uint32_t>(retained));
  if (!run) return answer(env, -1);
  ratchets.push_back(std::move(*run));
  return answer(env, static_cast<double>(ratchets.size() - 1));
}

napi_value ratchet_advance(napi_env env, napi_callback_info info) {
  const auto [index, steps] = numbers<2>(env, info);
  return answer(env, ratchets[static_cast<size_t>(index)]->advance(static_cast<uint32_t>(steps)) ? 0 : -1);
}

// (index, stride): octets
napi_value ratchet_largest_state(napi_env env, napi_callback_info info) {
  const auto [index, stride] = numbers<2>(env, info);
  const auto largest = ratchets[static_cast<size_t>(index)]->largest_state(static_cast<uint32_t>(stride));
  return answer(env, largest ? static_cast<double>(*largest) : -1);
}

// How often the system took the processor away from this thread; always 0 where it does not say.
napi_value interruptions(napi_env env, napi_callback_info) {
#ifdef __linux__
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) == 0) return answer(env, static_cast<double>(usage.ru_nivcsw));
#endif
  return answer(env, 0);
}

napi_value init(napi_env env, napi_value exports) {
  constexpr std::pair<const char*, napi_callback> kMethods[] = {
      {"floorCreate", floor_create},           {"floorRun", floor_run},
      {"floorThreads", floor_threads},         {"ratchetCreate", ratchet_create},
      {"ratchetAdvance", ratchet_advance},     {"ratchetLargestState", ratchet_largest_state},
      {"primitivesCreate", primitives_create}, {"primitivesRun", primitives_run},
      {"interruptions", interruptions},
  };
  for (const auto& [name, callback] : kMethods) {
    napi_value method = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &method);
    napi_set_named_property(env, exports, name, method);
  }
  return exports;
}

}  // namespace
}  // namespace tinymls::bench

NAPI_MODULE_INIT() { return tinymls::bench::init(env, exports); }
