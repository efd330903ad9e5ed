#include "core/ratchet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <vector>

namespace tinymls {
namespace {

class RatchetTest : public testing::TestWithParam<RatchetId> {
 protected:
  static std::array<uint8_t, 32> root() {
    std::array<uint8_t, 32> bytes;
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
    return bytes;
  }
  static Ratchet fresh() { return std::move(*Ratchet::create(Library::standard(), GetParam(), root())); }
  static std::vector<uint8_t> secret(Ratchet& ratchet, uint32_t step) {
    auto secret = ratchet.secret(step);
    EXPECT_TRUE(secret) << "step " << step << " fault " << static_cast<int>(secret.fault());
    return secret ? std::vector<uint8_t>(secret->view().begin(), secret->view().end()) : std::vector<uint8_t>();
  }
};

std::vector<uint8_t> from_hex(std::string_view hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

TEST_P(RatchetTest, AnyOrderOfStepsGivesTheSameKeys) {
  std::mt19937 random(7);
  std::vector<uint32_t> steps{0, 1, 2, 3, 4, 255, 256, 65535, 65536, 863'999, kRatchetSteps / 2, kRatchetSteps - 1};
  for (int i = 0; i < 60; ++i) steps.push_back(random() % kRatchetSteps);
  Ratchet forward = fresh();
  std::sort(steps.begin(), steps.end());
  std::vector<std::vector<uint8_t>> expected;
  for (uint32_t step : steps) expected.push_back(secret(forward, step));

  std::vector<size_t> order(steps.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int round = 0; round < 3; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    Ratchet shuffled = fresh();
    for (size_t i : order) EXPECT_EQ(secret(shuffled, steps[i]), expected[i]) << steps[i];
  }
  // Erasing what lies before each step changes none of the later ones.
  Ratchet erasing = fresh();
  for (size_t i = 0; i < steps.size(); ++i) {
    ASSERT_TRUE(erasing.erase_before(steps[i]));
    EXPECT_EQ(secret(erasing, steps[i]), expected[i]);
    EXPECT_EQ(secret(erasing, steps.back()), expected.back());
  }
}

TEST_P(RatchetTest, AllStepsOfAWindowDiffer) {
  Ratchet ratchet = fresh();
  std::vector<std::vector<uint8_t>> all;
  for (uint32_t step = 1000; step < 3000; ++step) all.push_back(secret(ratchet, step));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST_P(RatchetTest, AnErasedStepCannotBeRead) {
  std::mt19937 random(11);
  Ratchet ratchet = fresh();
  uint32_t first = 0;
  for (int i = 0; i < 200 && first < kRatchetSteps; ++i) {
    (void)secret(ratchet, first);  // keeps ancestors that the next erasure must drop
    first += 1 + random() % (i % 2 == 0 ? 3 : 100'000);
    first = std::min(first, kRatchetSteps);
    ASSERT_TRUE(ratchet.erase_before(first));
    EXPECT_EQ(ratchet.first(), first);
    EXPECT_LE(ratchet.nodes(), size_t{kRatchetDepth});
    for (uint32_t gone : {0u, first / 2, first - 1}) {
      const auto erased = ratchet.secret(gone);
      ASSERT_FALSE(erased);
      EXPECT_EQ(erased.fault(), Fault::kExpired);
    }
    if (first < kRatchetSteps) {
      EXPECT_EQ(secret(ratchet, first).size(), 32u);
    }
  }
  ASSERT_TRUE(ratchet.erase_before(first / 2));  // backwards is nothing
  EXPECT_EQ(ratchet.first(), first);
}

TEST_P(RatchetTest, TheLastStepGoesToo) {
  Ratchet ratchet = fresh();
  ASSERT_TRUE(ratchet.erase_before(kRatchetSteps - 1));
  EXPECT_EQ(ratchet.nodes(), 1u);
  EXPECT_EQ(secret(ratchet, kRatchetSteps - 1).size(), 32u);
  ASSERT_TRUE(ratchet.erase_before(kRatchetSteps));
  EXPECT_EQ(ratchet.nodes(), 0u);
  EXPECT_EQ(ratchet.secret(kRatchetSteps - 1).fault(), Fault::kExpired);
  EXPECT_EQ(ratchet.secret(kRatchetSteps).fault(), Fault::kUsage);
  EXPECT_EQ(ratchet.erase_before(kRatchetSteps + 1).fault(), Fault::kUsage);
}

TEST_P(RatchetTest, TheStateOfADayOfStepsFitsOneKibibyte) {
  constexpr uint32_t kDay = 864'000;  // 24 h of 100 ms
  Ratchet ratchet = fresh();
  size_t largest = 0;
  for (uint32_t now = 0; now < 2 * kDay; now += 997) {
    (void)secret(ratchet, now);
    ASSERT_TRUE(ratchet.erase_before(now < kDay ? 0 : now - kDay));
    largest = std::max(largest, ratchet.state_bytes());
  }
  EXPECT_LE(largest, 1024u);
}

TEST_P(RatchetTest, ARootOfAnotherLengthIsRefused) {
  EXPECT_EQ(Ratchet::create(Library::standard(), GetParam(), View(root()).first(31)).fault(), Fault::kUsage);
  Ratchet none;
  EXPECT_EQ(none.secret(0).fault(), Fault::kUsage);
}

INSTANTIATE_TEST_SUITE_P(Both, RatchetTest, testing::Values(RatchetId::kAesCtr, RatchetId::kHkdfSha256));

// Steps of the tree over the root 00..1f, computed with node:crypto.
TEST(Ratchet, KnownAnswers) {
  std::array<uint8_t, 32> root;
  for (size_t i = 0; i < root.size(); ++i) root[i] = static_cast<uint8_t>(i);
  struct {
    RatchetId id;
    uint32_t step;
    const char* secret;
  } const answers[] = {
      {RatchetId::kAesCtr, 0, "8395ef177b719f86f9630439a0c11670c6c4ca25c5edee6c4962e561494be29a"},
      {RatchetId::kAesCtr, 1, "d9e555f7d2f8fe1300a0643b5f65036b08225041595e8539a351a38e20d592c2"},
      {RatchetId::kAesCtr, 864000, "cbac9ee1c8f4514cf9217f52330148fcd4b90eada9120966e44c8b875aac5cdb"},
      {RatchetId::kAesCtr, 16777215, "4f413b4e05c1c1005e4fb97d2132e21d61fbd39b69f9dff446e50dfc2155b994"},
      {RatchetId::kHkdfSha256, 0, "395431fc6ae4f0c6919daf41cabc5ad33e6034496771ad13cd8ea4e6490a8800"},
      {RatchetId::kHkdfSha256, 1, "bc000b2be12bf31190a9017a57690e277fe93bcbfd4d450cb39c1a9577b771c7"},
      {RatchetId::kHkdfSha256, 864000, "3cd2ea85913cdcef5bbb0a4ffa7a4ef753d8916ea7c4e8388ae5536a3fbf1373"},
      {RatchetId::kHkdfSha256, 16777215, "af44eb2a572522cd20d95da7f5d8ba916836aeb3f6e8a3775726dd93a9465a3b"},
  };
  for (const auto& answer : answers) {
    auto ratchet = Ratchet::create(Library::standard(), answer.id, root);
    ASSERT_TRUE(ratchet);
    auto secret = ratchet->secret(answer.step);
    ASSERT_TRUE(secret);
    EXPECT_EQ(std::vector<uint8_t>(secret->view().begin(), secret->view().end()), from_hex(answer.secret));
  }
}

}  // namespace
}  // namespace tinymls
