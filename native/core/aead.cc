#include "core/aead.h"

#include <algorithm>

namespace tinymls {
namespace {

// OpenSSL counts in int. A multiple of every block size, so that a long text is one stream of whole blocks.
constexpr size_t kMaxUpdate = size_t{1} << 30;

const EVP_CIPHER* cipher_of(const Library& library, AeadId id) {
  switch (id) {
    case AeadId::kAes128Gcm:
      return library.aes_128_gcm.get();
    case AeadId::kAes256Gcm:
      return library.aes_256_gcm.get();
    case AeadId::kChaCha20Poly1305:
      return library.chacha20_poly1305.get();
  }
  return nullptr;
}

// SP 800-38D §5.2.1.1: 2^39 - 256 bits. RFC 8439 §2.8: 2^32 - 1 blocks of 64 bytes.
constexpr uint64_t max_text(AeadId id) {
  return id == AeadId::kChaCha20Poly1305 ? (uint64_t{1} << 38) - 64 : (uint64_t{1} << 36) - 32;
}
constexpr uint64_t kMaxAad = (uint64_t{1} << 61) - 1;

bool overlaps_apart_from_start(const uint8_t* in, size_t in_size, const uint8_t* out, size_t out_size) {
  const auto a = reinterpret_cast<uintptr_t>(in);
  const auto b = reinterpret_cast<uintptr_t>(out);
  return a != b && a < b + out_size && b < a + in_size;
}

inline bool add_aad(EVP_CIPHER_CTX* context, View aad) {
  while (!aad.empty()) {
    const size_t size = std::min(aad.size(), kMaxUpdate);
    int written = 0;
    if (EVP_CipherUpdate(context, nullptr, &written, aad.data(), static_cast<int>(size)) != 1) return false;
    aad = aad.subspan(size);
  }
  return true;
}

// As EVP_CIPHER_CTX_ctrl does it, without the detour.
OSSL_PARAM tag_parameter(uint8_t* tag) {
  return {OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, tag, kAeadTagLength, 0};
}

inline bool run_text(EVP_CIPHER_CTX* context, View in, uint8_t* out) {
  while (!in.empty()) {
    const size_t size = std::min(in.size(), kMaxUpdate);
    int written = 0;
    if (EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(size)) != 1) return false;
    in = in.subspan(size);
    out += size;
  }
  return true;
}

// OpenSSL's ChaCha20-Poly1305 returns with the upper halves of the vector registers in use, which slows every SSE
// instruction of the thread from then on: HMAC-SHA-256 takes 1.8 times as long, and so does the next seal.
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
__attribute__((target("avx"))) void zero_upper_halves() { __builtin_ia32_vzeroupper(); }

void leave_vectors(AeadId id) {
  if (id != AeadId::kChaCha20Poly1305) return;
  static const bool has_avx = __builtin_cpu_supports("avx");
  if (has_avx) zero_upper_halves();
}
#else
void leave_vectors(AeadId) {}
#endif

// Around one message no ErrorMark: to set one costs a third of a short seal. A wrong tag queues nothing; what cannot
// fail and did leaves the queue empty, as every call of Node that uses OpenSSL does.
void clear_queue() { ERR_clear_error(); }

}  // namespace

Result<AeadCipher> AeadCipher::create(const Library& library, AeadId id, View key) {
  if (id < AeadId::kAes128Gcm || id > AeadId::kChaCha20Poly1305 || key.size() != aead_key_length(id))
    return Fault::kUsage;
  const EVP_CIPHER* type = cipher_of(library, id);
  if (type == nullptr) return Fault::kConfig;
  ErrorMark mark;
  AeadCipher cipher;
  cipher.id_ = id;
  cipher.context_.reset(EVP_CIPHER_CTX_new());
  if (!cipher.context_) return Fault::kMemory;
  if (EVP_CipherInit_ex2(cipher.context_.get(), type, key.data(), nullptr, 1, nullptr) != 1) return Fault::kInternal;
  mark.passed();
  return cipher;
}

Result<void> AeadCipher::rekey(View key) {
  if (!context_ || key.size() != aead_key_length(id_)) return Fault::kUsage;
  ErrorMark mark;
  if (EVP_CipherInit_ex2(context_.get(), nullptr, key.data(), nullptr, 1, nullptr) != 1) return Fault::kInternal;
  return {};
}

Result<void> AeadCipher::seal(View nonce, View aad, View plaintext, MutableView out) {
  return seal(nonce, aad, {}, plaintext, out);
}

Result<void> AeadCipher::seal(View nonce, View aad1, View aad2, View plaintext, MutableView out) {
  if (!context_ || nonce.size() != kAeadNonceLength) return Fault::kUsage;
  if (plaintext.size() > max_text(id_) || out.size() != plaintext.size() + kAeadTagLength) return Fault::kUsage;
  if (aad1.size() > kMaxAad || aad2.size() > kMaxAad - aad1.size()) return Fault::kUsage;
  if (overlaps_apart_from_start(plaintext.data(), plaintext.size(), out.data(), out.size())) return Fault::kUsage;
  EVP_CIPHER_CTX* context = context_.get();
  uint8_t* tag = out.data() + plaintext.size();
  OSSL_PARAM tags[] = {tag_parameter(tag), OSSL_PARAM_END};
  int written = 0;
  const bool ok = EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), 1, nullptr) == 1 &&
                  add_aad(context, aad1) && add_aad(context, aad2) && run_text(context, plaintext, out.data()) &&
                  EVP_CipherFinal_ex(context, tag, &written) == 1 && EVP_CIPHER_CTX_get_params(context, tags) == 1;
  leave_vectors(id_);
  if (ok) return {};
  clear_queue();
  wipe(out);
  return Fault::kInternal;
}

Result<void> AeadCipher::open(View nonce, View aad, View sealed, MutableView out) {
  return open(nonce, aad, {}, sealed, out);
}

Result<void> AeadCipher::open(View nonce, View aad1, View aad2, View sealed, MutableView out) {
  if (!context_ || nonce.size() != kAeadNonceLength) return Fault::kUsage;
  if (sealed.size() < kAeadTagLength) {
    wipe(out);
    return Fault::kUndecryptable;
  }
  const View ciphertext = sealed.first(sealed.size() - kAeadTagLength);
  if (ciphertext.size() > max_text(id_) || out.size() != ciphertext.size()) return Fault::kUsage;
  if (aad1.size() > kMaxAad || aad2.size() > kMaxAad - aad1.size()) return Fault::kUsage;
  if (overlaps_apart_from_start(sealed.data(), sealed.size(), out.data(), out.size())) return Fault::kUsage;
  EVP_CIPHER_CTX* context = context_.get();
  auto* tag = const_cast<uint8_t*>(sealed.data() + ciphertext.size());  // OpenSSL only reads it
  const OSSL_PARAM tags[] = {tag_parameter(tag), OSSL_PARAM_END};
  uint8_t rest[kAeadTagLength];  // stays empty: neither mode buffers text
  int written = 0;
  const bool run = EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), 0, nullptr) == 1 &&
                   add_aad(context, aad1) && add_aad(context, aad2) && run_text(context, ciphertext, out.data()) &&
                   EVP_CIPHER_CTX_set_params(context, tags) == 1;
  const bool authentic = run && EVP_CipherFinal_ex(context, rest, &written) == 1;
  leave_vectors(id_);
  if (authentic) return {};
  if (!run) clear_queue();
  wipe(out);
  return Fault::kUndecryptable;
}

}  // namespace tinymls
