#include "core/pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#ifdef _WIN32
#include <process.h>
#include <windows.h>
#else
#include <pthread.h>
#include <signal.h>
#endif

namespace tinymls {
namespace {

constexpr size_t kMaxThreads = 64;
constexpr size_t kStackSize = 1 << 20;

// Lives on the stack of the call that made it. `helpers` is guarded by the pool's mutex and keeps that call from
// returning.
struct Job {
  size_t count;
  PoolBody body;
  const void* object;
  std::atomic<size_t> next{0};
  size_t helpers = 0;

  bool exhausted() const { return next.load(std::memory_order_relaxed) >= count; }
  void work() {
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(object, i);
  }
};

class Pool {
 public:
  void run(Job& job) {
    const auto entry = publish(job);
    job.work();
    std::unique_lock lock(mutex_);
    jobs_.erase(entry);
    left_.wait(lock, [&] { return job.helpers == 0; });
  }

  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      posted_.wait(lock, [&] { return (job = unfinished()) != nullptr; });
      ++job->helpers;
      lock.unlock();
      job->work();
      lock.lock();
      if (--job->helpers == 0) left_.notify_all();
    }
  }

 private:
  std::list<Job*>::iterator publish(Job& job) {
    const size_t wanted = std::min(job.count, pool_parallelism()) - 1;
    std::lock_guard lock(mutex_);
    while (threads_ < wanted && start()) ++threads_;
    const auto entry = jobs_.insert(jobs_.end(), &job);
    for (size_t i = 0; i < wanted; ++i) posted_.notify_one();
    return entry;
  }

  Job* unfinished() {
    for (Job* job : jobs_)
      if (!job->exhausted()) return job;
    return nullptr;
  }

  bool start();

  std::mutex mutex_;
  std::condition_variable posted_, left_;
  std::list<Job*> jobs_;
  size_t threads_ = 0;
};

#ifdef _WIN32

unsigned __stdcall enter(void* pool) {
  static_cast<Pool*>(pool)->loop();
  return 0;
}

bool Pool::start() {
  const uintptr_t thread = _beginthreadex(nullptr, kStackSize, enter, this, 0, nullptr);
  if (thread == 0) return false;
  CloseHandle(reinterpret_cast<HANDLE>(thread));
  return true;
}

#else

void* enter(void* pool) {
  static_cast<Pool*>(pool)->loop();
  return nullptr;
}

bool Pool::start() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackSize);
  sigset_t all, before;  // signals belong to the host's threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, enter, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return started;
}

#endif

// Never freed: its threads wait on it until the process ends. A forked child has none of those threads and may find the
// mutex taken by one of them, so that it starts over with a pool of its own.
std::atomic<Pool*> shared_pool{nullptr};

Pool* pool() {
  Pool* current = shared_pool.load(std::memory_order_acquire);
  if (current != nullptr) return current;
#ifndef _WIN32
  static const int registered = pthread_atfork(nullptr, nullptr, [] { shared_pool.store(nullptr); });
  if (registered != 0) return nullptr;
#endif
  Pool* fresh = new (std::nothrow) Pool;
  if (fresh == nullptr || shared_pool.compare_exchange_strong(current, fresh)) return fresh;
  delete fresh;
  return current;
}

}  // namespace

size_t pool_parallelism() {
  static const size_t processors = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  return processors;
}

void parallel_for(size_t count, PoolBody body, const void* object) {
  Job job{count, body, object};
  Pool* threads = count > 1 && pool_parallelism() > 1 ? pool() : nullptr;
  if (threads == nullptr) {
    job.work();
  } else {
    threads->run(job);
  }
}

}  // namespace tinymls
