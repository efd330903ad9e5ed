// The frame of a Context, version 1: docs/context.md.
#pragma once

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "core/aead.h"

namespace tinymls {

constexpr size_t kFrameHeaderLength = 23;
constexpr size_t kFrameOverhead = kFrameHeaderLength + kAeadTagLength;
constexpr size_t kSenderIdLength = 8;
constexpr uint64_t kSequenceEnd = uint64_t{1} << 48;

using SenderId = std::array<uint8_t, kSenderIdLength>;

struct FrameHeader {
  AeadId suite{};
  uint32_t epoch = 0;
  uint32_t step = 0;
  SenderId sender{};
  uint64_t sequence = 0;  // below kSequenceEnd
};

// Fault::kMalformed: shorter than the overhead, another version, an unknown suite, a step beyond the tree.
Result<FrameHeader> read_frame_header(View frame);

// Named for the compiler, which does not know shifts and masks for what they are.
inline uint64_t reversed(uint64_t value) {
#ifdef _MSC_VER
  return _byteswap_uint64(value);
#else
  return __builtin_bswap64(value);
#endif
}
inline uint64_t load_big_endian(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? value : reversed(value);
}
inline void store_big_endian(uint64_t value, uint8_t* to) {
  if constexpr (std::endian::native == std::endian::little) value = reversed(value);
  std::memcpy(to, &value, sizeof value);
}

// What comes before the sequence number: the same in all frames of one sender in one step.
//
// Kept as the registers that a header is written and compared by. OpenSSL reads the first 16 octets of a header at
// once, and a load of what several stores wrote would wait until they have reached the cache.
class FramePrefix {
 public:
  FramePrefix() = default;
  explicit FramePrefix(const FrameHeader& header);

  void write(uint64_t sequence, std::span<uint8_t, kFrameHeaderLength> out) const {
    store_big_endian(last_ << 48 | sequence, out.data() + kTailAt);
    std::memcpy(out.data(), first_.data(), sizeof first_);  // the octet written twice is written alike
  }
  bool begins(std::span<const uint8_t, kFrameHeaderLength> header) const {
    std::array<uint64_t, 2> first;
    std::memcpy(first.data(), header.data(), sizeof first);
    return first[0] == first_[0] && first[1] == first_[1] && header[kLastAt] == (last_ & 0xff);
  }

 private:
  static constexpr size_t kTailAt = kFrameHeaderLength - sizeof(uint64_t), kLastAt = kTailAt + 1;

  std::array<uint64_t, 2> first_{};  // octets 0 to 15 as they lie in memory
  uint64_t last_ = 0;                // octets 15 and 16 as a number
};

inline uint64_t frame_sequence(std::span<const uint8_t, kFrameHeaderLength> header) {
  return load_big_endian(header.data() + kFrameHeaderLength - sizeof(uint64_t)) & (kSequenceEnd - 1);
}

// RFC 8446 §5.3: the sequence number, XORed onto the end of the iv. In registers, and stored at once: OpenSSL reads a
// nonce in two loads that overlap, which would wait for the cache where two stores wrote it.
class FrameNonce {
 public:
  FrameNonce(const std::array<uint8_t, kAeadNonceLength>& iv, uint64_t sequence) {
    constexpr size_t kAt = kAeadNonceLength - sizeof(uint64_t);
    uint64_t head, tail;
    std::memcpy(&head, iv.data(), sizeof head);
    store_big_endian(load_big_endian(iv.data() + kAt) ^ sequence, reinterpret_cast<uint8_t*>(&tail));
    // Octets 4 to 7 are in both.
    constexpr unsigned kHalf = 32;
    if constexpr (std::endian::native == std::endian::little) {
      octets_ = Register{(head & UINT32_MAX) | tail << kHalf, tail >> kHalf};
    } else {
      octets_ = Register{(head >> kHalf) << kHalf | tail >> kHalf, tail << kHalf};
    }
  }
  View view() const { return {reinterpret_cast<const uint8_t*>(&octets_), kAeadNonceLength}; }

 private:
#if defined(__GNUC__) || defined(__clang__)
  typedef uint64_t Register __attribute__((vector_size(16)));
#else
  using Register = std::array<uint64_t, 2>;
#endif
  Register octets_;
};

}  // namespace tinymls
