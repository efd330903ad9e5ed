// Tokens that name a Keyring to other threads of this process.
#pragma once

#include <array>

#include "core/keyring.h"

namespace tinymls {

constexpr size_t kShareTokenLength = 8 + 16;  // a place in the registry, and 128 random bits
using ShareToken = std::array<uint8_t, kShareTokenLength>;

// A token keeps nothing alive: it is good for as long as some thread holds the Keyring. One Keyring has one token.
Result<ShareToken> share_token(const std::shared_ptr<Keyring>& keyring);

// Null for a token that was forged, or comes from another process, or whose Keyring is gone. Which one, time does not
// tell.
std::shared_ptr<Keyring> shared_keyring(View token);

}  // namespace tinymls
