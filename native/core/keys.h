// Asymmetric keys: raw encodings in, parsed OpenSSL keys kept.
//
// Encodings are those of RFC 9180 §7.1.1, §7.1.2 and RFC 9420 §5.1.1: uncompressed points and scalars of fixed size on
// the NIST curves, the octets of RFC 7748 and RFC 8032 on the others, encapsulation keys and seeds of FIPS 203 and FIPS
// 204.
#pragma once

#include <memory>
#include <vector>

#include "core/hash.h"

namespace tinymls {

// The numbers cross the boundary to lib/native/algorithms.ts; never renumber.
enum class KeyId : uint8_t {
  kDhkemP256 = 1,
  kDhkemP384 = 2,
  kDhkemP521 = 3,
  kDhkemX25519 = 4,
  kDhkemX448 = 5,
  kMlKem768 = 6,
  kMlKem1024 = 7,
  kMlKem512 = 8,
  kMlKem768X25519 = 9,
  kMlKem768P256 = 10,
  kMlKem1024P384 = 11,
  kEd25519 = 16,
  kEd448 = 17,
  kEcdsaP256 = 18,
  kEcdsaP384 = 19,
  kEcdsaP521 = 20,
  kMlDsa65 = 21,
  kMlDsa87 = 22,
};

enum class KeyFamily : uint8_t {
  kNistCurve,    // point and scalar
  kOctets,       // X25519, X448, Ed25519, Ed448: the private key is the octet string itself
  kLatticeSeed,  // ML-KEM, ML-DSA: the private key is the seed
  kHybrid        // ML-KEM with a group: the private key is a seed of both
};

struct KeyTraits {
  KeyFamily family;
  bool kem;               // else a signature algorithm
  const char* type;       // OpenSSL's name of the key type; of a hybrid the name alone
  const char* group;      // OpenSSL's name of the curve, null without one
  size_t public_length;   // Npk
  size_t private_length;  // Nsk
  // What an encapsulation or a signature check takes, roughly.
  unsigned microseconds;
  // That an ECDSA signature is made over. All other algorithms take the message itself.
  const char* digest = nullptr;

  // X25519 and X448.
  bool is_exchange() const { return kem && family == KeyFamily::kOctets; }
};

// What the encoding of a point begins with that is neither compressed nor hybrid.
constexpr uint8_t kUncompressed = 0x04;

// Null for a number that names nothing.
const KeyTraits* key_traits(KeyId id);

// Whether so many encapsulations or signature checks are over so soon that an event loop waits for them, rather than
// for a worker.
bool is_brief(KeyId id, size_t operations);
// Whether they are over before other threads would have taken a share of them that is worth waking them for.
bool is_best_alone(KeyId id, size_t operations);

// Of X25519 and X448.
const ExchangeFunctions& exchange_of(const Library& library, KeyId id);

class PublicKey {
 public:
  PublicKey() = default;
  // Another length or a compressed point is Fault::kMalformed, a point off the curve or an encapsulation key with
  // coefficients out of range Fault::kInvalid (RFC 9180 §7.1.4, FIPS 203 §7.2).
  static Result<PublicKey> import(const Library& library, KeyId id, View encoded);
  // What `import` says of it, in less time where nothing has to be made of it.
  static Result<void> check(const Library& library, KeyId id, View encoded);

  KeyId id() const { return id_; }
  EVP_PKEY* pkey() const { return pkey_.get(); }

 private:
  KeyId id_{};
  PkeyPtr pkey_;
};

struct ParsedKey;
struct ReadyKey;

// Raw octets in secret memory, and but for X25519 and X448 what OpenSSL makes of them. Immutable: any number of threads
// may use one.
class PrivateKey {
 public:
  PrivateKey();
  ~PrivateKey();
  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;

  static Result<PrivateKey> generate(const Library& library, KeyId id);
  // A wrong length is Fault::kMalformed, a scalar that is zero or not below the order Fault::kInvalid.
  static Result<PrivateKey> import(const Library& library, KeyId id, View raw);
  static Result<PrivateKey> import(const Library& library, KeyId id, SecretBytes raw);
  // The same beside its public key, which takes most of the time of an import to compute. The caller vouches that they
  // go together: with an Ed25519 key of someone's choice beside it, signatures would give the private key away. What
  // is no key pair is a Fault of `ready`, which makes of it what is used, when it is used.
  static Result<PrivateKey> restore(const Library& library, KeyId id, View raw, View public_key);

  KeyId id() const { return id_; }
  View raw() const { return raw_.view(); }
  View public_key() const { return public_; }
  // But for X25519 and X448. Of a restored key it is made at the first use, by whichever thread is first.
  Result<const ReadyKey*> ready() const;

 private:
  struct Ready;
  PrivateKey(KeyId id, SecretBytes raw, std::vector<uint8_t> public_key);
  static Result<PrivateKey> of(const Library& library, KeyId id, SecretBytes raw, ParsedKey parsed);

  KeyId id_{};
  SecretBytes raw_;
  std::vector<uint8_t> public_;
  std::unique_ptr<Ready> ready_;
};

// The two keys that a hybrid seed stands for.
struct HybridKeys {
  PrivateKey post_quantum, traditional;
};

// A key as OpenSSL takes it, which wipes it when it goes.
struct ReadyKey {
  PkeyPtr pkey;                              // null in a hybrid key
  MdCtxPtr signing;                          // of a signature key: ready to sign, to be copied for each signature
  std::unique_ptr<const HybridKeys> hybrid;  // null in all other families
};

}  // namespace tinymls
