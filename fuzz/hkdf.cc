// Extract, expand and Expand-Label against OpenSSL's own HKDF, for keys, labels and contexts of any length.
#include "core/hkdf.h"

#include <vector>

#include "input.h"

using namespace tinymls;
using fuzz::require;

namespace {

const char* name_of(HashId id) {
  return id == HashId::kSha256 ? "SHA2-256" : id == HashId::kSha384 ? "SHA2-384" : "SHA2-512";
}

// OpenSSL refuses an empty key, and takes a null pointer for a missing one.
OSSL_PARAM octets(const char* name, View bytes) {
  static uint8_t nothing;
  return OSSL_PARAM_construct_octet_string(name, bytes.empty() ? &nothing : const_cast<uint8_t*>(bytes.data()),
                                           bytes.size());
}

std::vector<uint8_t> derived_plainly(HashId id, int mode, View key, View salt, View info, size_t length) {
  static const KdfPtr kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfCtxPtr context(EVP_KDF_CTX_new(kdf.get()));
  std::vector<uint8_t> out(length);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(name_of(id)), 0),
      octets(OSSL_KDF_PARAM_KEY, key),
      octets(OSSL_KDF_PARAM_SALT, salt),
      octets(OSSL_KDF_PARAM_INFO, info),
      OSSL_PARAM_construct_end(),
  };
  require(EVP_KDF_derive(context.get(), out.data(), out.size(), params) == 1);
  return out;
}

bool same(const SecretBytes& secret, const std::vector<uint8_t>& bytes) {
  return std::equal(bytes.begin(), bytes.end(), secret.data(), secret.data() + secret.size());
}

// RFC 9420 §2.1.2, written a second time and otherwise: from the largest size down.
void put_vector(std::vector<uint8_t>& out, LabelFormat format, View bytes) {
  const size_t size = bytes.size();
  if (format == LabelFormat::kMls && size > 16383) {
    for (int shift : {24, 16, 8, 0}) out.push_back(static_cast<uint8_t>((size | 0x80000000) >> shift));
  } else if (format == LabelFormat::kMls && size > 63) {
    for (int shift : {8, 0}) out.push_back(static_cast<uint8_t>((size | 0x4000) >> shift));
  } else {
    out.push_back(static_cast<uint8_t>(size));
  }
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const Library& library = Library::standard();
  const auto id = static_cast<HashId>(1 + input.number(3));
  const auto format = static_cast<LabelFormat>(input.number(2));
  const size_t length = 1 + input.number(1 << 16);
  const View key = input.take(input.number(256)), label = input.take(input.number(300));
  const View context = input.rest();

  auto prk = hkdf_extract(library, id, label, key);
  require(bool(prk));
  if (!key.empty()) {
    require(same(*prk, derived_plainly(id, EVP_KDF_HKDF_MODE_EXTRACT_ONLY, key, label, {}, hash_length(id))));
  }

  std::vector<uint8_t> info{static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)};
  put_vector(info, format, label);
  put_vector(info, format, context);
  const auto labelled = hkdf_expand_label(library, id, prk->view(), format, label, context, length);
  const auto plain = hkdf_expand(library, id, prk->view(), info, length);
  if (length > 255 * hash_length(id)) {
    require(labelled.fault() == Fault::kUsage && plain.fault() == Fault::kUsage);
    return 0;
  }
  // OpenSSL bounds the info, so long ones are compared with each other alone.
  if (info.size() <= 1024) {
    require(same(*plain, derived_plainly(id, EVP_KDF_HKDF_MODE_EXPAND_ONLY, prk->view(), {}, info, length)));
  }
  if (format == LabelFormat::kTls13 && (label.size() > 255 || context.size() > 255)) {
    require(labelled.fault() == Fault::kUsage);
    return 0;
  }
  require(bool(labelled) && bool(plain));
  require(std::equal(plain->data(), plain->data() + length, labelled->data()));
  const size_t size_of_prk = prk->size();
  const auto next = hkdf_expand_label(library, id, prk->view(), format, label, context, size_of_prk);
  require(next && hkdf_step_label(library, id, *prk, format, label, context));
  require(prk->size() == size_of_prk && std::equal(prk->data(), prk->data() + size_of_prk, next->data()));
  return 0;
}
