#include "core/openssl.h"

#include <openssl/conf.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "core/keys.h"

namespace tinymls {
namespace {

void fetch_algorithms(Library& library) {
  ErrorMark mark;
  OSSL_LIB_CTX* context = library.context;
  const char* properties = library.properties;
  library.aes_128_gcm = AeadFunctions::fetch(context, "AES-128-GCM", properties);
  library.aes_256_gcm = AeadFunctions::fetch(context, "AES-256-GCM", properties);
  library.chacha20_poly1305 = AeadFunctions::fetch(context, "ChaCha20-Poly1305", properties);
  library.aes_256_ctr.reset(EVP_CIPHER_fetch(context, "AES-256-CTR", properties));
  library.sha256 = DigestFunctions::fetch(context, "SHA2-256", properties);
  library.sha384 = DigestFunctions::fetch(context, "SHA2-384", properties);
  library.sha512 = DigestFunctions::fetch(context, "SHA2-512", properties);
  library.x25519 = ExchangeFunctions::fetch(context, "X25519", properties);
  library.x448 = ExchangeFunctions::fetch(context, "X448", properties);
  const auto signature = [&](KeyId id) { return SignatureFunctions::fetch(context, *key_traits(id), properties); };
  library.ed25519 = signature(KeyId::kEd25519);
  library.ed448 = signature(KeyId::kEd448);
  library.ecdsa_p256 = signature(KeyId::kEcdsaP256);
  library.ecdsa_p384 = signature(KeyId::kEcdsaP384);
  library.ecdsa_p521 = signature(KeyId::kEcdsaP521);
  library.ml_dsa_65 = signature(KeyId::kMlDsa65);
  library.ml_dsa_87 = signature(KeyId::kMlDsa87);
  library.argon2id.reset(EVP_KDF_fetch(context, "ARGON2ID", properties));
}

// A private context reads no configuration by itself, and the FIPS module needs its own section of one (its integrity
// check value). A missing or unrelated file is no error yet: loading the provider decides.
void load_configuration(OSSL_LIB_CTX* context) {
  char* path = CONF_get1_default_config_file();
  if (path == nullptr) return;
  OSSL_LIB_CTX_load_config(context, path);
  OPENSSL_free(path);
}

Result<const Library*> make_fips() {
  ErrorMark mark;
  auto library = std::make_unique<Library>();
  library->owned.reset(OSSL_LIB_CTX_new());
  if (!library->owned) return Fault::kMemory;
  load_configuration(library->owned.get());
  // Both stay loaded as long as their context, which unloads them when it goes.
  if (OSSL_PROVIDER_load(library->owned.get(), "fips") == nullptr) return Fault::kConfig;
  if (OSSL_PROVIDER_load(library->owned.get(), "base") == nullptr) return Fault::kConfig;
  library->context = library->owned.get();
  library->properties = "fips=yes";
  // Before the first draw: the configuration may have loaded other providers into this context, which have a DRBG too.
  if (RAND_set_DRBG_type(library->context, "CTR-DRBG", library->properties, "AES-256-CTR", nullptr) != 1)
    return Fault::kConfig;
  fetch_algorithms(*library);
  if (!library->aes_256_gcm || !library->sha256) return Fault::kConfig;
  return library.release();
}

}  // namespace

// Neither library is ever destroyed: OpenSSL cleans itself up at exit, and freeing what it already freed would crash.
const Library& Library::standard() {
  static const Library* const library = [] {
    auto made = std::make_unique<Library>();
    fetch_algorithms(*made);
    return made.release();
  }();
  return *library;
}

Result<const Library*> Library::fips() {
  static const Result<const Library*> library = make_fips();
  return library;
}

}  // namespace tinymls
