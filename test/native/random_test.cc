#include "core/random.h"

#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "core/keyring.h"
#include "core/keys.h"
#include "hex.h"

#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace tinymls {
namespace {

using test::Bytes;

TEST(Random, FillsTheWholeBuffer) {
  for (size_t size : {1, 15, 16, 17, 255, 256, 257, 5000}) {
    Bytes seen(size, 0), out(size);
    for (int round = 0; round < 40; ++round) {
      ASSERT_TRUE(random_fill(out));
      for (size_t i = 0; i < size; ++i) seen[i] |= out[i];
    }
    for (uint8_t bits : seen) EXPECT_NE(bits, 0);  // a byte that stayed 0 forty times was not written
  }
  EXPECT_TRUE(random_fill({}));
}

TEST(Random, SecretsDiffer) {
  std::set<Bytes> seen;
  for (int i = 0; i < 200; ++i) {
    auto secret = random_secret(16);
    ASSERT_TRUE(secret);
    ASSERT_EQ(secret->size(), 16u);
    EXPECT_TRUE(seen.emplace(secret->data(), secret->data() + 16).second);
  }
}

// What the library's own context answers is all there is: nothing else is asked in its place.
TEST(Random, DrawsFromTheContextOfTheLibrary) {
  Library sound, broken;
  for (Library* library : {&sound, &broken}) {
    library->owned.reset(OSSL_LIB_CTX_new());
    library->context = library->owned.get();
    ASSERT_NE(library->context, nullptr);
  }
  ASSERT_EQ(RAND_set_DRBG_type(broken.context, "no such generator", nullptr, nullptr, nullptr), 1);
  for (int turn = 0; turn < 2; ++turn) {
    Bytes out(40, 0x55);
    EXPECT_EQ(random_fill(out, broken).fault(), Fault::kRandom);
    EXPECT_EQ(out, Bytes(40, 0));
    EXPECT_EQ(random_secret(32, broken).fault(), Fault::kRandom);
    EXPECT_EQ(PrivateKey::generate(broken, KeyId::kDhkemX25519).fault(), Fault::kRandom);
    KeyringOptions options;
    options.library = &broken;
    EXPECT_EQ(Keyring::create(options, {}).fault(), Fault::kRandom);
    for (const Library* library : {static_cast<const Library*>(&sound), &Library::standard()}) {
      EXPECT_TRUE(random_fill(out, *library));
      EXPECT_TRUE(random_secret(32, *library));
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// A generator that is replaced for the length of a test.
class RandomHealth : public testing::Test {
 protected:
  void TearDown() override { set_random_source(nullptr); }

  static void expect_refusal() {
    Bytes out(40, 0x55);
    EXPECT_EQ(random_fill(out).fault(), Fault::kRandom);
    EXPECT_EQ(out, Bytes(40, 0));
    EXPECT_EQ(random_secret(32).fault(), Fault::kRandom);
  }
};

uint64_t counter = 0;
int counting(unsigned char* out, size_t size) {  // never repeats: passes the check, random or not
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>((++counter * 0x9e3779b97f4a7c15) >> 56);
  return 1;
}

TEST_F(RandomHealth, TheReplacedGeneratorIsUsed) {
  set_random_source(counting);
  const uint64_t before = counter;
  Bytes out(40);
  EXPECT_TRUE(random_fill(out));
  EXPECT_TRUE(random_secret(32));
  EXPECT_GE(counter, before + 72);
}

TEST_F(RandomHealth, AFailingGeneratorIsAFault) {
  set_random_source([](unsigned char*, size_t) { return 0; });
  expect_refusal();
}

TEST_F(RandomHealth, AStuckGeneratorIsRefusedAtTheStart) {
  set_random_source([](unsigned char* out, size_t size) {
    std::memset(out, 0x7a, size);
    return 1;
  });
  expect_refusal();
}

// Good at the start; bad from the given draw on.
int draws = 0;
int sticks_later(unsigned char* out, size_t size) {
  if (++draws < 6) return counting(out, size);
  std::memset(out, 0, size);
  return 1;
}

TEST_F(RandomHealth, AGeneratorThatSticksLaterIsRefusedThenAndForGood) {
  draws = 0;
  set_random_source(sticks_later);
  Bytes out(8);
  int good = 0;
  while (good < 10 && random_fill(out)) ++good;
  EXPECT_GT(good, 0);
  EXPECT_LT(good, 10);
  draws = 0;  // it has recovered: no matter
  expect_refusal();
  std::thread([] { expect_refusal(); }).join();
}

int repeats_itself(unsigned char* out, size_t size) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(i * 7 + i / 256);
  return 1;
}

TEST_F(RandomHealth, TheSameAnswerTwiceIsRefused) {
  set_random_source(repeats_itself);
  Bytes out(20);
  EXPECT_TRUE(random_fill(out));
  EXPECT_EQ(random_fill(out).fault(), Fault::kRandom);
  expect_refusal();
}

int repeats_blocks(unsigned char* out, size_t size) {
  if (size == 128) return counting(out, size);  // the check at the start
  counting(out, std::min<size_t>(size, 16));
  for (size_t i = 16; i < size; ++i) out[i] = out[i - 16];
  return 1;
}

TEST_F(RandomHealth, ARepeatedBlockWithinOneAnswerIsRefused) {
  set_random_source(repeats_blocks);
  EXPECT_EQ(random_secret(48).fault(), Fault::kRandom);
}

#ifndef _WIN32
TEST(Random, ParentAndForkedChildDiffer) {
  Bytes warm(16);
  ASSERT_TRUE(random_fill(warm));
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    Bytes out(64);
    const auto secret = random_secret(32);
    const bool ok =
        random_fill(out) && secret && write(ends[1], out.data(), 64) == 64 && write(ends[1], secret->data(), 32) == 32;
    _exit(ok ? 0 : 1);
  }
  Bytes ours(64), theirs(64), secret(32);
  ASSERT_TRUE(random_fill(ours));
  const auto our_secret = random_secret(32);
  ASSERT_TRUE(our_secret);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(read(ends[0], theirs.data(), 64), 64);
  ASSERT_EQ(read(ends[0], secret.data(), 32), 32);
  close(ends[0]);
  close(ends[1]);
  EXPECT_NE(ours, theirs);
  EXPECT_FALSE(std::ranges::equal(our_secret->view(), secret));
}
#endif

TEST(Random, ThreadsDrawApart) {
  std::vector<std::thread> threads;
  std::vector<Bytes> drawn(8, Bytes(32));
  for (Bytes& out : drawn) {
    threads.emplace_back([&out] { EXPECT_TRUE(random_fill(out)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<Bytes>(drawn.begin(), drawn.end()).size(), drawn.size());
}

}  // namespace
}  // namespace tinymls
