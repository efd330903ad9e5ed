#include "core/signature.h"

namespace tinymls {
namespace {

// EdDSA and ML-DSA take the message itself: no digest to name.
const char* digest_name(KeyId id) {
  switch (id) {
    case KeyId::kEcdsaP256:
      return "SHA2-256";
    case KeyId::kEcdsaP384:
      return "SHA2-384";
    case KeyId::kEcdsaP521:
      return "SHA2-512";
    default:
      return nullptr;
  }
}

// Reused for each call of a thread; the key and its state leave it at the end of the call.
class DigestContext {
 public:
  DigestContext() : context_(shared()) {}
  ~DigestContext() {
    if (context_) EVP_MD_CTX_reset(context_);
  }
  DigestContext(const DigestContext&) = delete;
  DigestContext& operator=(const DigestContext&) = delete;
  EVP_MD_CTX* get() const { return context_; }

 private:
  static EVP_MD_CTX* shared() {
    thread_local MdCtxPtr context(EVP_MD_CTX_new());
    return context.get();
  }
  EVP_MD_CTX* context_;
};

}  // namespace

size_t signature_max_length(KeyId id) {
  switch (id) {
    case KeyId::kEd25519:
      return 64;
    case KeyId::kEd448:
      return 114;
    case KeyId::kEcdsaP256:  // SEQUENCE of two INTEGERs, each with a sign octet at worst
      return 72;
    case KeyId::kEcdsaP384:
      return 104;
    case KeyId::kEcdsaP521:
      return 139;
    case KeyId::kMlDsa65:
      return 3309;
    case KeyId::kMlDsa87:
      return 4627;
    default:
      return 0;
  }
}

Result<size_t> sign(const Library& library, const PrivateKey& key, View message, MutableView out) {
  const size_t longest = signature_max_length(key.id());
  if (longest == 0 || out.size() != longest) return Fault::kUsage;
  ErrorMark mark;
  DigestContext context;
  if (!context.get()) return Fault::kMemory;
  size_t length = out.size();
  if (EVP_DigestSignInit_ex(context.get(), nullptr, digest_name(key.id()), library.context, library.properties,
                            key.pkey(), nullptr) != 1 ||
      EVP_DigestSign(context.get(), out.data(), &length, message.data(), message.size()) != 1) {
    wipe(out);
    return Fault::kInternal;
  }
  return length;
}

Result<bool> verify(const Library& library, const PublicKey& key, View message, View signature) {
  const size_t longest = signature_max_length(key.id());
  if (longest == 0) return Fault::kUsage;
  if (signature.size() > longest) return false;
  ErrorMark mark;
  DigestContext context;
  if (!context.get()) return Fault::kMemory;
  if (EVP_DigestVerifyInit_ex(context.get(), nullptr, digest_name(key.id()), library.context, library.properties,
                              key.pkey(), nullptr) != 1)
    return Fault::kInternal;
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

Result<bool> verify(const Library& library, KeyId id, View public_key, View message, View signature) {
  if (signature_max_length(id) == 0) return Fault::kUsage;
  auto key = PublicKey::import(library, id, public_key);
  if (!key) return key.fault();
  return verify(library, *key, message, signature);
}

}  // namespace tinymls
