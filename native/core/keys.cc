#include "core/keys.h"

#include <mutex>
#include <optional>

#include "core/kem_hybrid.h"
#include "core/nist_curve.h"
#include "core/random.h"

namespace tinymls {
namespace {

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

Result<PkeyPtr> import_public(const Library& library, const KeyTraits& key, View encoded) {
  ErrorMark mark;
  if (encoded.size() != key.public_length) return Fault::kMalformed;
  if (key.family == KeyFamily::kNistCurve) return nist_curve_point(library, key, encoded);
  OSSL_PARAM params[] = {octets_param(OSSL_PKEY_PARAM_PUB_KEY, encoded), OSSL_PARAM_construct_end()};
  return from_data(library, key, EVP_PKEY_PUBLIC_KEY, params);
}

// The provider computes the public key of octets and seeds.
Result<PkeyPtr> expand(const Library& library, const KeyTraits& key, View raw) {
  const char* name = key.family == KeyFamily::kLatticeSeed ? "seed" : OSSL_PKEY_PARAM_PRIV_KEY;
  OSSL_PARAM params[] = {octets_param(name, raw), OSSL_PARAM_construct_end()};
  return from_data(library, key, EVP_PKEY_KEYPAIR, params);
}

Result<ParsedKey> import_octets(const Library& library, const KeyTraits& key, View raw) {
  auto pkey = expand(library, key, raw);
  if (!pkey) return pkey.fault();
  ParsedKey parsed{std::move(*pkey), std::vector<uint8_t>(key.public_length), {}};
  size_t length = 0;
  if (EVP_PKEY_get_octet_string_param(parsed.pkey.get(), OSSL_PKEY_PARAM_PUB_KEY, parsed.public_key.data(),
                                      parsed.public_key.size(), &length) != 1 ||
      length != key.public_length)
    return Fault::kInternal;
  return parsed;
}

Result<PkeyPtr> restore_octets(const Library& library, const KeyTraits& key, View raw, View public_key) {
  OSSL_PARAM params[] = {octets_param(OSSL_PKEY_PARAM_PRIV_KEY, raw), octets_param(OSSL_PKEY_PARAM_PUB_KEY, public_key),
                         OSSL_PARAM_construct_end()};
  return from_data(library, key, EVP_PKEY_KEYPAIR, params);
}

// Any octets are a private key of RFC 7748.
Result<ParsedKey> exchange_pair(const Library& library, const KeyTraits& key, KeyId id, View raw) {
  const ExchangeFunctions& exchange = exchange_of(library, id);
  if (!exchange) return Fault::kConfig;
  ParsedKey pair{nullptr, std::vector<uint8_t>(key.public_length), {}};
  const auto done = exchange.public_key(raw, pair.public_key);
  if (!done) return done.fault();
  return pair;
}

Result<ParsedKey> import_pair(const Library& library, const KeyTraits& key, KeyId id, View raw) {
  if (key.is_exchange()) return exchange_pair(library, key, id, raw);
  if (key.family == KeyFamily::kNistCurve) return nist_curve_scalar(library, key, raw);
  return import_octets(library, key, raw);
}

Result<PkeyPtr> restore_pair(const Library& library, const KeyTraits& key, View raw, View public_key) {
  if (key.family == KeyFamily::kNistCurve) return nist_curve_pair(library, key, raw, public_key);
  if (key.family == KeyFamily::kLatticeSeed) return expand(library, key, raw);
  return restore_octets(library, key, raw, public_key);
}

// A signature key is made ready to sign: that takes OpenSSL a twentieth of the time of an Ed25519 signature.
Result<ReadyKey> ready_pair(const Library& library, const KeyTraits& key, PkeyPtr pkey) {
  if (key.kem) return ReadyKey{std::move(pkey), nullptr, nullptr};
  MdCtxPtr signing(EVP_MD_CTX_new());
  if (!signing) return Fault::kMemory;
  if (EVP_DigestSignInit_ex(signing.get(), nullptr, key.digest, library.context, library.properties, pkey.get(),
                            nullptr) != 1)
    return Fault::kInternal;
  return ReadyKey{std::move(pkey), std::move(signing), nullptr};
}

Result<ReadyKey> ready_hybrid(const Library& library, KeyId id, View raw) {
  auto keys = hybrid_expand(library, id, raw);
  if (!keys) return keys.fault();
  return ReadyKey{nullptr, nullptr, std::make_unique<const HybridKeys>(std::move(*keys))};
}

Result<ReadyKey> ready_again(const Library& library, const PrivateKey& key) {
  ErrorMark mark;
  const KeyTraits& traits = *key_traits(key.id());
  if (traits.family == KeyFamily::kHybrid) return ready_hybrid(library, key.id(), key.raw());
  auto pkey = restore_pair(library, traits, key.raw(), key.public_key());
  if (!pkey) return pkey.fault();
  return ready_pair(library, traits, std::move(*pkey));
}

}  // namespace

const ExchangeFunctions& exchange_of(const Library& library, KeyId id) {
  return id == KeyId::kDhkemX25519 ? library.x25519 : library.x448;
}

struct PrivateKey::Ready {
  explicit Ready(const Library& of) : library(of) {}
  explicit Ready(const Library& of, Result<ReadyKey> key) : library(of), made(std::move(key)) {}

