#include "core/canary.h"

#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>

namespace tinymls::canary {
namespace {
uint64_t key = 0;
}

bool make_key() { return RAND_bytes(reinterpret_cast<uint8_t*>(&key), sizeof key) == 1; }

uint64_t value(const uint8_t* at) { return key ^ reinterpret_cast<uintptr_t>(at) * UINT64_C(0x9e3779b97f4a7c15); }

void damaged() {
  std::fputs("tinymls: secret memory is corrupted, aborting\n", stderr);
  std::abort();
}

}  // namespace tinymls::canary
