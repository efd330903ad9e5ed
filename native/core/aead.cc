#include "core/aead.h"

#include <algorithm>

namespace tinymls {
namespace {

// EVP counts in int, and so no more than that at once is usual in OpenSSL. A multiple of every block size, so that a
// long text is one stream of whole blocks.
constexpr size_t kMaxUpdate = size_t{1} << 30;

const AeadFunctions& functions_of(const Library& library, AeadId id) {
  switch (id) {
    case AeadId::kAes128Gcm:
      return library.aes_128_gcm;
    case AeadId::kAes256Gcm:
      return library.aes_256_gcm;
    default:
      return library.chacha20_poly1305;
  }
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

// Octets of a tag: where to write them, or where to read them from.
OSSL_PARAM tag_parameter(uint8_t* tag) {
  return {OSSL_CIPHER_PARAM_AEAD_TAG, OSSL_PARAM_OCTET_STRING, tag, kAeadTagLength, 0};
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
  const AeadFunctions& functions = functions_of(library, id);
  if (!functions) return Fault::kConfig;
  AeadCipher cipher;
  cipher.id_ = id;
  cipher.context_ = AeadContextPtr(functions.create(functions.provider), {&functions});
  if (!cipher.context_) {
    clear_queue();
    return Fault::kMemory;
  }
  if (auto keyed = cipher.rekey(key); !keyed) return keyed.fault();
  return cipher;
}

Result<void> AeadCipher::rekey(View key) {
  if (!context_ || key.size() != aead_key_length(id_)) return Fault::kUsage;
  if (functions().begin_seal(context_.get(), key.data(), key.size(), nullptr, 0, nullptr) == 1) return {};
  clear_queue();
  return Fault::kInternal;
}

Result<void> AeadCipher::seal(View nonce, View aad, View plaintext, MutableView out) {
  return seal(nonce, aad, {}, plaintext, out);
}

Result<void> AeadCipher::seal(View nonce, View aad1, View aad2, View plaintext, MutableView out) {
  if (!context_ || nonce.size() != kAeadNonceLength) return Fault::kUsage;
  if (plaintext.size() > max_text(id_) || out.size() != plaintext.size() + kAeadTagLength) return Fault::kUsage;
  if (aad1.size() > kMaxAad || aad2.size() > kMaxAad - aad1.size()) return Fault::kUsage;
  if (overlaps_apart_from_start(plaintext.data(), plaintext.size(), out.data(), out.size())) return Fault::kUsage;
  uint8_t* const tag = out.data() + plaintext.size();
  OSSL_PARAM tags[] = {tag_parameter(tag), OSSL_PARAM_END};
  const bool ok = functions().begin_seal(context_.get(), nullptr, 0, nonce.data(), nonce.size(), nullptr) == 1 &&
                  update(aad1, nullptr) && update(aad2, nullptr) && update(plaintext, out.data()) && finish(tag) &&
                  functions().get(context_.get(), tags) == 1;
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
  auto* const tag = const_cast<uint8_t*>(sealed.data() + ciphertext.size());  // OpenSSL only reads it
  const OSSL_PARAM tags[] = {tag_parameter(tag), OSSL_PARAM_END};
  uint8_t rest[kAeadTagLength];  // stays empty: neither mode buffers text
  const bool run = functions().begin_open(context_.get(), nullptr, 0, nonce.data(), nonce.size(), tags) == 1 &&
                   update(aad1, nullptr) && update(aad2, nullptr) && update(ciphertext, out.data());
  const bool authentic = run && finish(rest);
  leave_vectors(id_);
  if (authentic) return {};
  if (!run) clear_queue();
  wipe(out);
  return Fault::kUndecryptable;
}

// Associated data where there is no `out`, text where there is.
inline bool AeadCipher::update(View in, uint8_t* out) {
  while (!in.empty()) {
    const size_t size = std::min(in.size(), kMaxUpdate);
    size_t written = 0;
    if (functions().update(context_.get(), out, &written, size, in.data(), size) != 1) return false;
    in = in.subspan(size);
    if (out != nullptr) out += size;
  }
  return true;
}

inline bool AeadCipher::finish(uint8_t* rest) {
  size_t written = 0;
  return functions().finish(context_.get(), rest, &written, kAeadTagLength) == 1;
}

}  // namespace tinymls
