#include "core/hpke_shake.h"

#include <array>

#include "core/hpke_kdf.h"

namespace tinymls {
namespace {

const EVP_MD* shake_md(Shake xof) {
  static const MdPtr shake128(EVP_MD_fetch(nullptr, "SHAKE128", nullptr));
  static const MdPtr shake256(EVP_MD_fetch(nullptr, "SHAKE256", nullptr));
  return (xof == Shake::kShake128 ? shake128 : shake256).get();
}

Result<void> openssl_shake(Shake xof, std::span<const View> parts, MutableView out) {
  ErrorMark mark;
  const EVP_MD* md = shake_md(xof);
  if (!md) return Fault::kConfig;
  MdCtxPtr context(EVP_MD_CTX_new());
  if (!context) return Fault::kMemory;
  bool done = EVP_DigestInit_ex2(context.get(), md, nullptr) == 1;
  for (View part : parts) done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  if (!done || EVP_DigestFinalXOF(context.get(), out.data(), out.size()) != 1) return Fault::kInternal;
  return {};
}

}  // namespace

Result<SecretBytes> shake(const Library& library, Shake xof, std::span<const View> parts, size_t length) {
  if (library.context) return Fault::kConfig;  // not among the approved KDFs
  auto out = SecretBytes::allocate(length);
  if (!out) return out.fault();
  auto done = openssl_shake(xof, parts, out->bytes());
  if (!done) return done.fault();
  return out;
}

Result<SecretBytes> sha3_256(const Library& library, std::span<const View> parts) {
  if (library.context) return Fault::kConfig;
  static const MdPtr md(EVP_MD_fetch(nullptr, "SHA3-256", nullptr));
  if (!md) return Fault::kConfig;
  ErrorMark mark;
  MdCtxPtr context(EVP_MD_CTX_new());
  auto out = SecretBytes::allocate(32);
  if (!context || !out) return Fault::kMemory;
  bool done = EVP_DigestInit_ex2(context.get(), md.get(), nullptr) == 1;
  for (View part : parts) done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  if (!done || EVP_DigestFinal_ex(context.get(), out->data(), nullptr) != 1) return Fault::kInternal;
  return out;
}

Result<SecretBytes> shake_labeled_derive(const Library& library, Shake xof, View suite_id,
                                         std::initializer_list<View> ikm, std::string_view label,
                                         std::initializer_list<View> context, size_t length) {
  if (length == 0 || length > 0xffff) return Fault::kUsage;
  const auto label_length = i2osp2(label.size());
  const auto out_length = i2osp2(length);
  std::array<View, 24> parts;
  size_t count = 0;
  if (ikm.size() + context.size() + 5 > parts.size()) return Fault::kUsage;
  for (View part : ikm) parts[count++] = part;
  for (View part : {octets("HPKE-v1"), suite_id, View(label_length), octets(label), View(out_length)})
    parts[count++] = part;
  for (View part : context) parts[count++] = part;
  return shake(library, xof, std::span<const View>(parts.data(), count), length);
}

}  // namespace tinymls
