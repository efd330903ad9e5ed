#include "core/signature.h"

#include <algorithm>

namespace tinymls {
namespace {

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

// Ready to verify under a public key.
Result<void> make_ready(const Library& library, KeyId id, View public_key, EVP_MD_CTX* context) {
  auto key = PublicKey::import(library, id, public_key);
  if (!key) return key.fault();
  ErrorMark mark;
  if (EVP_DigestVerifyInit_ex(context, nullptr, key_traits(id)->digest, library.context, library.properties,
                              key->pkey(), nullptr) != 1)
    return Fault::kInternal;
  return {};
}

bool verify_ready(KeyId id, EVP_MD_CTX* context, View message, View signature) {
  if (signature.size() > signature_max_length(id)) return false;
  ErrorMark mark;
  return EVP_DigestVerify(context, signature.data(), signature.size(), message.data(), message.size()) == 1;
}

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

Result<size_t> sign(const PrivateKey& key, View message, MutableView out) {
  const size_t longest = signature_max_length(key.id());
  if (longest == 0 || out.size() != longest) return Fault::kUsage;
  ErrorMark mark;
  DigestContext context;
  if (!context.get()) return Fault::kMemory;
  size_t length = out.size();
  if (EVP_MD_CTX_copy_ex(context.get(), key.signing()) != 1 ||
      EVP_DigestSign(context.get(), out.data(), &length, message.data(), message.size()) != 1) {
    wipe(out);
    return Fault::kInternal;
  }
  return length;
}

Result<bool> verify(const Library& library, KeyId id, View public_key, View message, View signature) {
  if (signature_max_length(id) == 0) return Fault::kUsage;
  DigestContext context;
  if (!context.get()) return Fault::kMemory;
  const auto ready = make_ready(library, id, public_key, context.get());
  if (!ready) return ready.fault();
  return verify_ready(id, context.get(), message, signature);
}

Result<bool> Verifier::verify(const Library& library, KeyId id, View public_key, View message, View signature) {
  if (signature_max_length(id) == 0) return Fault::kUsage;
  if (public_key.empty()) return Fault::kMalformed;
  // Octets from the middle differ in every encoding.
  Entry& entry = entries_[public_key[public_key.size() / 2] % kKept];
  if (!entry.context || entry.id != id || !std::ranges::equal(entry.public_key, public_key)) {
    MdCtxPtr fresh(EVP_MD_CTX_new());
    if (!fresh) return Fault::kMemory;
    const auto ready = make_ready(library, id, public_key, fresh.get());
    if (!ready) return ready.fault();
    entry = {id, {public_key.begin(), public_key.end()}, std::move(fresh)};
  }
  DigestContext context;
  if (!context.get()) return Fault::kMemory;
  ErrorMark mark;
  if (EVP_MD_CTX_copy_ex(context.get(), entry.context.get()) != 1) return Fault::kInternal;
  return verify_ready(id, context.get(), message, signature);
}

}  // namespace tinymls
