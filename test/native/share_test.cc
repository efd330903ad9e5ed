#include "core/share.h"

#include "keyring_fixture.h"

namespace tinymls {
namespace {

using namespace test;

TEST(Share, ATokenNamesItsKeyringAsLongAsThatLives) {
  auto first = *Keyring::create(KeyringOptions{}, {});
  auto second = *Keyring::create(KeyringOptions{}, {});
  const ShareToken one = *share_token(first), two = *share_token(second);
  EXPECT_NE(one, two);
  EXPECT_EQ(*share_token(first), one);
  EXPECT_EQ(shared_keyring(one), first);
  EXPECT_EQ(shared_keyring(two), second);
  first.reset();
  EXPECT_EQ(shared_keyring(one), nullptr);
  auto third = *Keyring::create(KeyringOptions{}, {});  // may take the place of the first
  const ShareToken three = *share_token(third);
  EXPECT_EQ(shared_keyring(three), third);
  EXPECT_EQ(shared_keyring(one), nullptr);
}

TEST(Share, AForgedTokenIsRefused) {
  auto keyring = *Keyring::create(KeyringOptions{}, {});
  const ShareToken token = *share_token(keyring);
  for (size_t bit = 0; bit < token.size() * 8; ++bit) {
    ShareToken forged = token;
    forged[bit / 8] = static_cast<uint8_t>(forged[bit / 8] ^ 1u << bit % 8);
    EXPECT_EQ(shared_keyring(forged), nullptr) << bit;
  }
  EXPECT_EQ(shared_keyring({}), nullptr);
  EXPECT_EQ(shared_keyring(View(token).first(23)), nullptr);
}

}  // namespace
}  // namespace tinymls
