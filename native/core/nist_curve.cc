#include "core/nist_curve.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <bit>

namespace tinymls {
namespace {

using BignumPtr = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using GroupPtr = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using PointPtr = std::unique_ptr<EC_POINT, Freed<EC_POINT_clear_free>>;

// The curve is built once: EC_GROUP_new_by_curve_name costs more than a multiplication. Reading it from several threads
// is safe.
const EC_GROUP* curve(size_t scalar_length) {
  static const GroupPtr p256(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  static const GroupPtr p384(EC_GROUP_new_by_curve_name(NID_secp384r1));
  static const GroupPtr p521(EC_GROUP_new_by_curve_name(NID_secp521r1));
  return (scalar_length == 32 ? p256 : scalar_length == 48 ? p384 : p521).get();
}

OSSL_PARAM group_param(const KeyTraits& key) {
  return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(key.group), 0);
}

// What a thread keeps of a curve. Naming the curve to OpenSSL costs 10 us each time, copying a key that has it 3 us.
struct CurveTools {
  OSSL_LIB_CTX* library;
  const char* group;
  PkeyPtr parameters;
  PkeyCtxPtr import, generate;
};

std::optional<CurveTools> make_tools(const Library& library, const KeyTraits& key) {
  const auto context = [&] {
    return PkeyCtxPtr(EVP_PKEY_CTX_new_from_name(library.context, key.type, library.properties));
  };
  CurveTools tools{library.context, key.group, nullptr, context(), context()};
  OSSL_PARAM params[] = {group_param(key), OSSL_PARAM_construct_end()};
  EVP_PKEY* parameters = nullptr;
  if (!tools.import || EVP_PKEY_fromdata_init(tools.import.get()) <= 0 ||
      EVP_PKEY_fromdata(tools.import.get(), &parameters, EVP_PKEY_KEY_PARAMETERS, params) <= 0)
    return {};
  tools.parameters.reset(parameters);
  if (!tools.generate || EVP_PKEY_keygen_init(tools.generate.get()) <= 0 ||
      EVP_PKEY_CTX_set_params(tools.generate.get(), params) <= 0)
    return {};
  return tools;
}

const CurveTools* curve_tools(const Library& library, const KeyTraits& key) {
  thread_local std::vector<std::unique_ptr<const CurveTools>> kept;
  for (const auto& tools : kept)
    if (tools->library == library.context && tools->group == key.group) return tools.get();
  auto tools = make_tools(library, key);
  if (!tools) return nullptr;
  kept.push_back(std::make_unique<const CurveTools>(std::move(*tools)));
  return kept.back().get();
}

// Between OSSL_PARAM's integers, which are in the machine's byte order, and big endian.
void swap_order(MutableView integer) {
  if constexpr (std::endian::native == std::endian::little) std::reverse(integer.begin(), integer.end());
}

// Fault::kInvalid where it is zero or not below the order.
Result<BignumPtr> scalar_of(const EC_GROUP* group, View raw) {
  BignumPtr scalar(BN_secure_new());
  if (!group || !scalar || !BN_bin2bn(raw.data(), static_cast<int>(raw.size()), scalar.get())) return Fault::kMemory;
  BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(group)) >= 0) return Fault::kInvalid;
  return scalar;
}

}  // namespace

Result<void> nist_curve_check(const KeyTraits& key, View encoded) {
  if (encoded[0] != kUncompressed) return Fault::kMalformed;
  ErrorMark mark;
  const EC_GROUP* group = curve(key.private_length);
  const PointPtr point(EC_POINT_new(group));
  if (!point) return Fault::kMemory;
  if (EC_POINT_oct2point(group, point.get(), encoded.data(), encoded.size(), nullptr) != 1) return Fault::kInvalid;
  return {};
}

Result<PkeyPtr> nist_curve_point(const Library& library, const KeyTraits& key, View encoded) {
  if (encoded[0] != kUncompressed) return Fault::kMalformed;
  const CurveTools* tools = curve_tools(library, key);
  if (!tools) return Fault::kConfig;
  PkeyPtr pkey(EVP_PKEY_dup(tools->parameters.get()));
  if (!pkey) return Fault::kMemory;
  if (EVP_PKEY_set1_encoded_public_key(pkey.get(), encoded.data(), encoded.size()) != 1) return Fault::kInvalid;
  return pkey;
}

Result<ParsedKey> nist_curve_scalar(const Library& library, const KeyTraits& key, View raw) {
  const EC_GROUP* group = curve(key.private_length);
  auto scalar = scalar_of(group, raw);
  if (!scalar) return scalar.fault();
  PointPtr point(EC_POINT_new(group));
  if (!point) return Fault::kMemory;
  std::vector<uint8_t> public_key(key.public_length);
  if (EC_POINT_mul(group, point.get(), scalar->get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group, point.get(), POINT_CONVERSION_UNCOMPRESSED, public_key.data(), key.public_length,
                         nullptr) != key.public_length)
    return Fault::kInternal;
  auto pkey = nist_curve_pair(library, key, raw, public_key);
  if (!pkey) return pkey.fault();
  return ParsedKey{std::move(*pkey), std::move(public_key), {}};
}

Result<PkeyPtr> nist_curve_pair(const Library& library, const KeyTraits& key, View raw, View public_key) {
  if (public_key[0] != kUncompressed) return Fault::kMalformed;
  if (auto scalar = scalar_of(curve(key.private_length), raw); !scalar) return scalar.fault();
  const CurveTools* tools = curve_tools(library, key);
  if (!tools) return Fault::kConfig;
  auto native = SecretBytes::copy(raw);  // OSSL_PARAM integers are in the machine's byte order
  if (!native) return native.fault();
  swap_order(native->bytes());
  OSSL_PARAM params[] = {group_param(key), octets_param(OSSL_PKEY_PARAM_PUB_KEY, public_key),
                         OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native->data(), native->size()),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY* pkey = nullptr;
  if (EVP_PKEY_fromdata(tools->import.get(), &pkey, EVP_PKEY_KEYPAIR, params) <= 0) return Fault::kInvalid;
  return PkeyPtr(pkey);
}

Result<ParsedKey> nist_curve_generate(const Library& library, const KeyTraits& key) {
  const CurveTools* tools = curve_tools(library, key);
  if (!tools) return Fault::kConfig;
  EVP_PKEY* pkey = nullptr;
  if (EVP_PKEY_generate(tools->generate.get(), &pkey) <= 0) return Fault::kInternal;
  ParsedKey generated{PkeyPtr(pkey), std::vector<uint8_t>(key.public_length), {}};
  auto raw = SecretBytes::allocate(key.private_length);
  if (!raw) return raw.fault();
  size_t length = 0;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, raw->data(), raw->size()),
                         OSSL_PARAM_construct_end()};
  if (EVP_PKEY_get_params(pkey, params) != 1 ||
      EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, generated.public_key.data(), key.public_length,
                                      &length) != 1 ||
      length != key.public_length)
    return Fault::kInternal;
  swap_order(raw->bytes());
  generated.raw = std::move(*raw);
  return generated;
}

}  // namespace tinymls
