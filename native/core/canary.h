// Canaries of secret memory: eight bytes behind each block that depend on a random key and on their address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tinymls::canary {

constexpr size_t kLength = 8;

bool make_key();  // once, before any other call
[[noreturn]] void damaged();
uint64_t value(const uint8_t* at);

inline void put(uint8_t* at) {
  const uint64_t expected = value(at);
  std::memcpy(at, &expected, kLength);
}
inline bool intact(const uint8_t* at) {
  uint64_t found;
  std::memcpy(&found, at, kLength);
  return found == value(at);
}

}  // namespace tinymls::canary
