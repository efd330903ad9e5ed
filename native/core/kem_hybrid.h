// KEMs of ML-KEM with a group, as draft-irtf-cfrg-concrete-hybrid-kems defines and draft-ietf-hpke-pq uses them.
#pragma once

#include "core/kem.h"

namespace tinymls {

// The keys of both components from the seed.
Result<HybridKeys> hybrid_expand(const Library& library, KeyId id, View seed);
Result<void> hybrid_check_public(const Library& library, KeyId id, View encoded);

Result<SecretBytes> hybrid_encapsulate(const Library& library, KeyId id, View public_key, MutableView enc,
                                       View randomness);
Result<SecretBytes> hybrid_decapsulate(const Library& library, const PrivateKey& key, View enc);

}  // namespace tinymls
