#include "core/compare.h"

#include <cstring>

namespace tinymls {
namespace {

// Stops the compiler from seeing through the accumulator and turning the walk into a branch.
inline uint64_t opaque(uint64_t value) {
#if defined(__GNUC__) || defined(__clang__)
  __asm__("" : "+r"(value));
  return value;
#else
  volatile uint64_t hidden = value;
  return hidden;
#endif
}

inline uint64_t word(const uint8_t* octets) {
  uint64_t value;
  std::memcpy(&value, octets, sizeof value);
  return value;
}

}  // namespace

bool constant_time_equal(View a, View b) {
  // Unequal lengths compare `a` with itself, so that the walk is the same, and are told apart by the first term.
  const bool same_length = a.size() == b.size();
  const uint8_t* other = same_length ? b.data() : a.data();
  uint64_t difference = same_length ? 0 : 1;
  size_t i = 0;
  for (; a.size() - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
    difference = opaque(difference | (word(a.data() + i) ^ word(other + i)));
  }
  for (; i < a.size(); ++i) difference = opaque(difference | (uint64_t{a[i]} ^ other[i]));
  return difference == 0;
}

}  // namespace tinymls
