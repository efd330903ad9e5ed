#include "core/secret.h"

#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace tinymls {
namespace {
std::atomic<uint64_t> live_bytes{0}, live_count{0};
std::atomic<bool> strict_memory{false};
}  // namespace

void wipe(MutableView bytes) {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

Result<SecretBytes> SecretBytes::allocate(size_t size) {
  SecretBytes secret;
  if (size == 0) return secret;
  if (strict_memory.load()) return Fault::kMemory;
  secret.data_ = static_cast<uint8_t*>(std::calloc(1, size));
  if (secret.data_ == nullptr) return Fault::kMemory;
  secret.size_ = size;
  live_bytes += size;
  ++live_count;
  return secret;
}

Result<SecretBytes> SecretBytes::copy(View bytes) {
  auto secret = allocate(bytes.size());
  if (secret && !bytes.empty()) std::memcpy(secret->data(), bytes.data(), bytes.size());
  return secret;
}

SecretBytes::~SecretBytes() { clear(); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    clear();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void SecretBytes::shrink(size_t size) {
  if (size >= size_) return;
  wipe({data_ + size, size_ - size});
  live_bytes -= size_ - size;
  size_ = size;
}

void SecretBytes::clear() {
  if (data_ == nullptr) return;
  wipe({data_, size_});
  std::free(data_);
  live_bytes -= size_;
  --live_count;
  data_ = nullptr;
  size_ = 0;
}

SecretMemoryStats secret_memory_stats() {
  return {0, live_bytes.load(), live_bytes.load(), live_count.load(), false, false, strict_memory.load()};
}

void set_secret_memory_strict(bool strict) { strict_memory.store(strict); }

}  // namespace tinymls
