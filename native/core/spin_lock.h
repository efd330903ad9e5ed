// A lock for sections of a few nanoseconds: one atomic exchange when free, no system call.
#pragma once

#include <atomic>
#include <thread>

namespace tinymls {

class SpinLock {
 public:
  constexpr SpinLock() = default;
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() {
    for (int spins = 0; taken_.exchange(true, std::memory_order_acquire); ++spins) {
      // The owner may have lost its core, or be asking the system for pages: let it run.
      if (spins >= kSpins) std::this_thread::yield();
      while (taken_.load(std::memory_order_relaxed) && spins < kSpins) {
        ++spins;
        pause();
      }
    }
  }
  // Gives up after as long as any section takes.
  bool try_lock() {
    for (int yields = 0; taken_.exchange(true, std::memory_order_acquire); ++yields) {
      if (yields == kYields) return false;
      std::this_thread::yield();
    }
    return true;
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  static constexpr int kSpins = 100, kYields = 10000;
  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
    __asm__ volatile("yield");
#endif
  }
  std::atomic<bool> taken_{false};
};

}  // namespace tinymls
