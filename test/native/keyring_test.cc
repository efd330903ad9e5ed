#include <map>
#include <random>
#include <set>

#include "keyring_fixture.h"

namespace tinymls {
namespace {

using namespace test;

TEST(Keyring, OpensWhatItSealed) {
  for (AeadId suite : {AeadId::kAes128Gcm, AeadId::kAes256Gcm, AeadId::kChaCha20Poly1305}) {
    for (RatchetId ratchet : {RatchetId::kAesCtr, RatchetId::kHkdfSha256}) {
      KeyringOptions options = manual_options();
      options.suite = suite;
      options.ratchet = ratchet;
      Party party(options);
      const Bytes aad = text("header");
      for (std::string_view plaintext : {"", "x", "a longer text than one block of the cipher"}) {
        const Bytes frame = party.seal(plaintext, aad);
        auto opened = party.open(frame, aad);
        ASSERT_TRUE(opened);
        EXPECT_EQ(*opened, text(plaintext));
        EXPECT_EQ(party.open_fault(frame), Fault::kUndecryptable);
      }
    }
  }
}

TEST(Keyring, SealsInPlaceAndRefusesOtherOverlaps) {
  Party party(manual_options());
  Bytes buffer(100 + kFrameOverhead);
  const Bytes before = buffer;
  const MutableView all(buffer);
  const MutableView inside = all.subspan(kFrameHeaderLength, 100);
  EXPECT_EQ(party.ring->seal(*party.lane, {}, all.first(100), all).fault(), Fault::kUsage);
  EXPECT_EQ(party.ring->seal(*party.lane, all.last(4), inside, all).fault(), Fault::kUsage);
  EXPECT_EQ(party.ring->seal(*party.lane, {}, inside, all.first(138)).fault(), Fault::kUsage);
  EXPECT_EQ(buffer, before);
  ASSERT_TRUE(party.ring->seal(*party.lane, {}, inside, all));
  EXPECT_EQ(party.ring->open(*party.lane, {}, all, all.first(100)).fault(), Fault::kUsage);
  ASSERT_TRUE(party.ring->open(*party.lane, {}, all, inside));
  EXPECT_EQ(Bytes(inside.begin(), inside.end()), Bytes(100, 0));
}

TEST(Keyring, StepsFollowTheClockAndSequenceNumbersNeverStartOver) {
  Party party(manual_options());
  uint64_t sequence = 0;
  for (uint32_t step = 0; step < 20; ++step, advance(100)) {
    for (int i = 0; i < 3; ++i, ++sequence) {
      const auto header = header_of(party.seal("x"));
      EXPECT_EQ(header.step, step);
      EXPECT_EQ(header.sequence, sequence);
      EXPECT_EQ(header.epoch, 0u);
    }
  }
  ASSERT_TRUE(party.ring->rotate({}));
  EXPECT_EQ(header_of(party.seal("x")).step, 0u);
  EXPECT_EQ(header_of(party.seal("x")).sequence, 1u);
}

TEST(Keyring, AStepExpiresItsLifetimeAfterItBegan) {
  KeyringOptions options = manual_options();
  options.state_lifetime = 1000 * kMillisecond;
  options.min_key_rotation = options.max_key_age = 100'000 * kMillisecond;
  Party party(options);
  std::vector<Bytes> frames;
  for (int step = 0; step < 8; ++step, advance(100)) frames.push_back(party.seal("step"));  // it is 800 now
  for (const Bytes& frame : frames) EXPECT_EQ(party.open_fault(frame), kNone);
  advance(199);
  EXPECT_EQ(party.open_fault(frames[0]), kNone);
  advance(1);
  for (bool collected : {false, true}) {
    if (collected) {
      ASSERT_TRUE(party.ring->collect());
    }
    EXPECT_EQ(party.open_fault(frames[0]), Fault::kExpired);
    EXPECT_EQ(party.open_fault(frames[1]), kNone);
  }
  EXPECT_EQ(party.ring->epoch(), 1u);  // the epoch reached its lifetime too
  for (int i = 1; i < 8; ++i) {
    advance(100);
    ASSERT_TRUE(party.ring->collect());
    EXPECT_EQ(party.open_fault(frames[static_cast<size_t>(i)]), Fault::kExpired);
  }
  EXPECT_EQ(party.ring->status().retained_epochs, 1u);
  EXPECT_EQ(party.ring->status().expired_epochs, 1u);
}

TEST(Keyring, WithoutARatchetAnEpochIsOneStep) {
  KeyringOptions options = shared_options();
  options.ratchet_period = 0;
  options.state_lifetime = 1000 * kMillisecond;
  Party party(options, kSecret);
  const Bytes first = party.seal("x");
  advance(999);
  EXPECT_EQ(header_of(party.seal("x")).step, 0u);
  EXPECT_EQ(party.open_fault(first), kNone);
  advance(1);
  EXPECT_EQ(party.open_fault(first), Fault::kExpired);
  EXPECT_EQ(header_of(party.seal("x")).epoch, 1u);
  Bytes stepped = party.seal("x");
  stepped[8] = 1;
  EXPECT_EQ(party.open_fault(stepped), Fault::kAhead);
}

TEST(Keyring, RotatesAtARandomMomentOfTheSchedule) {
  KeyringOptions options = manual_options();
  options.min_key_rotation = 10'000 * kMillisecond;
  options.max_key_age = 20'000 * kMillisecond;
  std::vector<Nanos> ages;
  for (int i = 0; i < 40; ++i) {
    Party party(options);
    const Nanos began = now;
    while (party.ring->epoch() == 0) {
      advance(250);
      ASSERT_TRUE(party.ring->collect());
    }
    ages.push_back((now - began) / kMillisecond);
    EXPECT_GE(ages.back(), 10'000);
    EXPECT_LE(ages.back(), 20'250);
  }
  std::sort(ages.begin(), ages.end());
  EXPECT_GE(std::unique(ages.begin(), ages.end()) - ages.begin(), 5);
}

TEST(Keyring, SealingRotatesByItselfWhenThatIsDue) {
  KeyringOptions options = manual_options();
  options.min_key_rotation = options.max_key_age = 1000 * kMillisecond;
  Party party(options);
  (void)party.seal("x");
  advance(999);
  EXPECT_EQ(header_of(party.seal("x")).epoch, 0u);
  advance(1);
  EXPECT_EQ(header_of(party.seal("x")).epoch, 1u);
  uint64_t seen = 0;
  const auto events = party.ring->events(seen);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, KeyringEvent::Kind::kRotated);
  EXPECT_EQ(events[0].detail, static_cast<uint8_t>(RotationReason::kSchedule));
  EXPECT_TRUE(party.ring->events(seen).empty());
}

TEST(Keyring, NeverSealsPastMaxOperationsOfAStep) {
  KeyringOptions options = manual_options();
  options.max_operations = 5;
  Party party(options);
  for (uint32_t i = 0; i < 23; ++i) EXPECT_EQ(header_of(party.seal("x")).epoch, i / 5);
  advance(100);  // the next step counts from zero
  for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(header_of(party.seal("x")).epoch, 4u);
  EXPECT_EQ(header_of(party.seal("x")).epoch, 5u);
}

TEST(Keyring, ALoneLaneLeavesNoGapBetweenSequenceNumbers) {
  Party party(manual_options());
  uint64_t next = 0;
  const auto seal_some = [&] {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(header_of(party.seal("x")).sequence, next++);
  };
  seal_some();
  advance(100);  // the next step
  seal_some();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(party.ring->collect());  // an idle lane loses its keys
  seal_some();
}

TEST(Keyring, LanesThatTakeTurnsRepeatNoSequenceNumberAndKeepToMaxOperations) {
  KeyringOptions options = manual_options();
  options.max_operations = 100;
  options.state_lifetime = options.max_key_age = options.min_key_rotation = 10'000 * kMillisecond;
  Party first(options);
  std::vector<Party> parties;
  for (int i = 0; i < 3; ++i) parties.emplace_back(first.ring);
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> sealed;  // by epoch and step
  std::set<std::pair<uint32_t, uint64_t>> numbers;
  std::mt19937 draw(1);  // NOLINT: the same each time
  constexpr int kFrames = 20'000;
  for (int i = 0; i < kFrames; ++i) {
    const auto header = header_of(parties[draw() % parties.size()].seal("x"));
    EXPECT_TRUE(numbers.emplace(header.epoch, header.sequence).second);
    EXPECT_LE((++sealed[{header.epoch, header.step}]), options.max_operations);
    if (draw() % 64 == 0) advance(draw() % 150);
    if (draw() % 256 == 0) {
      ASSERT_TRUE(first.ring->collect());
    }
    if (draw() % 512 == 0) {
      parties.front().ring->detach(parties.front().lane);
      parties.front().lane = first.ring->attach();
    }
  }
  EXPECT_GT(sealed.size(), 100u);
}

TEST(Keyring, RotatesBeforeTheSequenceNumberEnds) {
  KeyringOptions options = manual_options();
  options.first_sequence = kSequenceEnd - 2;
  Party party(options);
  EXPECT_EQ(header_of(party.seal("x")).sequence, kSequenceEnd - 2);
  EXPECT_EQ(header_of(party.seal("x")).sequence, kSequenceEnd - 1);
  const auto header = header_of(party.seal("x"));
  EXPECT_EQ(header.epoch, 1u);
  EXPECT_EQ(header.sequence, 0u);
}

TEST(Keyring, TheLastEpochRefusesInsteadOfSealingPastALimit) {
  KeyringOptions options = manual_options();
  options.first_epoch = UINT32_MAX;
  options.max_operations = 2;
  options.state_lifetime = options.max_key_age = options.min_key_rotation = 60'000 * kMillisecond;
  Party party(options);
  const Bytes frame = party.seal("x");
  (void)party.seal("x");
  EXPECT_EQ(party.seal_fault(), Fault::kExhausted);
  EXPECT_EQ(party.ring->rotate({}).fault(), Fault::kExhausted);
  advance(100);
  (void)party.seal("the next step has its own count");
  EXPECT_EQ(party.open_fault(frame), kNone);
  advance(60'000);
  EXPECT_EQ(party.seal_fault(), Fault::kExhausted);
  ASSERT_TRUE(party.ring->collect());
  EXPECT_EQ(party.open_fault(frame), Fault::kExpired);
}

TEST(Keyring, AnUnusedEpochOfItsOwnIsNotRetained) {
  Party party(manual_options());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(party.ring->rotate({}));
  EXPECT_EQ(party.ring->status().retained_epochs, 1u);
  const Bytes frame = party.seal("x");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(party.ring->rotate({}));
  EXPECT_EQ(party.ring->status().retained_epochs, 2u);
  EXPECT_EQ(party.open_fault(frame), kNone);
}

TEST(Keyring, ClosingErasesAndRefusesFromThenOn) {
  const uint64_t before = secret_memory_stats().in_use_bytes;
  Party party(manual_options());
  const Bytes frame = party.seal("x");
  ASSERT_TRUE(party.ring->stir(text("entropy")));
  EXPECT_GT(secret_memory_stats().in_use_bytes, before);
  party.ring->close();
  party.ring->close();
  EXPECT_EQ(secret_memory_stats().in_use_bytes, before);
  EXPECT_EQ(party.seal_fault(), Fault::kClosed);
  EXPECT_EQ(party.open_fault(frame), Fault::kClosed);
  EXPECT_EQ(party.open_fault(Bytes(3)), Fault::kClosed);
  EXPECT_EQ(party.ring->rotate({}).fault(), Fault::kClosed);
  EXPECT_EQ(party.ring->stir(text("x")).fault(), Fault::kClosed);
  EXPECT_TRUE(party.ring->collect());
  EXPECT_TRUE(party.ring->status().closed);
  uint64_t seen = 0;
  EXPECT_EQ(party.ring->events(seen).size(), 1u);
}

TEST(Keyring, RefusesOptionsOutOfRange) {
  const auto refused = [](auto change, View secret = {}) {
    KeyringOptions options = manual_options();
    change(options);
    auto made = Keyring::create(options, secret);
    EXPECT_FALSE(made);
    return !made && made.fault() == Fault::kUsage;
  };
  EXPECT_TRUE(refused([](auto& o) { o.suite = AeadId{0}; }));
  EXPECT_TRUE(refused([](auto& o) { o.ratchet = RatchetId{3}; }));
  EXPECT_TRUE(refused([](auto& o) { o.shared = true; }));
  EXPECT_TRUE(refused([](auto& o) { o.state_lifetime = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.ratchet_period = o.state_lifetime + 1; }));
  EXPECT_TRUE(refused([](auto& o) { o.min_key_rotation = o.max_key_age + 1; }));
  EXPECT_TRUE(refused([](auto& o) { o.max_operations = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.max_step_ahead = kRatchetSteps; }));
  EXPECT_TRUE(refused([](auto& o) { o.replay_window = (1u << 24) + 1; }));
}

TEST(Keyring, CountsWhatItDoes) {
  Party party(manual_options());
  Party other(party.ring);
  const Bytes frame = party.seal("four");
  EXPECT_EQ(other.open_fault(frame), kNone);
  EXPECT_EQ(other.open_fault(Bytes(5)), Fault::kMalformed);
  other.ring->detach(other.lane);
  const Totals totals = party.ring->totals();
  EXPECT_EQ(totals.sealed.operations, 1u);
  EXPECT_EQ(totals.sealed.bytes, 4u);
  EXPECT_EQ(totals.opened.operations, 1u);
  EXPECT_EQ(totals.opened.bytes, 4u);
  EXPECT_EQ(totals.failures[static_cast<size_t>(Fault::kMalformed)], 1u);
  EXPECT_EQ(std::accumulate(totals.sealed.latency.begin(), totals.sealed.latency.end(), uint64_t{0}), 1u);
  EXPECT_EQ(party.ring->status().lanes, 1u);
}

}  // namespace
}  // namespace tinymls
