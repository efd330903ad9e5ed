#include "core/secret.h"

#include <openssl/crypto.h>

#include <cstring>

#include "core/slab.h"

namespace tinymls {

void wipe(MutableView bytes) {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

Result<SecretBytes> SecretBytes::allocate(size_t size) {
  SecretBytes secret;
  if (size == 0) return secret;
  const auto data = slab::allocate(size);
  if (!data) return data.fault();
  secret.data_ = *data;
  secret.size_ = size;
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
  if (size == 0) return clear();
  slab::shrink(data_, size_, size);
  size_ = size;
}

void SecretBytes::clear() {
  if (data_ == nullptr) return;
  slab::free(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

SecretMemoryStats secret_memory_stats() { return slab::stats(); }
void set_secret_memory_strict(bool strict) { slab::set_strict(strict); }

}  // namespace tinymls
