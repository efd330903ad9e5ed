// What stands in the memory of this process, for tests of what is wiped. Linux alone has the files that it reads.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "core/random.h"

namespace tinymls::test {

inline constexpr size_t kSought = 32;

// Octets that stand nowhere in memory, but for a copy with every bit flipped.
class Hidden {
 public:
  Hidden() : flipped_(100) { EXPECT_TRUE(random_fill(flipped_, Library::standard())); }
  // At least kSought octets. The caller wipes them.
  explicit Hidden(View octets) {
    for (const uint8_t octet : octets) flipped_.push_back(static_cast<uint8_t>(~octet));
  }
  size_t size() const { return flipped_.size(); }
  void show(MutableView out) const {
    for (size_t i = 0; i < flipped_.size(); ++i) out[i] = static_cast<uint8_t>(~flipped_[i]);
  }
  // Where the first octet is, or null.
  const uint8_t* first_in(const uint8_t* from, const uint8_t* to) const {
    const auto length = static_cast<size_t>(to - from);
    return static_cast<const uint8_t*>(std::memchr(from, static_cast<uint8_t>(~flipped_[0]), length));
  }
  // The first of them all.
  bool begins(const uint8_t* at) const {
    for (size_t i = 0; i < kSought; ++i) {
      if (at[i] != static_cast<uint8_t>(~flipped_[i])) return false;
    }
    return true;
  }

 private:
  std::vector<uint8_t> flipped_;
};

// How often they stand in the writable memory of this process, the buffer of the search not counted.
inline size_t occurrences(const Hidden& hidden) {
  static std::vector<uint8_t> buffer(1 << 20);
  const auto own = reinterpret_cast<uintptr_t>(buffer.data());
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(memory, 0);
  size_t found = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t from, to;
    char access[5];
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, access) != 3 || access[1] != 'w')
      continue;
    if (to - from > (size_t{1} << 28)) continue;  // the shadow memory of a sanitizer
    for (uintptr_t at = from; at < to; at += buffer.size() - kSought) {
      const ssize_t read =
          pread(memory, buffer.data(), std::min<size_t>(buffer.size(), to - at), static_cast<off_t>(at));
      if (read < static_cast<ssize_t>(kSought)) continue;
      const uint8_t* const end = buffer.data() + read - kSought + 1;
      // By memchr: a loop over each octet takes minutes under ThreadSanitizer.
      for (const uint8_t* next = buffer.data(); (next = hidden.first_in(next, end)) != nullptr; ++next) {
        const uintptr_t place = at + static_cast<size_t>(next - buffer.data());
        if (hidden.begins(next) && (place < own || place >= own + buffer.size())) ++found;
      }
    }
  }
  close(memory);
  std::fill(buffer.begin(), buffer.end(), uint8_t{0});
  return found;
}

}  // namespace tinymls::test
