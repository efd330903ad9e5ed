#include "core/frame.h"

#include <algorithm>

#include "core/ratchet.h"

namespace tinymls {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kEpochAt = 1, kStepAt = 5, kSenderAt = 9, kSequenceAt = 17, kSequenceLength = 6;
static_assert(kSequenceAt + kSequenceLength == kFrameHeaderLength);

uint32_t get(View frame, size_t at) { return static_cast<uint32_t>(load_big_endian(frame.data() + at) >> 32); }

}  // namespace

FramePrefix::FramePrefix(const FrameHeader& header) {
  std::array<uint8_t, kSequenceAt> octets;
  octets[0] = static_cast<uint8_t>(kVersion << 4 | static_cast<uint8_t>(header.suite));
  for (size_t i = 0; i < 4; ++i) {
    octets[kEpochAt + i] = static_cast<uint8_t>(header.epoch >> (24 - 8 * i));
    octets[kStepAt + i] = static_cast<uint8_t>(header.step >> (24 - 8 * i));
  }
  std::copy(header.sender.begin(), header.sender.end(), octets.begin() + kSenderAt);
  std::memcpy(first_.data(), octets.data(), sizeof first_);
  last_ = uint64_t{octets[kTailAt]} << 8 | octets[kLastAt];
}

Result<FrameHeader> read_frame_header(View frame) {
  if (frame.size() < kFrameOverhead || frame[0] >> 4 != kVersion) return Fault::kMalformed;
  FrameHeader header;
  header.suite = static_cast<AeadId>(frame[0] & 0x0f);
  if (header.suite < AeadId::kAes128Gcm || header.suite > AeadId::kChaCha20Poly1305) return Fault::kMalformed;
  header.epoch = get(frame, kEpochAt);
  header.step = get(frame, kStepAt);
  if (header.step >= kRatchetSteps) return Fault::kMalformed;
  std::copy_n(frame.begin() + kSenderAt, kSenderIdLength, header.sender.begin());
  header.sequence = frame_sequence(frame.first<kFrameHeaderLength>());
  return header;
}

}  // namespace tinymls
