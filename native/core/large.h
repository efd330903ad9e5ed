// A secret too big for the size classes: a mapping of its own between two pages that fault, its end at the upper one.
#pragma once

#include "core/fault.h"

namespace tinymls::large {

Result<uint8_t*> allocate(size_t size, bool strict);
bool foreign(const uint8_t* data);  // the bytes belong to the parent of this forked process, and read zero
bool intact(const uint8_t* data, size_t size);
void free(uint8_t* data);

struct Use {
  uint64_t locked_bytes, unlocked_bytes, allocations;
};
Use use();

void before_fork();
void after_fork(bool child);
void wipe_all();

}  // namespace tinymls::large
