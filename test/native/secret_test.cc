#include "core/secret.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "hex.h"

namespace tinymls {
namespace {

using test::Bytes;

SecretBytes make(size_t size) {
  auto secret = SecretBytes::allocate(size);
  EXPECT_TRUE(secret);
  return std::move(*secret);
}

TEST(Secret, AllocatesZeroedAndCounts) {
  const auto before = secret_memory_stats();
  {
    SecretBytes secret = make(100);
    EXPECT_EQ(secret.size(), 100u);
    EXPECT_TRUE(std::ranges::equal(secret.view(), Bytes(100, 0)));
    EXPECT_EQ(secret_memory_stats().allocations, before.allocations + 1);
    EXPECT_GE(secret_memory_stats().in_use_bytes, before.in_use_bytes + 100);
  }
  EXPECT_EQ(secret_memory_stats().allocations, before.allocations);
  EXPECT_EQ(secret_memory_stats().in_use_bytes, before.in_use_bytes);
}

TEST(Secret, CopiesMovesShrinksAndClears) {
  const Bytes bytes{1, 2, 3, 4};
  auto secret = SecretBytes::copy(bytes);
  ASSERT_TRUE(secret);
  SecretBytes moved = std::move(*secret);
  EXPECT_EQ(secret->size(), 0u);
  EXPECT_TRUE(std::ranges::equal(moved.view(), bytes));
  moved.shrink(9);
  EXPECT_EQ(moved.size(), 4u);
  moved.shrink(2);
  EXPECT_EQ(moved.size(), 2u);
  EXPECT_EQ(moved.data()[0], 1);
  EXPECT_EQ(moved.data()[1], 2);
  moved.clear();
  EXPECT_EQ(moved.data(), nullptr);
  moved.clear();
  EXPECT_EQ(moved.size(), 0u);
}

TEST(Secret, ShrinkingWipesTheTail) {
  SecretBytes secret = make(4096);
  std::fill_n(secret.data(), 4096, 0xee);
  const uint8_t* data = secret.data();
  secret.shrink(100);
  const size_t canary = 8;
  EXPECT_TRUE(std::all_of(data + 100 + canary, data + 4096, [](uint8_t byte) { return byte == 0; }));
  secret.shrink(0);
  EXPECT_EQ(secret.data(), nullptr);
}

TEST(Secret, FreedBytesAreWiped) {
  for (size_t size : {1, 16, 17, 48, 1000, 8192}) {
    const SecretBytes keeps_the_chunk = make(size);
    SecretBytes secret = make(size);
    std::fill_n(secret.data(), size, 0xee);
    const uint8_t* data = secret.data();
    secret.clear();
    EXPECT_TRUE(std::all_of(data, data + size, [](uint8_t byte) { return byte == 0; })) << size;
  }
}

TEST(Secret, MoveAssignmentWipesWhatWasThere) {
  const SecretBytes keeps_the_chunk = make(32);
  SecretBytes secret = make(32), other = make(32);
  std::fill_n(secret.data(), 32, 0xee);
  const uint8_t* data = secret.data();
  secret = std::move(other);
  EXPECT_TRUE(std::all_of(data, data + 32, [](uint8_t byte) { return byte == 0; }));
  EXPECT_NE(secret.data(), data);
}

TEST(Secret, EmptyIsNoAllocation) {
  const auto before = secret_memory_stats();
  auto secret = SecretBytes::allocate(0);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->size(), 0u);
  EXPECT_TRUE(SecretBytes::copy({}));
  EXPECT_EQ(secret_memory_stats().allocations, before.allocations);
}

TEST(Secret, EverySizeHoldsItsBytesAndNoOthers) {
  std::vector<SecretBytes> secrets;
  for (size_t size = 1; size <= 9000; size += size < 300 ? 1 : 61) {
    secrets.push_back(make(size));
    std::fill_n(secrets.back().data(), size, static_cast<uint8_t>(size));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(secrets.back().data()) % 8, 0u);
  }
  for (const SecretBytes& secret : secrets) {
    const auto byte = static_cast<uint8_t>(secret.size());
    EXPECT_TRUE(std::all_of(secret.data(), secret.data() + secret.size(), [=](uint8_t one) { return one == byte; }));
  }
}

