// One thread's hold on the key ring of a Context.
#pragma once

#include "bind/call.h"
#include "core/keyring.h"

namespace tinymls::bind {

struct Attachment {
  explicit Attachment(std::shared_ptr<Keyring> keyring) : ring(std::move(keyring)), lane(ring->attach()) {}
  ~Attachment() { ring->detach(lane); }
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

  const std::shared_ptr<Keyring> ring;
  const std::shared_ptr<Lane> lane;
  uint64_t seen = 0;  // events handed to JavaScript
};

template <>
struct HandleTraits<Attachment> {
  static constexpr HandleKind kKind = HandleKind::kKeyring;
};

}  // namespace tinymls::bind
