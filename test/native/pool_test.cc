#include "core/pool.h"

#include <gtest/gtest.h>
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace tinymls {
namespace {

TEST(Pool, CallsEachIndexOnce) {
  for (size_t count : {0, 1, 2, 3, 1000}) {
    std::vector<std::atomic<int>> calls(count);
    parallel_for(count, [&](size_t i) { ++calls[i]; });
    for (const auto& n : calls) EXPECT_EQ(n, 1);
  }
}

TEST(Pool, BriefWorkStaysOnTheCallingThreadInOrder) {
  std::vector<size_t> order;
  parallel_unless(true, 100, [&](size_t i) { order.push_back(i); });
  ASSERT_EQ(order.size(), 100u);
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
  std::atomic<int> calls{0};
  parallel_unless(false, 100, [&](size_t) { ++calls; });
  EXPECT_EQ(calls, 100);
}

TEST(Pool, UsesMoreThanOneThreadWhereThereAreProcessors) {
  if (pool_parallelism() == 1) GTEST_SKIP() << "one processor";
  // Two bodies that wait for one another end only when they run at the same time.
  std::atomic<int> arrived{0};
  parallel_for(2, [&](size_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

TEST(Pool, NeverUsesMoreThreadsThanProcessors) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  parallel_for(200, [&](size_t) {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_LE(threads.size(), pool_parallelism());
}

TEST(Pool, NestsAndServesManyCallersAtOnce) {
  std::atomic<size_t> sum{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        parallel_for(8, [&](size_t) { parallel_for(4, [&](size_t j) { sum += j; }); });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum, 4u * 50 * 8 * 6);
}

#if !defined(_WIN32) && !defined(__SANITIZE_THREAD__)
TEST(Pool, WorksInAForkedChild) {
  parallel_for(16, [](size_t) {});
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::atomic<size_t> sum{0};
    parallel_for(100, [&](size_t i) { sum += i; });
    _exit(sum == 4950 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

}  // namespace
}  // namespace tinymls
