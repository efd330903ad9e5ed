// What concerns the process: limits of locked memory, forks, exit, core dumps, corruption. Most of it runs in children.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/pages.h"
#include "core/secret.h"
#include "hex.h"

#ifndef _WIN32
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <fstream>
#include <sstream>
#include <string>

namespace tinymls {
namespace {

using test::Bytes;

SecretBytes make(size_t size) {
  auto secret = SecretBytes::allocate(size);
  if (!secret) std::_Exit(90);
  std::fill_n(secret->data(), size, 0xee);
  return std::move(*secret);
}

bool is(View bytes, uint8_t value) {
  return std::all_of(bytes.begin(), bytes.end(), [=](uint8_t byte) { return byte == value; });
}

void damage(volatile uint8_t* at) { *at = *at ^ 1; }

// A privileged process knows no limit.
void limit_locked_memory(rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) std::_Exit(91);
  if (geteuid() == 0 && setuid(65534) != 0) std::_Exit(92);
}

// Exits with 0, or with the line of the first check that failed.
#define CHECK(condition) \
  if (!(condition)) std::_Exit(__LINE__ % 80 + 1)

class SecretProcess : public testing::Test {
 protected:
  // Each child starts the test program anew, so that it meets the slab untouched.
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(SecretProcess, BeyondTheLimitItGoesOnUnlockedAndCounts) {
  EXPECT_EXIT(
      {
        limit_locked_memory(128 << 10);
        std::vector<SecretBytes> secrets;
        for (int i = 0; i < 100; ++i) secrets.push_back(make(4000));
        SecretBytes large = make(1 << 20);
        const auto stats = secret_memory_stats();
        CHECK(stats.locked_bytes > 0 && stats.locked_bytes <= 128 << 10);
        CHECK(stats.unlocked_bytes >= (1 << 20) + 200000);
        CHECK(!stats.strict);
        const uint8_t* data = secrets[98].data();
        secrets[98].clear();
        CHECK(is({data, 4000}, 0));  // wiped all the same
        large.clear();
        CHECK(secret_memory_stats().unlocked_bytes <= stats.unlocked_bytes - (1 << 20));
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(SecretProcess, StrictRefusesBeyondTheLimit) {
  EXPECT_EXIT(
      {
        limit_locked_memory(128 << 10);
        set_secret_memory_strict(true);
        std::vector<SecretBytes> secrets;
        Fault fault = Fault::kInternal;
        for (int i = 0; i < 100; ++i) {
          auto secret = SecretBytes::allocate(4000);
          if (!secret) {
            fault = secret.fault();
            break;
          }
          secrets.push_back(std::move(*secret));
        }
        CHECK(!secrets.empty() && secrets.size() < 100 && fault == Fault::kMemory);
        CHECK(SecretBytes::allocate(1 << 20).fault() == Fault::kMemory);
        CHECK(secret_memory_stats().unlocked_bytes == 0 && secret_memory_stats().strict);
        secrets.clear();
        CHECK(SecretBytes::allocate(4000));  // what was given back can be had again
        set_secret_memory_strict(false);
        for (int i = 0; i < 100; ++i) secrets.push_back(make(4000));
        CHECK(secret_memory_stats().unlocked_bytes > 0);
        set_secret_memory_strict(true);  // free blocks of unlocked chunks are no answer now
        secrets.erase(secrets.begin() + 60, secrets.end());
        for (int i = 0; i < 60; ++i) {
          auto secret = SecretBytes::allocate(4000);
          if (!secret) std::_Exit(0);
          secrets.push_back(std::move(*secret));
        }
        std::_Exit(93);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(SecretProcess, FaultsOfTheSystemAreFaultsOfTheCall) {
  EXPECT_EXIT(
      {
        pages::fail(pages::kReserve);
        CHECK(SecretBytes::allocate(32).fault() == Fault::kMemory);
        CHECK(SecretBytes::allocate(100000).fault() == Fault::kMemory);
        pages::fail(pages::kTable);
        CHECK(SecretBytes::allocate(32).fault() == Fault::kMemory);
        pages::fail(0);
        SecretBytes first = make(32);
        pages::fail(pages::kCommit);
        SecretBytes second = make(32);  // there is a chunk for these
        CHECK(SecretBytes::allocate(64).fault() == Fault::kMemory);
        CHECK(SecretBytes::allocate(100000).fault() == Fault::kMemory);
        CHECK(SecretBytes::copy(Bytes(64)).fault() == Fault::kMemory);
        pages::fail(pages::kTable);
        CHECK(SecretBytes::allocate(64).fault() == Fault::kMemory);
        const auto stats = secret_memory_stats();
        CHECK(stats.allocations == 2);
        pages::fail(pages::kLock);
        SecretBytes third = make(64);
        SecretBytes large = make(100000);
        CHECK(secret_memory_stats().unlocked_bytes > 100000);
        set_secret_memory_strict(true);
        CHECK(SecretBytes::allocate(64).fault() == Fault::kMemory);
        CHECK(SecretBytes::allocate(100000).fault() == Fault::kMemory);
        set_secret_memory_strict(false);
        pages::fail(0);
        for (size_t size = 1; size < 20000; size += 37) make(size);
        CHECK(secret_memory_stats().allocations == 4);
        CHECK(is(first.view(), 0xee) && is(second.view(), 0xee) && is(third.view(), 0xee) && is(large.view(), 0xee));
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

// Registered before the slab is used, so it runs after the slab's own hook.
const uint8_t *small_secret = nullptr, *large_secret = nullptr;
void check_wiped() {
  const bool wiped = is({small_secret, 32}, 0) && is({large_secret, 100000}, 0);
  const bool closed = SecretBytes::allocate(32).fault() == Fault::kClosed;
  std::_Exit(wiped && closed ? 0 : 94);
}

TEST_F(SecretProcess, ExitWipes) {
  EXPECT_EXIT(
      {
        std::atexit(check_wiped);
        small_secret = (new SecretBytes(make(32)))->data();  // never destroyed
        large_secret = (new SecretBytes(make(100000)))->data();
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(SecretProcess, DestructorsAfterTheWipeAreHarmless) {
  EXPECT_EXIT(
      {
        static std::vector<SecretBytes> secrets;  // destroyed after the slab's hook, which is registered later
        secrets.push_back(make(32));
        secrets.push_back(make(100000));
        secrets.front().shrink(16);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

int status_of(pid_t child) {
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

TEST_F(SecretProcess, AForkedChildReadsZerosAndGoesOn) {
  std::vector<SecretBytes> secrets;
  for (size_t size : {16, 32, 500, 8192, 20000}) secrets.push_back(make(size));
  ASSERT_TRUE(secret_memory_stats().fork_excluded);
  const pid_t child = fork();
  if (child == 0) {
    for (const SecretBytes& secret : secrets) CHECK(is(secret.view(), 0));
    CHECK(secret_memory_stats().locked_bytes == 0);  // locks are not inherited
    secrets[2].shrink(100);
    secrets[1].clear();
    SecretBytes fresh = make(32);
    SecretBytes large = make(20000);
    CHECK(secret_memory_stats().locked_bytes > 0 && is(fresh.view(), 0xee) && is(large.view(), 0xee));
    secrets.clear();
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      CHECK(is(fresh.view(), 0) && is(large.view(), 0));
      fresh.clear();
      large.clear();
      make(32);
      std::_Exit(0);
    }
    std::_Exit(status_of(grandchild));
  }
  EXPECT_EQ(status_of(child), 0);
  for (const SecretBytes& secret : secrets) EXPECT_TRUE(is(secret.view(), 0xee));
}

#if defined(__linux__)
// The flags of the mapping that holds an address.
std::string flags_of(const uint8_t* address) {
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    uintptr_t from, to;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
      const auto at = reinterpret_cast<uintptr_t>(address);
      inside = at >= from && at < to;
    }
    if (inside && line.starts_with("VmFlags:")) return line + " ";
  }
  return "";
}

TEST_F(SecretProcess, PagesStayOutOfCoreDumpsAndForks) {
  EXPECT_TRUE(secret_memory_stats().dump_excluded);
  for (size_t size : {32, 100000}) {
    const SecretBytes secret = make(size);
    const std::string flags = flags_of(secret.data());
    EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
    EXPECT_NE(flags.find(" wf "), std::string::npos) << flags;
    EXPECT_NE(flags.find(" lo "), std::string::npos) << flags;
  }
  const std::vector<uint8_t> ordinary(32);  // the check is shown to tell them apart
  EXPECT_EQ(flags_of(ordinary.data()).find(" dd "), std::string::npos);
}
#endif

// One byte too many, in a size class and in a mapping of its own.
TEST_F(SecretProcess, ADamagedCanaryAborts) {
  for (size_t size : {32, 33, 8192, 100000}) {
    EXPECT_DEATH(
        {
          SecretBytes secret = make(size);
          damage(secret.data() + size);
          secret.clear();
        },
        "secret memory is corrupted");
    EXPECT_DEATH(
        {
          SecretBytes secret = make(size);
          damage(secret.data() + size);
          secret.shrink(1);
        },
        "secret memory is corrupted");
  }
  EXPECT_DEATH(
      {
        SecretBytes secret = make(100000);
        damage(secret.data() - 1);
        secret.clear();
      },
      "secret memory is corrupted");
}

TEST_F(SecretProcess, GuardPagesFault) {
  EXPECT_EXIT(
      {
        std::signal(SIGSEGV, SIG_DFL);  // a sanitizer would catch it
        SecretBytes secret = make(100000);
        for (size_t i = 0; i < 64; ++i) const_cast<volatile uint8_t*>(secret.data())[secret.size() + i] = 0;
        std::_Exit(0);
      },
      testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(
      {
        std::signal(SIGSEGV, SIG_DFL);
        SecretBytes secret = make(32);
        for (size_t i = 0; i < 65536; ++i) const_cast<volatile uint8_t*>(secret.data())[i] = 0;
        std::_Exit(0);
      },
      testing::KilledBySignal(SIGSEGV), "");
}

}  // namespace
}  // namespace tinymls
#endif
