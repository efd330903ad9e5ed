#include "core/compare.h"

namespace tinymls {
namespace {

// Stops the compiler from seeing through the accumulator and turning the walk into a branch.
inline uint32_t opaque(uint32_t value) {
#if defined(__GNUC__) || defined(__clang__)
  __asm__("" : "+r"(value));
  return value;
#else
  volatile uint32_t hidden = value;
  return hidden;
#endif
}

}  // namespace

bool constant_time_equal(View a, View b) {
  // Unequal lengths compare `a` with itself, so that the walk is the same, and are told apart by the first term.
  const bool same_length = a.size() == b.size();
  const uint8_t* other = same_length ? b.data() : a.data();
  uint32_t difference = same_length ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) difference = opaque(difference | (uint32_t{a[i]} ^ other[i]));
  return difference == 0;
}

}  // namespace tinymls
