#include "floor.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace tinymls::bench {
namespace {

// What EVP_CIPHER_CTX_ctrl does for the tag, without its detour: the shortest way there is.
OSSL_PARAM tag_parameter(uint8_t* tag, size_t length) {
  return {OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, tag, length, 0};
}

}  // namespace

Floor::Floor(Direction direction, size_t size, size_t count)
    : direction_(direction),
      size_(size),
      count_(count),
      context_(EVP_CIPHER_CTX_new()),
      text_(size * count, 0x5a),
      frames_((kHeaderLength + size + kTagLength) * count) {
  constexpr std::array<uint8_t, 32> kKey{1, 2, 3};
  EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  ready_ = context_ && EVP_CipherInit_ex2(context_.get(), cipher, kKey.data(), nullptr, 1, nullptr) == 1;
  EVP_CIPHER_free(cipher);
  // What is opened again and again was sealed under the nonce that stays.
  if (ready_ && direction == Direction::kOpen) {
    for (size_t i = 0; i < count; ++i) ready_ = ready_ && seal(i);
  }
}

bool Floor::run(size_t messages) {
  while (messages-- > 0) {
    if (direction_ == Direction::kSeal) {
      next_nonce();
      if (!seal(at_)) return false;
    } else if (!open(at_)) {
      return false;
    }
    if (++at_ == count_) at_ = 0;
  }
  return true;
}

bool Floor::seal(size_t at) {
  EVP_CIPHER_CTX* const context = context_.get();
  uint8_t* const header = frame(at);
  uint8_t* const out = header + kHeaderLength;
  uint8_t* const tag = out + size_;
  OSSL_PARAM tags[] = {tag_parameter(tag, kTagLength), OSSL_PARAM_END};
  int written = 0;
  return EVP_CipherInit_ex2(context, nullptr, nullptr, nonce_.data(), 1, nullptr) == 1 &&
         EVP_CipherUpdate(context, nullptr, &written, header, kHeaderLength) == 1 &&
         EVP_CipherUpdate(context, out, &written, text(at), static_cast<int>(size_)) == 1 &&
         EVP_CipherFinal_ex(context, tag, &written) == 1 && EVP_CIPHER_CTX_get_params(context, tags) == 1;
}

bool Floor::open(size_t at) {
  EVP_CIPHER_CTX* const context = context_.get();
  uint8_t* const header = frame(at);
  uint8_t* const in = header + kHeaderLength;
  const OSSL_PARAM tags[] = {tag_parameter(in + size_, kTagLength), OSSL_PARAM_END};
  uint8_t rest[kTagLength];
  int written = 0;
  return EVP_CipherInit_ex2(context, nullptr, nullptr, nonce_.data(), 0, nullptr) == 1 &&
         EVP_CipherUpdate(context, nullptr, &written, header, kHeaderLength) == 1 &&
         EVP_CipherUpdate(context, text(at), &written, in, static_cast<int>(size_)) == 1 &&
         EVP_CIPHER_CTX_set_params(context, tags) == 1 && EVP_CipherFinal_ex(context, rest, &written) == 1;
}

void Floor::next_nonce() {
  for (size_t i = kNonceLength; i-- > 0 && ++nonce_[i] == 0;) {
  }
}

double floor_of_threads(size_t size, size_t threads, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr size_t kMessages = 256;  // between two looks at the clock
  std::atomic<size_t> waiting{threads};
  std::vector<double> rates(threads);
  std::vector<std::thread> running;
  for (double& rate : rates) {
    running.emplace_back([&rate, &waiting, size, seconds] {
      Floor floor(Direction::kSeal, size, 1);
      floor.run(kMessages);
      for (--waiting; waiting != 0;) std::this_thread::yield();
      const auto start = Clock::now();
      size_t messages = 0;
      for (double elapsed = 0; elapsed < seconds; rate = static_cast<double>(messages) / elapsed) {
        if (!floor.run(kMessages)) return;
        messages += kMessages;
        elapsed = std::chrono::duration<double>(Clock::now() - start).count();
      }
    });
  }
  double total = 0;
  for (size_t i = 0; i < threads; ++i) {
    running[i].join();
    total += rates[i];
  }
  return total;
}

}  // namespace tinymls::bench
