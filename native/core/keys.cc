#include "core/keys.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>
#include <bit>

#include "core/kem_hybrid.h"
#include "core/random.h"

namespace tinymls {
namespace {

using BignumPtr = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using GroupPtr = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using PointPtr = std::unique_ptr<EC_POINT, Freed<EC_POINT_clear_free>>;

constexpr KeyTraits kNone{};

constexpr KeyTraits traits(KeyId id) {
  switch (id) {
    case KeyId::kDhkemP256:
      return {KeyFamily::kNistCurve, true, "EC", "P-256", 65, 32};
    case KeyId::kDhkemP384:
      return {KeyFamily::kNistCurve, true, "EC", "P-384", 97, 48};
    case KeyId::kDhkemP521:
      return {KeyFamily::kNistCurve, true, "EC", "P-521", 133, 66};
    case KeyId::kDhkemX25519:
      return {KeyFamily::kOctets, true, "X25519", nullptr, 32, 32};
    case KeyId::kDhkemX448:
      return {KeyFamily::kOctets, true, "X448", nullptr, 56, 56};
    case KeyId::kMlKem512:
      return {KeyFamily::kLatticeSeed, true, "ML-KEM-512", nullptr, 800, 64};
    case KeyId::kMlKem768:
      return {KeyFamily::kLatticeSeed, true, "ML-KEM-768", nullptr, 1184, 64};
    case KeyId::kMlKem1024:
      return {KeyFamily::kLatticeSeed, true, "ML-KEM-1024", nullptr, 1568, 64};
    case KeyId::kMlKem768X25519:
      return {KeyFamily::kHybrid, true, "MLKEM768-X25519", nullptr, 1216, 32};
    case KeyId::kMlKem768P256:
      return {KeyFamily::kHybrid, true, "MLKEM768-P256", nullptr, 1249, 32};
    case KeyId::kMlKem1024P384:
      return {KeyFamily::kHybrid, true, "MLKEM1024-P384", nullptr, 1665, 32};
    case KeyId::kEd25519:
      return {KeyFamily::kOctets, false, "ED25519", nullptr, 32, 32};
    case KeyId::kEd448:
      return {KeyFamily::kOctets, false, "ED448", nullptr, 57, 57};
    case KeyId::kEcdsaP256:
      return {KeyFamily::kNistCurve, false, "EC", "P-256", 65, 32};
    case KeyId::kEcdsaP384:
      return {KeyFamily::kNistCurve, false, "EC", "P-384", 97, 48};
    case KeyId::kEcdsaP521:
      return {KeyFamily::kNistCurve, false, "EC", "P-521", 133, 66};
    case KeyId::kMlDsa65:
      return {KeyFamily::kLatticeSeed, false, "ML-DSA-65", nullptr, 1952, 32};
    case KeyId::kMlDsa87:
      return {KeyFamily::kLatticeSeed, false, "ML-DSA-87", nullptr, 2592, 32};
  }
  return kNone;
}

constexpr size_t kLastKeyId = static_cast<size_t>(KeyId::kMlDsa87);

constexpr auto kTraits = [] {
  std::array<KeyTraits, kLastKeyId + 1> table{};
  for (size_t i = 0; i < table.size(); i++) table[i] = traits(static_cast<KeyId>(i));
  return table;
}();

// The curve is built once: EC_GROUP_new_by_curve_name costs more than a multiplication. Reading it from several threads
// is safe.
const EC_GROUP* curve(size_t scalar_length) {
  static const GroupPtr p256(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  static const GroupPtr p384(EC_GROUP_new_by_curve_name(NID_secp384r1));
  static const GroupPtr p521(EC_GROUP_new_by_curve_name(NID_secp521r1));
  return (scalar_length == 32 ? p256 : scalar_length == 48 ? p384 : p521).get();
}

// One context for each kind of key and thread: a fresh one pays for a provider look-up.
EVP_PKEY_CTX* import_context(const Library& library, const KeyTraits& key) {
  struct Entry {
    OSSL_LIB_CTX* library;
    const char* type;
    PkeyCtxPtr context;
  };
  thread_local std::vector<Entry> entries;
  for (const Entry& entry : entries)
    if (entry.library == library.context && entry.type == key.type) return entry.context.get();
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(library.context, key.type, library.properties));
  if (!context || EVP_PKEY_fromdata_init(context.get()) <= 0) return nullptr;
  entries.push_back({library.context, key.type, std::move(context)});
  return entries.back().context.get();
}

Result<PkeyPtr> from_data(const Library& library, const KeyTraits& key, int selection, OSSL_PARAM* params) {
  EVP_PKEY_CTX* context = import_context(library, key);
  if (!context) return Fault::kConfig;
  EVP_PKEY* pkey = nullptr;
  if (EVP_PKEY_fromdata(context, &pkey, selection, params) <= 0) return Fault::kInvalid;
  return PkeyPtr(pkey);
}

OSSL_PARAM group_param(const KeyTraits& key) {
  return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(key.group), 0);
}

OSSL_PARAM octets_param(const char* name, View octets) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<uint8_t*>(octets.data()), octets.size());
}

