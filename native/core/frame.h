// The frame of a Context, version 1: docs/context.md.
#pragma once

#include <array>
#include <bit>
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

void write_frame_header(const FrameHeader& header, std::span<uint8_t, kFrameHeaderLength> out);

// Fault::kMalformed: shorter than the overhead, another version, an unknown suite, a step beyond the tree.
Result<FrameHeader> read_frame_header(View frame);

// RFC 8446 §5.3: the sequence number, XORed onto the end of the iv. In one register: octet by octet, the processor
// would wait for its own stores.
inline std::array<uint8_t, kAeadNonceLength> frame_nonce(const std::array<uint8_t, kAeadNonceLength>& iv,
                                                         uint64_t sequence) {
  uint64_t big_endian = 0;
  for (unsigned i = 0; i < 64; i += 8) big_endian |= (sequence >> i & 0xff) << (56 - i);
  if constexpr (std::endian::native == std::endian::big) big_endian = sequence;
  constexpr size_t kAt = kAeadNonceLength - sizeof(uint64_t);
  auto nonce = iv;
  uint64_t tail;
  std::memcpy(&tail, iv.data() + kAt, sizeof tail);
  tail ^= big_endian;
  std::memcpy(nonce.data() + kAt, &tail, sizeof tail);
  return nonce;
}

}  // namespace tinymls
