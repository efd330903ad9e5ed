// Contexts that share a secret: following a peer, and what an attacker can make of it.
#include "core/random.h"
#include "keyring_fixture.h"

namespace tinymls {
namespace {

using namespace test;

struct Snapshot {
  uint32_t epoch;
  Nanos age;
  uint64_t rotations;
  size_t epochs, nodes;
  bool operator==(const Snapshot&) const = default;
};
Snapshot snapshot(Party& party) {
  const auto s = party.ring->status();
  return {s.epoch, s.epoch_age, s.rotations, s.retained_epochs, s.retained_nodes};
}

TEST(KeyringFollow, PeersOpenEachOther) {
  Party alice(shared_options(), kSecret), bob(shared_options(), kSecret);
  EXPECT_NE(alice.ring->sender(), bob.ring->sender());
  EXPECT_EQ(bob.open_fault(alice.seal("hello")), kNone);
  EXPECT_EQ(alice.open_fault(bob.seal("hello")), kNone);
  Party mallory(shared_options(), Bytes(32, 0x43));
  EXPECT_EQ(bob.open_fault(mallory.seal("hello")), Fault::kUndecryptable);
}

TEST(KeyringFollow, APeerThatBeganLaterFollowsTheStep) {
  Party alice(shared_options(), kSecret);
  advance(600'000);
  Party bob(shared_options(), kSecret);
  EXPECT_EQ(header_of(bob.seal("x")).step, 0u);
  const Bytes frame = alice.seal("x");
  EXPECT_EQ(header_of(frame).step, 6000u);
  EXPECT_EQ(bob.open_fault(frame), kNone);
  EXPECT_EQ(header_of(bob.seal("x")).step, 6000u);
  advance(100);
  EXPECT_EQ(header_of(bob.seal("x")).step, 6001u);
}

TEST(KeyringFollow, FollowsEpochsAndOpensTheSkippedOnes) {
  Party alice(shared_options(), kSecret), bob(shared_options(), kSecret);
  std::vector<Bytes> frames;
  for (int epoch = 0; epoch < 6; ++epoch) {
    frames.push_back(alice.seal("x"));
    advance(1000);
    frames.push_back(alice.seal("y"));
    if (epoch < 5) {
      ASSERT_TRUE(alice.ring->rotate({}));
    }
  }
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) EXPECT_EQ(bob.open_fault(*frame), kNone);
  EXPECT_EQ(bob.ring->epoch(), 5u);
  const Bytes reply = bob.seal("x");
  EXPECT_EQ(header_of(reply).epoch, 5u);
  EXPECT_EQ(header_of(reply).step, 10u);
  EXPECT_EQ(alice.open_fault(reply), kNone);
}

TEST(KeyringFollow, IsBounded) {
  KeyringOptions options = shared_options();
  options.max_epoch_skip = 3;
  options.max_step_ahead = 50;
  Party alice(shared_options(), kSecret), bob(options, kSecret);
  advance(5'100);
  const Bytes late = alice.seal("x");
  EXPECT_EQ(header_of(late).step, 51u);
  EXPECT_EQ(bob.open_fault(late), kNone);  // own clock: 51
  Party carol(options, kSecret);
  const auto before = snapshot(carol);
  EXPECT_EQ(carol.open_fault(late), Fault::kAhead);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(alice.ring->rotate({}));
  EXPECT_EQ(carol.open_fault(alice.seal("x")), Fault::kAhead);
  EXPECT_EQ(snapshot(carol), before);
}

TEST(KeyringFollow, AForgedFrameChangesNothing) {
  Party alice(shared_options(), kSecret), bob(shared_options(), kSecret);
  const auto before = snapshot(bob);
  advance(300'000);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(alice.ring->rotate({}));
  advance(5'000);
  Bytes forged = alice.seal("ahead in epoch and step");
  advance(-305'000);
  for (size_t octet = kFrameHeaderLength; octet < forged.size(); ++octet) {
    forged[octet] ^= 0x10;
    EXPECT_EQ(bob.open_fault(forged), Fault::kUndecryptable);
    forged[octet] ^= 0x10;
  }
  EXPECT_EQ(snapshot(bob), before);
  EXPECT_EQ(bob.open_fault(forged), kNone);
  EXPECT_EQ(bob.ring->epoch(), 3u);
}

TEST(KeyringFollow, FlippedBitsAreRefusedAndChangeNothing) {
  Party alice(shared_options(), kSecret), bob(shared_options(), kSecret);
  const Bytes frame = alice.seal("some text");
  ASSERT_EQ(bob.open_fault(frame), kNone);
  const auto before = snapshot(bob);
  for (size_t bit = 0; bit < frame.size() * 8; ++bit) {
    Bytes flipped = frame;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
    const Fault fault = bob.open_fault(flipped);
    EXPECT_NE(fault, kNone) << bit;
    // Sender, sequence number, text and tag: one and the same refusal.
    if (bit / 8 >= 9) {
      EXPECT_EQ(fault, Fault::kUndecryptable) << bit;
    }
  }
  for (size_t size = 0; size < frame.size(); ++size) {
    const Fault fault = bob.open_fault(View(frame).first(size));
    EXPECT_EQ(fault, size < kFrameOverhead ? Fault::kMalformed : Fault::kUndecryptable) << size;
  }
  EXPECT_EQ(snapshot(bob), before);
}

TEST(KeyringFollow, AContextThatOwnsItsKeysFollowsNothing) {
  Party party(manual_options());
  Bytes frame = party.seal("x");
  frame[4] = 1;
  EXPECT_EQ(party.open_fault(frame), Fault::kAhead);
  ASSERT_TRUE(party.ring->rotate({}));
  EXPECT_EQ(party.open_fault(frame), Fault::kUndecryptable);
  EXPECT_EQ(party.ring->epoch(), 1u);
}

TEST(KeyringFollow, EntropyIsForContextsThatOwnTheirKeys) {
  Party shared(shared_options(), kSecret);
  EXPECT_EQ(shared.ring->rotate(text("entropy")).fault(), Fault::kUsage);
  EXPECT_EQ(shared.ring->stir(text("entropy")).fault(), Fault::kUsage);
  EXPECT_EQ(shared.ring->epoch(), 0u);
  Party own(manual_options());
  EXPECT_TRUE(own.ring->rotate(text("entropy")));
  EXPECT_EQ(own.open_fault(own.seal("x")), kNone);
}

TEST(KeyringFollow, AReplayIsRefusedOnce) {
  KeyringOptions options = shared_options();
  options.replay_window = 64;
  Party alice(shared_options(), kSecret), bob(options, kSecret);
  std::vector<Bytes> frames;
  for (int i = 0; i < 200; ++i, advance(10)) frames.push_back(alice.seal("x"));
  EXPECT_EQ(bob.open_fault(frames[100]), kNone);
  EXPECT_EQ(bob.open_fault(frames[100]), Fault::kReplayed);
  EXPECT_EQ(bob.open_fault(frames[37]), kNone);
  EXPECT_EQ(bob.open_fault(frames[36]), Fault::kReplayed);  // too old to tell
  Bytes forged = frames[199];
  forged.back() ^= 1;
  EXPECT_EQ(bob.open_fault(forged), Fault::kUndecryptable);  // and moves no window
  EXPECT_EQ(bob.open_fault(frames[101]), kNone);
  EXPECT_EQ(bob.open_fault(frames[199]), kNone);
  EXPECT_EQ(bob.open_fault(frames[199]), Fault::kReplayed);
  ASSERT_TRUE(alice.ring->rotate({}));
  const Bytes next = alice.seal("the numbers start over in the next epoch");
  EXPECT_EQ(bob.open_fault(next), kNone);
  EXPECT_EQ(bob.open_fault(next), Fault::kReplayed);
}

TEST(KeyringFollow, AForeignSuiteIsRefused) {
  KeyringOptions options = shared_options();
  options.suite = AeadId::kChaCha20Poly1305;
  Party alice(options, kSecret), bob(shared_options(), kSecret);
  EXPECT_EQ(bob.open_fault(alice.seal("x")), Fault::kInvalid);
}

}  // namespace
}  // namespace tinymls