Result<PkeyPtr> import_public(const Library& library, const KeyTraits& key, View encoded) {
  ErrorMark mark;
  if (encoded.size() != key.public_length) return Fault::kMalformed;
  OSSL_PARAM point = octets_param(OSSL_PKEY_PARAM_PUB_KEY, encoded);
  if (key.family == KeyFamily::kNistCurve) {
    if (encoded[0] != 0x04) return Fault::kMalformed;  // uncompressed alone, never hybrid or compressed
    OSSL_PARAM params[] = {group_param(key), point, OSSL_PARAM_construct_end()};
    return from_data(library, key, EVP_PKEY_PUBLIC_KEY, params);
  }
  OSSL_PARAM params[] = {point, OSSL_PARAM_construct_end()};
  return from_data(library, key, EVP_PKEY_PUBLIC_KEY, params);
}

struct Parsed {
  PkeyPtr pkey;
  std::vector<uint8_t> public_key;
};

Result<Parsed> import_scalar(const Library& library, const KeyTraits& key, View raw) {
  const EC_GROUP* group = curve(key.private_length);
  BignumPtr scalar(BN_secure_new());
  PointPtr point(group ? EC_POINT_new(group) : nullptr);
  if (!scalar || !point || !BN_bin2bn(raw.data(), static_cast<int>(raw.size()), scalar.get())) return Fault::kMemory;
  BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(group)) >= 0) return Fault::kInvalid;

  Parsed parsed{nullptr, std::vector<uint8_t>(key.public_length)};
  if (EC_POINT_mul(group, point.get(), scalar.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group, point.get(), POINT_CONVERSION_UNCOMPRESSED, parsed.public_key.data(), key.public_length,
                         nullptr) != key.public_length)
    return Fault::kInternal;

  auto native = SecretBytes::copy(raw);  // OSSL_PARAM integers are in the machine's byte order
  if (!native) return native.fault();
  if constexpr (std::endian::native == std::endian::little)
    std::reverse(native->data(), native->data() + native->size());
  OSSL_PARAM params[] = {group_param(key), octets_param(OSSL_PKEY_PARAM_PUB_KEY, parsed.public_key),
                         OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native->data(), native->size()),
                         OSSL_PARAM_construct_end()};
  auto pkey = from_data(library, key, EVP_PKEY_KEYPAIR, params);
  if (!pkey) return pkey.fault();
  parsed.pkey = std::move(*pkey);
  return parsed;
}

