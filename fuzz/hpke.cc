// HPKE open and the import of keys, on octets of anyone's choice. The first octets choose suite and mode.
#include "core/hpke.h"

#include <cstdlib>

#include "core/signature.h"

using namespace tinymls;

namespace {

constexpr KeyId kKeys[] = {KeyId::kDhkemP256, KeyId::kDhkemP384, KeyId::kDhkemP521, KeyId::kDhkemX25519,
                           KeyId::kDhkemX448, KeyId::kEd25519,   KeyId::kEd448,     KeyId::kEcdsaP256,
                           KeyId::kEcdsaP384, KeyId::kEcdsaP521};
constexpr KdfId kKdfs[] = {KdfId::kHkdfSha256, KdfId::kHkdfSha384, KdfId::kHkdfSha512, KdfId::kShake128};

const PrivateKey& receiver(KeyId id) {
  static std::vector<PrivateKey> keys = [] {
    std::vector<PrivateKey> generated;
    for (size_t i = 0; i < 5; i++) generated.push_back(std::move(*PrivateKey::generate(Library::standard(), kKeys[i])));
    return generated;
  }();
  return keys[static_cast<size_t>(id) - 1];
}

View take(View& rest, size_t length) {
  const View head = rest.first(std::min(length, rest.size()));
  rest = rest.subspan(head.size());
  return head;
}

void require(bool holds) {
  if (!holds) std::abort();
}

void import_keys(const Library& library, KeyId id, View bytes) {
  const KeyTraits& traits = *key_traits(id);
  auto public_key = PublicKey::import(library, id, bytes);
  require(!public_key || bytes.size() == traits.public_length);
  const auto checked = PublicKey::check(library, id, bytes);
  require(static_cast<bool>(checked) == static_cast<bool>(public_key));
  require(checked || checked.fault() == public_key.fault());
  if (auto key = PrivateKey::import(library, id, bytes)) {
    require(key->public_key().size() == traits.public_length);
    require(static_cast<bool>(PublicKey::import(library, id, key->public_key())));
  }
  if (public_key && !traits.kem) require(!*verify(library, id, bytes, bytes, bytes));
}

void open(const Library& library, const HpkeSuite& suite, uint8_t mode, View rest) {
  const PrivateKey& key = receiver(suite.kem);
  HpkeInputs inputs;
  inputs.info = take(rest, 4);
  if (mode & 1) inputs.psk = take(rest, 32), inputs.psk_id = take(rest, 2);
  if (mode & 2) inputs.sender_public = take(rest, key_traits(suite.kem)->public_length);
  const View enc = take(rest, kem_traits(suite.kem)->enc_length);
  std::vector<uint8_t> out(rest.size() < kAeadTagLength ? 0 : rest.size() - kAeadTagLength, 0xee);
  auto opened = hpke_open(library, suite, key, enc, inputs, {}, rest, out);
  require(!opened);  // nobody forges
  if (opened.fault() == Fault::kUndecryptable)
    for (uint8_t octet : out) require(octet == 0);
  (void)HpkeContext::receiver(library, suite, key, enc, inputs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const Library& library = Library::standard();
  const View rest(data + 3, size - 3);
  import_keys(library, kKeys[data[0] % std::size(kKeys)], rest);
  const HpkeSuite suite{kKeys[data[0] % 5], kKdfs[data[1] % std::size(kKdfs)],
                        static_cast<AeadId>(1 + data[1] / 16 % 3)};
  open(library, suite, data[2] % 4, rest);
  return 0;
}
