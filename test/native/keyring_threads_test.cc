// Any mix of sealing, opening, rotating, expiring and closing from several threads. Run it under ThreadSanitizer.
#include <mutex>
#include <set>
#include <thread>

#include "keyring_fixture.h"
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace tinymls {
namespace {

using namespace test;

TEST(KeyringThreads, NoSequenceNumberIsUsedTwice) {
  constexpr int kThreads = 4, kFrames = 20'000;
  KeyringOptions options;
  options.ratchet_period = 0;
  options.max_operations = 30'000;  // rotates in between
  auto ring = *Keyring::create(options, {});
  ring->admit_threads();
  std::vector<std::vector<std::pair<uint32_t, uint64_t>>> used(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : used) {
    threads.emplace_back([&] {
      Party party(ring);
      Bytes frame(64 + kFrameOverhead);
      const Bytes plaintext(64);
      for (int i = 0; i < kFrames; ++i) {
        ASSERT_TRUE(ring->seal(*party.lane, {}, plaintext, frame));
        const auto header = header_of(frame);
        mine.emplace_back(header.epoch, header.sequence);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::pair<uint32_t, uint64_t>> all;
  for (const auto& mine : used) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), size_t{kThreads} * kFrames);
  EXPECT_GT(ring->epoch(), 0u);
  EXPECT_EQ(ring->totals().sealed.operations, uint64_t{kThreads} * kFrames);
}

TEST(KeyringThreads, AnyMixOfOperationsEndsWithAWholeResultOrATypedFault) {
  for (const bool shared : {false, true}) {
    KeyringOptions options;
    options.shared = shared;
    options.ratchet_period = 1'000'000;
    options.state_lifetime = 200'000'000;
    options.min_key_rotation = 10'000'000;
    options.max_key_age = 20'000'000;
    options.replay_window = 1 << 20;
    auto ring = *Keyring::create(options, shared ? View(kSecret) : View{});
    ring->admit_threads();
    std::atomic<uint64_t> opened{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        auto lane = ring->attach();
        const Bytes plaintext = text("the text that all of them seal");
        Bytes frame(plaintext.size() + kFrameOverhead), out(plaintext.size());
        for (;;) {
          auto sealed = ring->seal(*lane, {}, plaintext, frame);
          if (!sealed) {
            EXPECT_EQ(sealed.fault(), Fault::kClosed);
            break;
          }
          auto result = ring->open(*lane, {}, frame, out);
          if (result) {
            EXPECT_EQ(out, plaintext);
            ++opened;
          } else {
            EXPECT_TRUE(result.fault() == Fault::kClosed || result.fault() == Fault::kExpired)
                << static_cast<int>(result.fault());
          }
        }
        ring->detach(lane);
      });
    }
    threads.emplace_back([&] {
      while (!stop) {
        ASSERT_TRUE(ring->collect());
        (void)ring->rotate({});
        (void)ring->status();
        (void)ring->totals();
        uint64_t seen = 0;
        (void)ring->events(seen);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    ring->close();
    stop = true;
    for (auto& thread : threads) thread.join();
    EXPECT_GT(opened, 0u);
    EXPECT_GT(ring->epoch(), 0u);
    EXPECT_EQ(ring->status().retained_epochs, 0u);
  }
}

#if !defined(_WIN32) && !defined(__SANITIZE_THREAD__)
// A child that sealed would repeat the nonces of its parent.
TEST(KeyringThreads, AForkedChildCannotUseTheKeys) {
  Party party{KeyringOptions{}};
  const Bytes frame = party.seal("x");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool refused = party.seal_fault() == Fault::kClosed && party.open_fault(frame) == Fault::kClosed &&
                         party.ring->rotate({}).fault() == Fault::kClosed;
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(party.open_fault(party.seal("x")), kNone);
}
#endif

}  // namespace
}  // namespace tinymls
