// Pages of memory as the operating system gives them: the one file of the core that differs by platform.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinymls::pages {

size_t page_size();

// Address space that faults when touched; null when there is none. `commit` makes a part of it zeroed memory,
// `decommit` gives the memory back and makes it fault again. All sizes and addresses are whole pages.
uint8_t* reserve(size_t size);
bool commit(uint8_t* start, size_t size);
void decommit(uint8_t* start, size_t size);
void release(uint8_t* start, size_t size);  // a whole reservation

// Keeps pages out of the swap file. Fails at the process's limit.
bool lock(uint8_t* start, size_t size);
void unlock(uint8_t* start, size_t size);

struct Exclusions {
  bool dump;  // left out of core dumps
  bool fork;  // a forked child sees zeros
};
Exclusions exclude(uint8_t* start, size_t size);

// `before` and `parent` run in the forking process around the fork, `child` in the new one.
bool on_fork(void (*before)(), void (*parent)(), void (*child)());

#ifdef TINYMLS_TESTING
// Makes calls fail as if the system were out of what they ask for, for the proof of error paths.
enum Call : unsigned { kReserve = 1, kCommit = 2, kLock = 4, kTable = 8 };
void fail(unsigned calls);
bool failing(Call call);
#endif

}  // namespace tinymls::pages
