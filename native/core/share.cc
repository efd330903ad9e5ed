#include "core/share.h"

#include <algorithm>
#include <mutex>

#include "core/compare.h"
#include "core/random.h"

namespace tinymls {
namespace {

constexpr size_t kPlaceLength = 8;

struct Entry {
  ShareToken token{};
  std::weak_ptr<Keyring> keyring;
};

struct Registry {
  std::mutex mutex;
  std::vector<Entry> entries;
};

// Never freed: threads may end after the process's exit handlers ran.
Registry& registry() {
  static auto* const shared = new Registry;
  return *shared;
}

}  // namespace

Result<ShareToken> share_token(const std::shared_ptr<Keyring>& keyring) {
  keyring->admit_threads();
  Registry& shared = registry();
  const std::lock_guard lock(shared.mutex);
  Entry* vacant = nullptr;
  for (Entry& entry : shared.entries) {
    const auto held = entry.keyring.lock();
    if (held == keyring) return entry.token;
    if (!held) vacant = &entry;
  }
  Entry made{.keyring = keyring};
  if (auto drawn = random_fill(MutableView(made.token).subspan(kPlaceLength)); !drawn) return drawn.fault();
  size_t place = vacant == nullptr ? shared.entries.size() : static_cast<size_t>(vacant - shared.entries.data());
  for (size_t i = 0; i < kPlaceLength; ++i, place >>= 8) made.token[i] = static_cast<uint8_t>(place);
  if (vacant == nullptr) return shared.entries.emplace_back(std::move(made)).token;
  *vacant = std::move(made);
  return vacant->token;
}

std::shared_ptr<Keyring> shared_keyring(View token) {
  if (token.size() != kShareTokenLength) return nullptr;
  uint64_t place = 0;
  for (size_t i = kPlaceLength; i-- > 0;) place = place << 8 | token[i];
  Registry& shared = registry();
  const std::lock_guard lock(shared.mutex);
  if (place >= shared.entries.size()) return nullptr;
  const Entry& entry = shared.entries[place];
  return constant_time_equal(entry.token, token) ? entry.keyring.lock() : nullptr;
}

}  // namespace tinymls
