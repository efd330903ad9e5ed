// Secret memory: a locked slab with guard pages, canaries and fixed size classes; wiped on free, on exit and on error.
#pragma once

#include <cstddef>

#include "core/fault.h"

namespace tinymls {

void wipe(MutableView bytes);  // OPENSSL_cleanse

// Scratch on the stack for the length of one call, wiped on every way out.
template <size_t N>
struct WipedArray {
  uint8_t data[N];  // not initialised
  WipedArray() {}   // NOLINT(modernize-use-equals-default): `= default` would let `{}` zero it
  ~WipedArray() { wipe({data, N}); }
  WipedArray(const WipedArray&) = delete;
  WipedArray& operator=(const WipedArray&) = delete;
  MutableView first(size_t size) { return {data, size}; }
};

// Owns bytes of the slab, wiped when it goes. Move-only.
class SecretBytes {
 public:
  SecretBytes() = default;
  static Result<SecretBytes> allocate(size_t size);  // zeroed
  static Result<SecretBytes> copy(View bytes);
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  View view() const { return {data_, size_}; }
  MutableView bytes() { return {data_, size_}; }
  void shrink(size_t size);  // wipes the tail
  void clear();              // wipes and frees now

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

struct SecretMemoryStats {
  uint64_t locked_bytes;    // mapped and locked
  uint64_t unlocked_bytes;  // mapped beyond the lock limit: wiped all the same
  uint64_t in_use_bytes;
  uint64_t allocations;  // live
  bool dump_excluded, fork_excluded, strict;
};
SecretMemoryStats secret_memory_stats();

// With `strict`, an allocation that cannot be locked is Fault::kMemory.
void set_secret_memory_strict(bool strict);

}  // namespace tinymls
