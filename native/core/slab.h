// The memory under SecretBytes. Blocks of fixed size classes lie in chunks of locked pages, with a page that faults on
// either side of a chunk and a canary right behind the bytes of each block. What is too big for a class gets a mapping
// of its own (large.h). All bookkeeping lies outside of the chunks: an overrun cannot reach it, and it survives a fork.
//
// A damaged canary, or a pointer that is no live block, is memory corruption in this process: it prints one line and
// aborts, as going on would let an attacker choose what is overwritten next. No input and no misuse of the public
// surface leads there.
#pragma once

#include "core/secret.h"

namespace tinymls::slab {

constexpr size_t kMaxBlock = 8192;

// `size` > 0. Zeroed, aligned to 8 bytes. Fault::kMemory, or kClosed once the process has begun to exit.
Result<uint8_t*> allocate(size_t size);
// `size` is the size asked for, or what `shrink` made of it. Wipes first.
void free(uint8_t* data, size_t size);
void shrink(uint8_t* data, size_t from, size_t to);

SecretMemoryStats stats();
void set_strict(bool strict);

}  // namespace tinymls::slab
