#include "core/replay.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace tinymls {
namespace {

// The window against a set of all that was seen.
TEST(ReplayWindow, AgreesWithAModel) {
  for (uint32_t size : {1u, 63u, 64u, 65u, 1000u, 4096u}) {
    std::mt19937_64 random(size);
    ReplayWindow window(size);
    std::set<uint64_t> seen;
    uint64_t highest = 0;
    for (int i = 0; i < 20'000; ++i) {
      uint64_t sequence;
      switch (random() % 8) {
        case 0:
          sequence = highest + random() % (3 * size);
          break;
        case 1:
          sequence = highest > 2 * size ? highest - random() % (2 * size) : random() % (highest + 1);
          break;
        default:
          sequence = highest + random() % 3;
          break;
      }
      const bool expected = !seen.contains(sequence) && sequence + size > highest;
      ASSERT_EQ(window.accept(sequence), expected)
          << "size " << size << " sequence " << sequence << " highest " << highest;
      if (expected) seen.insert(sequence);
      highest = std::max(highest, expected ? sequence : 0);
    }
  }
}

TEST(ReplayWindow, ALeapForgetsNothingItShouldKnow) {
  ReplayWindow window(128);
  EXPECT_TRUE(window.accept(0));
  EXPECT_FALSE(window.accept(0));
  EXPECT_TRUE(window.accept(kSequenceEnd - 1));
  EXPECT_FALSE(window.accept(kSequenceEnd - 1));
  EXPECT_FALSE(window.accept(kSequenceEnd - 1 - 128));
  EXPECT_TRUE(window.accept(kSequenceEnd - 1 - 127));
  EXPECT_FALSE(window.accept(0));
}

TEST(ReplayWindows, KeepsSendersApartAndTheirNumberBounded) {
  ReplayWindows windows;
  for (size_t i = 0; i < ReplayWindows::kMaxSenders; ++i) {
    const SenderId sender{static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i >> 16)};
    ASSERT_TRUE(windows.accept(sender, 5, 64));
  }
  EXPECT_EQ(windows.accept({}, 5, 64).fault(), Fault::kReplayed);
  EXPECT_TRUE(windows.accept({}, 6, 64));
  EXPECT_EQ(windows.accept({0xff, 0xff, 0xff, 0xff}, 0, 64).fault(), Fault::kExhausted);
  EXPECT_EQ(windows.accept({}, 6, 64).fault(), Fault::kReplayed);
}

}  // namespace
}  // namespace tinymls
