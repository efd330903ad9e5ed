// The floor: what OpenSSL itself needs for the messages of a Context, in a bare loop.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tinymls::bench {

enum class Direction : uint8_t { kSeal = 0, kOpen = 1 };

// Messages of one size under one kept AES-256-GCM context: nonce set, 23 octets of aad, text, tag. They lie as frames
// do, the aad before the ciphertext. `count` of them lie one after the other, as those of a batch do; a single one is
// used again and again.
class Floor {
 public:
  Floor(Direction direction, size_t size, size_t count);
  bool ready() const { return ready_; }
  // The next `messages` messages; false when OpenSSL refused one.
  bool run(size_t messages);

 private:
  static constexpr size_t kHeaderLength = 23, kTagLength = 16, kNonceLength = 12;

  uint8_t* text(size_t at) { return text_.data() + at * size_; }
  uint8_t* frame(size_t at) { return frames_.data() + at * (kHeaderLength + size_ + kTagLength); }
  bool seal(size_t at);
  bool open(size_t at);
  void next_nonce();

  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  const Direction direction_;
  const size_t size_, count_;
  size_t at_ = 0;
  bool ready_ = false;
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
  std::array<uint8_t, kNonceLength> nonce_{};
  std::vector<uint8_t> text_;    // count x size
  std::vector<uint8_t> frames_;  // count x (header + size + tag)
};

// Messages in a second of so many threads, each with a context and memory of its own.
double floor_of_threads(size_t size, size_t threads, double seconds);

}  // namespace tinymls::bench
