#include "core/pages.h"

#include <atomic>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#endif

namespace tinymls::pages {

#ifdef TINYMLS_TESTING
namespace {
std::atomic<unsigned> failing_calls{0};
}
void fail(unsigned calls) { failing_calls.store(calls); }
bool failing(Call call) { return (failing_calls.load() & call) != 0; }
#define TINYMLS_FAIL(call, answer) \
  if (failing(call)) return answer
#else
#define TINYMLS_FAIL(call, answer) static_cast<void>(0)
#endif

#ifdef _WIN32

size_t page_size() {
  static const size_t size = [] {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return size_t{info.dwPageSize};
  }();
  return size;
}

uint8_t* reserve(size_t size) {
  TINYMLS_FAIL(kReserve, nullptr);
  return static_cast<uint8_t*>(VirtualAlloc(nullptr, size, MEM_RESERVE, PAGE_NOACCESS));
}

bool commit(uint8_t* start, size_t size) {
  TINYMLS_FAIL(kCommit, false);
  return VirtualAlloc(start, size, MEM_COMMIT, PAGE_READWRITE) != nullptr;
}

void decommit(uint8_t* start, size_t size) { VirtualFree(start, size, MEM_DECOMMIT); }
void release(uint8_t* start, size_t) { VirtualFree(start, 0, MEM_RELEASE); }

bool lock(uint8_t* start, size_t size) {
  TINYMLS_FAIL(kLock, false);
  return VirtualLock(start, size) != 0;
}

void unlock(uint8_t* start, size_t size) { VirtualUnlock(start, size); }

// There is no fork. Dumps are the decision of whoever writes them.
Exclusions exclude(uint8_t*, size_t) { return {false, true}; }
bool on_fork(void (*)(), void (*)(), void (*)()) { return true; }

#else

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

size_t page_size() {
  static const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

uint8_t* reserve(size_t size) {
  TINYMLS_FAIL(kReserve, nullptr);
  void* start = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return start == MAP_FAILED ? nullptr : static_cast<uint8_t*>(start);
}

bool commit(uint8_t* start, size_t size) {
  TINYMLS_FAIL(kCommit, false);
  return mprotect(start, size, PROT_READ | PROT_WRITE) == 0;
}

void decommit(uint8_t* start, size_t size) {
#ifdef __linux__
  madvise(start, size, MADV_DONTNEED);  // the next commit reads zeros
#else
  madvise(start, size, MADV_FREE);
#endif
  mprotect(start, size, PROT_NONE);
}

void release(uint8_t* start, size_t size) { munmap(start, size); }

bool lock(uint8_t* start, size_t size) {
  TINYMLS_FAIL(kLock, false);
#ifdef __linux__
  return syscall(SYS_mlock, start, size) == 0;  // the sanitizers make a success without effect of the function
#else
  return mlock(start, size) == 0;
#endif
}

void unlock(uint8_t* start, size_t size) {
#ifdef __linux__
  syscall(SYS_munlock, start, size);
#else
  munlock(start, size);
#endif
}

// MADV_WIPEONFORK (Linux 4.14) rather than MADV_DONTFORK: a child that holds copies of C++ objects whose bytes lie
// here, and runs their destructors or asks for new secrets, reads zeros and goes on, where missing pages would kill it.
Exclusions exclude([[maybe_unused]] uint8_t* start, [[maybe_unused]] size_t size) {
  Exclusions done{false, false};
#ifdef MADV_DONTDUMP
  done.dump = madvise(start, size, MADV_DONTDUMP) == 0;
#endif
#ifdef MADV_WIPEONFORK
  done.fork = madvise(start, size, MADV_WIPEONFORK) == 0;
#endif
  return done;
}

bool on_fork(void (*before)(), void (*parent)(), void (*child)()) { return pthread_atfork(before, parent, child) == 0; }

#endif

}  // namespace tinymls::pages