TEST(Secret, ImpossibleSizesAreAFault) {
  EXPECT_EQ(SecretBytes::allocate(SIZE_MAX).fault(), Fault::kMemory);
  EXPECT_EQ(SecretBytes::allocate(SIZE_MAX / 2).fault(), Fault::kMemory);
  EXPECT_EQ(SecretBytes::allocate(SIZE_MAX - 4096).fault(), Fault::kMemory);
}

TEST(Secret, SmallSecretsPackTightly) {
  const auto before = secret_memory_stats();
  std::vector<SecretBytes> secrets;
  for (int i = 0; i < 100000; ++i) secrets.push_back(make(32));
  const auto with = secret_memory_stats();
  const uint64_t mapped = with.locked_bytes + with.unlocked_bytes - before.locked_bytes - before.unlocked_bytes;
  EXPECT_LE(mapped, 100000u * 41);
  EXPECT_EQ(with.allocations - before.allocations, 100000u);
  secrets.clear();
  const auto after = secret_memory_stats();
  EXPECT_LE(after.locked_bytes + after.unlocked_bytes, before.locked_bytes + before.unlocked_bytes + 65536);
}

// The same operations as a plain model, in random order.
TEST(Secret, RandomSequencesMatchAModel) {
  std::mt19937 random(1);
  std::vector<std::pair<SecretBytes, Bytes>> live;
  const auto before = secret_memory_stats().allocations;
  for (int step = 0; step < 40000; ++step) {
    if (live.size() < 300 && random() % 2 == 0) {
      const size_t size = 1 + random() % (random() % 8 == 0 ? 12000 : 200);
      live.emplace_back(make(size), Bytes(size));
      for (size_t i = 0; i < size; ++i) live.back().first.data()[i] = live.back().second[i] = random();
    } else if (!live.empty()) {
      const size_t at = random() % live.size();
      auto& [secret, model] = live[at];
      ASSERT_TRUE(std::ranges::equal(secret.view(), model));
      if (random() % 3 == 0 && model.size() > 1) {
        model.resize(1 + random() % model.size());
        secret.shrink(model.size());
      } else {
        live[at] = std::move(live.back());
        live.pop_back();
      }
    }
    ASSERT_EQ(secret_memory_stats().allocations - before, live.size());
  }
}

TEST(Secret, ThreadsShareTheSlab) {
  const auto before = secret_memory_stats();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      std::mt19937 random(t);
      std::vector<SecretBytes> live(64);
      for (int i = 0; i < 20000; ++i) {
        SecretBytes& slot = live[random() % live.size()];
        for (uint8_t byte : slot.view()) wrong += byte != t + 1;
        auto made = SecretBytes::allocate(1 + random() % 100);
        if (!made) {
          ++wrong;
          continue;
        }
        std::fill_n(made->data(), made->size(), static_cast<uint8_t>(t + 1));
        slot = std::move(*made);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(secret_memory_stats().allocations, before.allocations);
}

// Freed by another thread than the one that allocated.
TEST(Secret, ThreadsHandSecretsOver) {
  const auto before = secret_memory_stats();
  for (int round = 0; round < 20; ++round) {
    std::vector<SecretBytes> secrets;
    for (int i = 0; i < 2000; ++i) secrets.push_back(make(16 + i % 50));
    std::thread([moved = std::move(secrets)]() mutable { moved.clear(); }).join();
  }
  EXPECT_EQ(secret_memory_stats().allocations, before.allocations);
}

TEST(Secret, ScratchOnTheStackIsWiped) {
  alignas(WipedArray<32>) uint8_t place[sizeof(WipedArray<32>)];
  auto* scratch = new (place) WipedArray<32>;
  std::fill_n(scratch->data, 32, 0xee);
  scratch->~WipedArray();
  EXPECT_TRUE(std::ranges::equal(place, Bytes(32, 0)));
}

}  // namespace
}  // namespace tinymls
