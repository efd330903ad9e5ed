// Frames from anywhere to a Context that shares its secret: a typed fault or the plaintext, never anything else.
#include "core/keyring.h"

#include <cstdlib>

namespace {

using namespace tinymls;

struct Peers {
  std::shared_ptr<Keyring> receiver, sender;
  std::shared_ptr<Lane> receiving, sending;
};

Peers make_peers() {
  static const uint8_t secret[32] = {1};
  KeyringOptions options;
  options.shared = true;
  options.max_epoch_skip = 4;
  options.replay_window = 64;
  Peers peers;
  peers.receiver = *Keyring::create(options, secret);
  peers.sender = *Keyring::create(options, secret);
  peers.receiving = peers.receiver->attach();
  peers.sending = peers.sender->attach();
  return peers;
}

void require(bool condition) {
  if (!condition) std::abort();
}

void open(Peers& peers, View frame, bool authentic) {
  const uint32_t epoch = peers.receiver->epoch();
  std::vector<uint8_t> out(frame.size(), 0xee);
  const auto opened = peers.receiver->open(*peers.receiving, {}, frame, out);
  require(authentic || !opened);
  if (opened) return;
  require(peers.receiver->epoch() == epoch);
  for (const uint8_t octet : out) require(octet == 0 || octet == 0xee);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Peers peers = make_peers();
  open(peers, {data, size}, false);

  // The first octets choose how to damage an authentic frame.
  if (size < 4) return 0;
  std::vector<uint8_t> frame(size - 4 + kFrameOverhead);
  require(bool(peers.sender->seal(*peers.sending, {}, {data + 4, size - 4}, frame)));
  const size_t at = (size_t{data[0]} << 8 | data[1]) % frame.size();
  frame[at] ^= data[2];
  frame.resize(frame.size() - std::min<size_t>(data[3] & 0x3f, frame.size()));
  open(peers, frame, data[2] == 0 && (data[3] & 0x3f) == 0);
  return 0;
}
