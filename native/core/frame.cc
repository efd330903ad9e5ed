#include "core/frame.h"

#include <algorithm>

#include "core/ratchet.h"

namespace tinymls {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kEpochAt = 1, kStepAt = 5, kSenderAt = 9, kSequenceAt = 17, kSequenceLength = 6;
static_assert(kSequenceAt + kSequenceLength == kFrameHeaderLength);

// Of a fixed size, so that the compiler makes one store of it.
template <size_t size>
void put(uint64_t value, std::span<uint8_t, size> out) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(value >> (8 * (size - 1 - i)));
}

template <size_t size>
uint64_t get(std::span<const uint8_t, size> in) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint64_t{in[i]} << (8 * (size - 1 - i));
  return value;
}

}  // namespace

void write_frame_header(const FrameHeader& header, std::span<uint8_t, kFrameHeaderLength> out) {
  out[0] = static_cast<uint8_t>(kVersion << 4 | static_cast<uint8_t>(header.suite));
  put(header.epoch, out.subspan<kEpochAt, 4>());
  put(header.step, out.subspan<kStepAt, 4>());
  std::copy(header.sender.begin(), header.sender.end(), out.begin() + kSenderAt);
  put(header.sequence, out.subspan<kSequenceAt, kSequenceLength>());
}

Result<FrameHeader> read_frame_header(View frame) {
  if (frame.size() < kFrameOverhead || frame[0] >> 4 != kVersion) return Fault::kMalformed;
  FrameHeader header;
  header.suite = static_cast<AeadId>(frame[0] & 0x0f);
  if (header.suite < AeadId::kAes128Gcm || header.suite > AeadId::kChaCha20Poly1305) return Fault::kMalformed;
  header.epoch = static_cast<uint32_t>(get(frame.subspan<kEpochAt, 4>()));
  header.step = static_cast<uint32_t>(get(frame.subspan<kStepAt, 4>()));
  if (header.step >= kRatchetSteps) return Fault::kMalformed;
  std::copy_n(frame.begin() + kSenderAt, kSenderIdLength, header.sender.begin());
  header.sequence = get(frame.subspan<kSequenceAt, kSequenceLength>());
  return header;
}

}  // namespace tinymls