  const Library& library;
  std::optional<Result<ReadyKey>> made;
  std::once_flag once;
};

PrivateKey::PrivateKey() = default;
PrivateKey::~PrivateKey() = default;
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;

PrivateKey::PrivateKey(KeyId id, SecretBytes raw, std::vector<uint8_t> public_key)
    : id_(id), raw_(std::move(raw)), public_(std::move(public_key)) {}

Result<const ReadyKey*> PrivateKey::ready() const {
  if (!ready_) return Fault::kUsage;
  std::call_once(ready_->once, [this] {
    if (!ready_->made) ready_->made = ready_again(ready_->library, *this);
  });
  const auto& made = *ready_->made;
  if (!made) return made.fault();
  return &*made;
}

// A key pair that is not a hybrid one.
Result<PrivateKey> PrivateKey::of(const Library& library, KeyId id, SecretBytes raw, ParsedKey parsed) {
  const KeyTraits& key = *key_traits(id);
  PrivateKey result(id, std::move(raw), std::move(parsed.public_key));
  if (key.is_exchange()) return result;
  auto ready = ready_pair(library, key, std::move(parsed.pkey));
  if (!ready) return ready.fault();
  result.ready_ = std::make_unique<Ready>(library, std::move(ready));
  return result;
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

Result<void> PublicKey::check(const Library& library, KeyId id, View encoded) {
  const KeyTraits* key = key_traits(id);
  const bool on_curve = key && key->family == KeyFamily::kNistCurve;
  // Any octets are a key of RFC 7748.
  if (on_curve || (key && key->is_exchange())) {
    if (encoded.size() != key->public_length) return Fault::kMalformed;
    return on_curve ? nist_curve_check(*key, encoded) : Result<void>{};
  }
  auto imported = import(library, id, encoded);
  if (!imported) return imported.fault();
  return {};
}

Result<PrivateKey> PrivateKey::import(const Library& library, KeyId id, SecretBytes raw) {
  ErrorMark mark;
  const KeyTraits* key = key_traits(id);
  if (!key) return Fault::kUsage;
  if (raw.size() != key->private_length) return Fault::kMalformed;
  if (key->family == KeyFamily::kHybrid) {
    auto ready = ready_hybrid(library, id, raw.view());
    if (!ready) return ready.fault();
    std::vector<uint8_t> public_key;
    for (const PrivateKey* part : {&(*ready).hybrid->post_quantum, &(*ready).hybrid->traditional})
      public_key.insert(public_key.end(), part->public_key().begin(), part->public_key().end());
    PrivateKey result(id, std::move(raw), std::move(public_key));
    result.ready_ = std::make_unique<Ready>(library, std::move(ready));
    return result;
  }
  auto parsed = import_pair(library, *key, id, raw.view());
  if (!parsed) return parsed.fault();
  return of(library, id, std::move(raw), std::move(*parsed));
}

Result<PrivateKey> PrivateKey::import(const Library& library, KeyId id, View raw) {
  auto copy = SecretBytes::copy(raw);
  if (!copy) return copy.fault();
  return import(library, id, std::move(*copy));
}

Result<PrivateKey> PrivateKey::restore(const Library& library, KeyId id, View raw, View public_key) {
  const KeyTraits* key = key_traits(id);
  if (!key) return Fault::kUsage;
  if (raw.size() != key->private_length || public_key.size() != key->public_length) return Fault::kMalformed;
  auto copy = SecretBytes::copy(raw);
  if (!copy) return copy.fault();
  PrivateKey result(id, std::move(*copy), {public_key.begin(), public_key.end()});
  if (!key->is_exchange()) result.ready_ = std::make_unique<Ready>(library);
  return result;
}

Result<PrivateKey> PrivateKey::generate(const Library& library, KeyId id) {
  const KeyTraits* key = key_traits(id);
  if (!key) return Fault::kUsage;
  if (key->family == KeyFamily::kNistCurve) {
    ErrorMark mark;
    auto generated = nist_curve_generate(library, *key);
    if (!generated) return generated.fault();
    SecretBytes raw = std::move(generated->raw);
    return of(library, id, std::move(raw), std::move(*generated));
  }
  auto raw = random_secret(key->private_length, library);
  if (!raw) return raw.fault();
  return import(library, id, std::move(*raw));
}

}  // namespace tinymls
