#include "core/frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace tinymls {
namespace {

std::vector<uint8_t> frame_of(const FrameHeader& header) {
  std::vector<uint8_t> frame(kFrameOverhead);
  FramePrefix(header).write(header.sequence, std::span<uint8_t, kFrameHeaderLength>(frame.data(), kFrameHeaderLength));
  return frame;
}

TEST(Frame, WritesTheFieldsBigEndian) {
  const auto frame = frame_of({AeadId::kAes256Gcm, 0x01020304, 0x00abcdef, {1, 2, 3, 4, 5, 6, 7, 8}, 0x0a0b0c0d0e0f});
  const std::vector<uint8_t> expected{0x12, 1, 2, 3, 4, 0,  0xab, 0xcd, 0xef, 1,  2, 3,
                                      4,    5, 6, 7, 8, 10, 11,   12,   13,   14, 15};
  EXPECT_EQ(std::vector<uint8_t>(frame.begin(), frame.begin() + kFrameHeaderLength), expected);
}

TEST(Frame, ReadsWhatItWrites) {
  const FrameHeader header{
      AeadId::kChaCha20Poly1305, UINT32_MAX, (1u << 24) - 1, {9, 8, 7, 6, 5, 4, 3, 2}, kSequenceEnd - 1};
  const auto read = read_frame_header(frame_of(header));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->suite, header.suite);
  EXPECT_EQ(read->epoch, header.epoch);
  EXPECT_EQ(read->step, header.step);
  EXPECT_EQ(read->sender, header.sender);
  EXPECT_EQ(read->sequence, header.sequence);
}

TEST(Frame, RefusesWhatIsNone) {
  const auto good = frame_of({AeadId::kAes128Gcm, 0, 0, {}, 0});
  ASSERT_TRUE(read_frame_header(good));
  for (size_t size = 0; size < kFrameOverhead; ++size) {
    EXPECT_EQ(read_frame_header(View(good).first(size)).fault(), Fault::kMalformed);
  }
  for (unsigned first = 0; first < 256; ++first) {
    auto frame = good;
    frame[0] = static_cast<uint8_t>(first);
    EXPECT_EQ(static_cast<bool>(read_frame_header(frame)), first >= 0x11 && first <= 0x13) << first;
  }
  auto beyond = good;
  beyond[5] = 1;  // step 2^24
  EXPECT_EQ(read_frame_header(beyond).fault(), Fault::kMalformed);
}

// RFC 8446 §5.3: padded on the left to the length of the iv.
TEST(Frame, TheNonceIsTheIvXorTheSequenceNumber) {
  const std::array<uint8_t, 12> iv{0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b};
  const auto nonce = [&](uint64_t sequence) {
    const FrameNonce made(iv, sequence);
    return std::vector<uint8_t>(made.view().begin(), made.view().end());
  };
  EXPECT_EQ(nonce(0), std::vector<uint8_t>(iv.begin(), iv.end()));
  const std::vector<uint8_t> expected{0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x87, 0x85, 0x8b, 0x8d, 0x8f, 0x8d};
  EXPECT_EQ(nonce(0x010203040506), expected);
}

}  // namespace
}  // namespace tinymls
