// What is sealed opens to the same bytes, against OpenSSL used in one plain way; nothing else opens.
#include "core/aead.h"

#include <vector>

#include "input.h"

using namespace tinymls;
using fuzz::require;

namespace {

std::vector<uint8_t> sealed_plainly(AeadId id, View key, View nonce, View aad, View plaintext) {
  const EVP_CIPHER* type = id == AeadId::kAes128Gcm   ? EVP_aes_128_gcm()
                           : id == AeadId::kAes256Gcm ? EVP_aes_256_gcm()
                                                      : EVP_chacha20_poly1305();
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  std::vector<uint8_t> sealed(plaintext.size() + kAeadTagLength);
  int size = 0;
  require(EVP_EncryptInit_ex(context.get(), type, nullptr, key.data(), nonce.data()) == 1);
  require(aad.empty() || EVP_EncryptUpdate(context.get(), nullptr, &size, aad.data(), static_cast<int>(aad.size())));
  for (size_t i = 0; i < plaintext.size(); i += 16) {
    const int part = static_cast<int>(std::min<size_t>(16, plaintext.size() - i));
    require(EVP_EncryptUpdate(context.get(), sealed.data() + i, &size, plaintext.data() + i, part) == 1);
  }
  uint8_t* tag = sealed.data() + plaintext.size();
  require(EVP_EncryptFinal_ex(context.get(), tag, &size) == 1);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagLength, tag) == 1);
  return sealed;
}

std::vector<uint8_t> bytes_of(fuzz::Input& input, bool any_length, size_t length) {
  const View taken = input.take(any_length ? input.number(64) : length);
  std::vector<uint8_t> bytes(taken.begin(), taken.end());
  if (!any_length) bytes.resize(length);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const auto id = static_cast<AeadId>(1 + input.number(3));
  const uint32_t flip = input.number(1 << 16), cut = input.number(256), aad_length = input.number(256);
  // Mostly whole keys and nonces, whatever the length of the input: misuse is one case in eight.
  const bool misuse = input.number(8) == 0;
  const std::vector<uint8_t> key = bytes_of(input, misuse, aead_key_length(id));
  const std::vector<uint8_t> nonce = bytes_of(input, misuse, kAeadNonceLength);
  auto cipher = AeadCipher::create(Library::standard(), id, key);
  if (key.size() != aead_key_length(id)) {
    require(cipher.fault() == Fault::kUsage);
    return 0;
  }
  const View aad = input.take(aad_length);
  const View aad1 = aad.first(aad.empty() ? 0 : cut % (aad.size() + 1)), aad2 = aad.subspan(aad1.size());
  const View plaintext = input.rest();
  std::vector<uint8_t> sealed(plaintext.size() + kAeadTagLength), opened(plaintext.size(), 0x55);
  const auto result = cipher->seal(nonce, aad1, aad2, plaintext, sealed);
  if (nonce.size() != kAeadNonceLength) {
    require(result.fault() == Fault::kUsage);
    require(cipher->open(nonce, aad, plaintext, opened).fault() == Fault::kUsage);
    return 0;
  }
  require(bool(result));
  require(sealed == sealed_plainly(id, key, nonce, aad, plaintext));

  // One flipped bit, with the output in place; the same context then opens the true message.
  std::vector<uint8_t> forged = sealed;
  forged[flip / 8 % forged.size()] ^= 1 << flip % 8;
  const MutableView in_place = MutableView(forged).first(plaintext.size());
  require(cipher->open(nonce, aad1, aad2, forged, in_place).fault() == Fault::kUndecryptable);
  for (uint8_t byte : in_place) require(byte == 0);
  require(bool(cipher->open(nonce, aad, sealed, opened)));
  require(std::equal(opened.begin(), opened.end(), plaintext.begin(), plaintext.end()));

  // Whatever bytes come from outside.
  if (plaintext.size() >= kAeadTagLength) {
    opened.resize(plaintext.size() - kAeadTagLength);
    require(cipher->open(nonce, aad, plaintext, opened).fault() == Fault::kUndecryptable);
    for (uint8_t byte : opened) require(byte == 0);
  }
  return 0;
}
