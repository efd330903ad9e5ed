#include "core/x509.h"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "core/openssl.h"

namespace tinymls {

namespace {

// OpenSSL's level of 112 bits, below which no cipher suite is: no SHA-1, no RSA under 2048 bits, in any link of a
// chain.
constexpr int kAuthLevel = 2;

using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;

struct StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), StackFree>;

Result<X509Ptr> parse(View der) {
  if (der.empty() || der.size() > kMaxCertificateLength) return Fault::kMalformed;
  const uint8_t* at = der.data();
  X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != der.data() + der.size()) return Fault::kMalformed;
  return certificate;
}

Result<std::vector<uint8_t>> public_key_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448")) {
    size_t size = 0;
    if (EVP_PKEY_get_raw_public_key(key, nullptr, &size) != 1) return Fault::kInternal;
    std::vector<uint8_t> raw(size);
    if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1) return Fault::kInternal;
    return raw;
  }
  uint8_t* encoded = nullptr;
  const size_t size = EVP_PKEY_get1_encoded_public_key(const_cast<EVP_PKEY*>(key), &encoded);
  if (size == 0) return Fault::kInvalid;  // a key that no cipher suite signs with
  std::vector<uint8_t> point(encoded, encoded + size);
  OPENSSL_free(encoded);
  // 0x02 and 0x03 start a compressed point, which the comparison with an uncompressed one would refuse anyway.
  return point;
}

Result<std::string> subject_of(const X509* certificate) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  if (!memory) return Fault::kMemory;
  const X509_NAME* name = X509_get_subject_name(certificate);
  if (X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return Fault::kInternal;
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<size_t>(size < 0 ? 0 : size));
}

Result<EndEntity> describe(X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (!key) return Fault::kInvalid;
  EndEntity out;
  const char* type = EVP_PKEY_get0_type_name(key);
  out.algorithm = type ? type : "";
  char curve[64];
  size_t curve_size = 0;
  if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, curve, sizeof curve, &curve_size) == 1) {
    out.curve.assign(curve, curve_size);
  }
  auto public_key = public_key_of(key);
  if (!public_key) return public_key.fault();
  out.public_key = std::move(*public_key);
  auto subject = subject_of(certificate);
  if (!subject) return subject.fault();
  out.subject = std::move(*subject);
  return out;
}

// Without the extension every use is allowed (RFC 5280 §4.2.1.3).
bool may_sign(X509* certificate) { return (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) != 0; }

Result<StorePtr> store_of(std::span<const View> roots, int64_t time) {
  StorePtr store(X509_STORE_new());
  if (!store) return Fault::kMemory;
  for (const View der : roots) {
    auto root = parse(der);
    if (!root) return root.fault();
    if (X509_STORE_add_cert(store.get(), root->get()) != 1) return Fault::kInternal;
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(time));
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kMaxChainLength));
  X509_VERIFY_PARAM_set_auth_level(parameters, kAuthLevel);
  if (X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN) != 1) {
    return Fault::kInternal;
  }
  return store;
}

// RFC 9420 §5.3.3 wants each certificate to certify the one before it; OpenSSL alone would take them in any order.
bool in_order(std::span<const X509Ptr> chain) {
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    if (X509_check_issued(chain[i + 1].get(), chain[i].get()) != X509_V_OK) return false;
  }
  return true;
}

}  // namespace

Result<EndEntity> x509_end_entity(View certificate) {
  const ErrorMark mark;
  auto parsed = parse(certificate);
  if (!parsed) return parsed.fault();
  return describe(parsed->get());
}

Result<EndEntity> x509_verify_chain(std::span<const View> chain, std::span<const View> roots, int64_t time) {
  const ErrorMark mark;
  if (chain.empty() || chain.size() > kMaxChainLength) return Fault::kMalformed;
  std::vector<X509Ptr> certificates;
  for (const View der : chain) {
    auto certificate = parse(der);
    if (!certificate) return certificate.fault();
    certificates.push_back(std::move(*certificate));
  }
  auto store = store_of(roots, time);
  if (!store) return store.fault();
  const StackPtr untrusted(sk_X509_new_null());
  if (!untrusted) return Fault::kMemory;
  for (size_t i = 1; i < certificates.size(); ++i) {
    if (X509_up_ref(certificates[i].get()) != 1) return Fault::kInternal;
    if (sk_X509_push(untrusted.get(), certificates[i].get()) == 0) {
      X509_free(certificates[i].get());
      return Fault::kMemory;
    }
  }
  const StoreCtxPtr context(X509_STORE_CTX_new());
  X509* end_entity = certificates.front().get();
  if (!context || X509_STORE_CTX_init(context.get(), store->get(), end_entity, untrusted.get()) != 1) {
    return Fault::kMemory;
  }
  if (!in_order(certificates) || X509_verify_cert(context.get()) != 1 || !may_sign(end_entity)) return Fault::kInvalid;
  return describe(end_entity);
}

}  // namespace tinymls
