// Cuts the bytes of the fuzzer into values.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "core/fault.h"

namespace tinymls::fuzz {

// Unlike assert it stays in every kind of build.
inline void require(bool condition) {
  if (!condition) std::abort();
}

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  View take(size_t size) {
    const View taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  uint32_t number(uint32_t below) {
    uint32_t value = 0;
    for (uint8_t byte : take(below > 0x10000 ? 4 : below > 0x100 ? 2 : 1)) value = value << 8 | byte;
    return value % below;
  }
  View rest() { return take(rest_.size()); }

 private:
  View rest_;
};

}  // namespace tinymls::fuzz
