// What a ratchet leaves behind of the steps that it erased: no node that leads to them.
#if defined(__linux__)
#include "core/hkdf.h"
#include "core/ratchet.h"
#include "memory_scan.h"

namespace tinymls {
namespace {

using test::Hidden;
using test::occurrences;

View ascii(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

// The node above the steps from `step`, which is a multiple of 2^height, as docs/context.md derives it.
Hidden node_above(View root, uint32_t step, unsigned height) {
  auto node = SecretBytes::copy(root);
  for (unsigned at = kRatchetDepth; at-- > height;) {
    const bool right = (step >> at & 1) != 0;
    node = hkdf_expand_label(Library::standard(), HashId::kSha256, node->view(), LabelFormat::kTls13,
                             ascii(right ? "tinymls right" : "tinymls left"), {}, kRatchetSecretLength);
  }
  return Hidden(node->view());
}

TEST(RatchetResidue, AStepReadBehindALaterOneLeavesNoNodeOfItWhenBothAreErased) {
  auto root = SecretBytes::allocate(kRatchetSecretLength);
  ASSERT_TRUE(root && random_fill(root->bytes(), Library::standard()));
  const Hidden node = node_above(root->view(), 2048, 10);
  auto ratchet = Ratchet::create(Library::standard(), RatchetId::kHkdfSha256, root->view());
  ASSERT_TRUE(ratchet && ratchet->erase_before(2040));
  EXPECT_EQ(occurrences(node), 0u);
  ASSERT_TRUE(ratchet->secret(2048));
  EXPECT_EQ(occurrences(node), 1u);  // kept, for the steps after it
  ASSERT_TRUE(ratchet->secret(2047));
  ASSERT_TRUE(ratchet->erase_before(2100));
  EXPECT_EQ(occurrences(node), 0u);
  ASSERT_TRUE(ratchet->secret(2100));
  EXPECT_EQ(occurrences(node), 0u);
}

}  // namespace
}  // namespace tinymls
#endif
