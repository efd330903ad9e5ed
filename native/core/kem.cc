#include "core/kem.h"

namespace tinymls {

const KemTraits* kem_traits(KeyId id) {
  static constexpr KemTraits kP256{0x0010, HashId::kSha256, 32, 65, true};
  static constexpr KemTraits kP384{0x0011, HashId::kSha384, 48, 97, true};
  static constexpr KemTraits kP521{0x0012, HashId::kSha512, 64, 133, true};
  static constexpr KemTraits kX25519{0x0020, HashId::kSha256, 32, 32, true};
  static constexpr KemTraits kX448{0x0021, HashId::kSha512, 64, 56, true};
  static constexpr KemTraits kMlKem512{0x0040, HashId::kSha256, 32, 768, false};
  static constexpr KemTraits kMlKem768{0x0041, HashId::kSha256, 32, 1088, false};
  static constexpr KemTraits kMlKem1024{0x0042, HashId::kSha256, 32, 1568, false};
  static constexpr KemTraits kMlKem768X25519{0x647a, HashId::kSha256, 32, 1120, false};
  static constexpr KemTraits kMlKem768P256{0x0050, HashId::kSha256, 32, 1153, false};
  static constexpr KemTraits kMlKem1024P384{0x0051, HashId::kSha256, 32, 1665, false};
  switch (id) {
    case KeyId::kDhkemP256:
      return &kP256;
    case KeyId::kDhkemP384:
      return &kP384;
    case KeyId::kDhkemP521:
      return &kP521;
    case KeyId::kDhkemX25519:
      return &kX25519;
    case KeyId::kDhkemX448:
      return &kX448;
    case KeyId::kMlKem512:
      return &kMlKem512;
    case KeyId::kMlKem768:
      return &kMlKem768;
    case KeyId::kMlKem1024:
      return &kMlKem1024;
    case KeyId::kMlKem768X25519:
      return &kMlKem768X25519;
    case KeyId::kMlKem768P256:
      return &kMlKem768P256;
    case KeyId::kMlKem1024P384:
      return &kMlKem1024P384;
    default:
      return nullptr;
  }
}

}  // namespace tinymls