// The provider computes the public key of octets and seeds.
Result<Parsed> import_octets(const Library& library, const KeyTraits& key, View raw) {
  const char* name = key.family == KeyFamily::kLatticeSeed ? "seed" : OSSL_PKEY_PARAM_PRIV_KEY;
  OSSL_PARAM params[] = {octets_param(name, raw), OSSL_PARAM_construct_end()};
  auto pkey = from_data(library, key, EVP_PKEY_KEYPAIR, params);
  if (!pkey) return pkey.fault();
  Parsed parsed{std::move(*pkey), std::vector<uint8_t>(key.public_length)};
  size_t length = 0;
  if (EVP_PKEY_get_octet_string_param(parsed.pkey.get(), OSSL_PKEY_PARAM_PUB_KEY, parsed.public_key.data(),
                                      parsed.public_key.size(), &length) != 1 ||
      length != key.public_length)
    return Fault::kInternal;
  return parsed;
}

}  // namespace

const KeyTraits* key_traits(KeyId id) {
  const auto index = static_cast<size_t>(id);
  return index <= kLastKeyId && kTraits[index].type ? &kTraits[index] : nullptr;
}

Result<PublicKey> PublicKey::import(const Library& library, KeyId id, View encoded) {
  const KeyTraits* key = key_traits(id);
  if (!key) return Fault::kUsage;
  PublicKey result;
  result.id_ = id;
  if (key->family == KeyFamily::kHybrid) {
    auto checked = hybrid_check_public(library, id, encoded);
    if (!checked) return checked.fault();
    return result;
  }
  auto pkey = import_public(library, *key, encoded);
  if (!pkey) return pkey.fault();
  result.pkey_ = std::move(*pkey);
  return result;
}

Result<PrivateKey> PrivateKey::import(const Library& library, KeyId id, SecretBytes raw) {
  ErrorMark mark;
  const KeyTraits* key = key_traits(id);
  if (!key) return Fault::kUsage;
  if (raw.size() != key->private_length) return Fault::kMalformed;
  if (key->family == KeyFamily::kHybrid) {
    auto hybrid = hybrid_expand(library, id, raw.view());
    if (!hybrid) return hybrid.fault();
    PrivateKey result;
    result.id_ = id;
    result.raw_ = std::move(raw);
    for (const PrivateKey* part : {&hybrid->post_quantum, &hybrid->traditional})
      result.public_.insert(result.public_.end(), part->public_key().begin(), part->public_key().end());
    result.hybrid_ = std::make_shared<const HybridKeys>(std::move(*hybrid));
    return result;
  }
  auto parsed = key->family == KeyFamily::kNistCurve ? import_scalar(library, *key, raw.view())
                                                     : import_octets(library, *key, raw.view());
  if (!parsed) return parsed.fault();
  PrivateKey result;
  result.id_ = id;
  result.raw_ = std::move(raw);
  result.public_ = std::move(parsed->public_key);
  result.pkey_ = std::move(parsed->pkey);
  return result;
}

Result<PrivateKey> PrivateKey::import(const Library& library, KeyId id, View raw) {
  auto copy = SecretBytes::copy(raw);
  if (!copy) return copy.fault();
  return import(library, id, std::move(*copy));
}

Result<PrivateKey> PrivateKey::generate(const Library& library, KeyId id) {
  const KeyTraits* key = key_traits(id);
  if (!key) return Fault::kUsage;
  // P-521 scalars have 521 bits in 66 octets; the surplus is cleared so that a draw succeeds with probability near 1.
  const bool surplus = key->family == KeyFamily::kNistCurve && key->private_length == 66;
  for (int attempt = 0; attempt < 64; attempt++) {
    auto raw = random_secret(key->private_length);
    if (!raw) return raw.fault();
    if (surplus) raw->data()[0] &= 0x01;
    auto result = import(library, id, std::move(*raw));
    if (result || result.fault() != Fault::kInvalid) return result;
  }
  return Fault::kInternal;
}

Result<PrivateKey> PrivateKey::clone() const {
  auto raw = SecretBytes::copy(raw_.view());
  if (!raw) return raw.fault();
  PrivateKey result;
  result.id_ = id_;
  result.raw_ = std::move(*raw);
  result.public_ = public_;
  result.hybrid_ = hybrid_;
  if (pkey_ && EVP_PKEY_up_ref(pkey_.get()) != 1) return Fault::kInternal;
  result.pkey_.reset(pkey_.get());
  return result;
}

}  // namespace tinymls
