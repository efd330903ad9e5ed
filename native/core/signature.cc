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

// Null for what is no signature algorithm.
const SignatureFunctions* functions_of(const Library& library, KeyId id) {
  switch (id) {
    case KeyId::kEd25519:
      return &library.ed25519;
    case KeyId::kEd448:
      return &library.ed448;
    case KeyId::kEcdsaP256:
      return &library.ecdsa_p256;
    case KeyId::kEcdsaP384:
      return &library.ecdsa_p384;
    case KeyId::kEcdsaP521:
      return &library.ecdsa_p521;
    case KeyId::kMlDsa65:
      return &library.ml_dsa_65;
    case KeyId::kMlDsa87:
      return &library.ml_dsa_87;
    default:
      return nullptr;
  }
}

Result<SignatureCheck> begin_check(const SignatureFunctions* functions, KeyId id, View public_key) {
  if (functions == nullptr) return Fault::kUsage;
  const KeyTraits& key = *key_traits(id);
  if (public_key.size() != key.public_length) return Fault::kMalformed;
  if (key.family == KeyFamily::kNistCurve && public_key[0] != kUncompressed) return Fault::kMalformed;
  if (!*functions) return Fault::kConfig;
  return functions->begin(public_key);
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
  const auto ready = key.ready();
  if (!ready) return ready.fault();
  ErrorMark mark;
  DigestContext context;
  if (!context.get()) return Fault::kMemory;
  size_t length = out.size();
  if (EVP_MD_CTX_copy_ex(context.get(), (*ready)->signing.get()) != 1 ||
      EVP_DigestSign(context.get(), out.data(), &length, message.data(), message.size()) != 1) {
    wipe(out);
    return Fault::kInternal;
  }
  return length;
}

Result<bool> verify(const Library& library, KeyId id, View public_key, View message, View signature) {
  const SignatureFunctions* functions = functions_of(library, id);
  const auto check = begin_check(functions, id, public_key);
  if (!check) return check.fault();
  return signature.size() <= signature_max_length(id) && functions->finish(*check, message, signature);
}

Result<bool> Verifier::verify(const Library& library, KeyId id, View public_key, View message, View signature) {
  if (public_key.empty()) return Fault::kMalformed;
  const SignatureFunctions* functions = functions_of(library, id);
  // Octets from the middle differ in every encoding.
  Entry& entry = entries_[public_key[public_key.size() / 2] % kKept];
  if (!entry.check.context || entry.id != id || !std::ranges::equal(entry.public_key, public_key)) {
    auto check = begin_check(functions, id, public_key);
    if (!check) return check.fault();
    Entry latest{id, {public_key.begin(), public_key.end()}, std::move(*check)};
    std::swap(entry, latest);  // the one before goes in the order that its context needs
  }
  if (signature.size() > signature_max_length(id)) return false;
  return functions->finish_copy(entry.check, message, signature);
}

}  // namespace tinymls
