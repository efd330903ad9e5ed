// Epochs that come from outside: known at once, sealed under when their time has come, never derived.
#include "keyring_fixture.h"

namespace tinymls::test {
namespace {

constexpr Nanos kLead = 2000 * kMillisecond;

KeyringOptions fleet_options() {
  KeyringOptions options = shared_options();
  options.fleet = true;
  options.min_key_rotation = options.max_key_age = 60'000 * kMillisecond;
  options.state_lifetime = 120'000 * kMillisecond;
  return options;
}

Bytes secret_of(uint8_t epoch) { return Bytes(32, epoch); }

Fault adopt(Party& party, uint32_t epoch, Nanos age = 0, Nanos delay = kLead,
            RotationReason reason = RotationReason::kFollowed) {
  const auto adopted = party.ring->adopt(epoch, secret_of(static_cast<uint8_t>(epoch)), age, delay, reason);
  return adopted ? Fault{} : adopted.fault();
}

struct KeyringFleet : testing::Test {
  KeyringFleet() : a(fleet_options(), secret_of(0)), b(fleet_options(), secret_of(0)) {}
  Party a, b;
};

TEST_F(KeyringFleet, MachinesOpenEachOthersFrames) {
  EXPECT_EQ(*b.open(a.seal("text")), text("text"));
  EXPECT_EQ(*a.open(b.seal("back")), text("back"));
}

TEST_F(KeyringFleet, AnEpochOpensAtOnceAndSealsAfterItsDelay) {
  const Bytes unknown = [&] {
    Party ahead(fleet_options(), secret_of(0));
    EXPECT_EQ(adopt(ahead, 1, 0, 0), Fault{});
    return ahead.seal("next");
  }();
  EXPECT_EQ(b.open_fault(unknown), Fault::kMissing);
  EXPECT_EQ(adopt(b, 1), Fault{});
  EXPECT_EQ(*b.open(unknown), text("next"));
  EXPECT_EQ(b.ring->epoch(), 0u);
  EXPECT_EQ(header_of(b.seal("")).epoch, 0u);
  advance(1999);
  EXPECT_EQ(header_of(b.seal("")).epoch, 0u);
  advance(1);
  EXPECT_EQ(header_of(b.seal("")).epoch, 1u);
  EXPECT_EQ(b.ring->epoch(), 1u);
  uint64_t seen = 0;
  const auto events = b.ring->events(seen);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].detail, static_cast<uint8_t>(RotationReason::kFollowed));
}

TEST_F(KeyringFleet, WithoutARatchetTheEpochStillChangesInTime) {
  KeyringOptions options = fleet_options();
  options.ratchet_period = 0;
  Party party(options, secret_of(0));
  EXPECT_EQ(header_of(party.seal("")).epoch, 0u);
  EXPECT_EQ(adopt(party, 1), Fault{});
  EXPECT_EQ(header_of(party.seal("")).epoch, 0u);
  advance(2000);
  EXPECT_EQ(header_of(party.seal("")).epoch, 1u);
}

TEST_F(KeyringFleet, CollectingActivatesToo) {
  EXPECT_EQ(adopt(a, 1), Fault{});
  advance(2000);
  EXPECT_TRUE(a.ring->collect());
  EXPECT_EQ(a.ring->epoch(), 1u);
}

TEST_F(KeyringFleet, SealsToTheEndOfTheEpochAndNoFurther) {
  advance(59'999);
  EXPECT_TRUE(a.ring->collect());
  EXPECT_EQ(a.seal_fault(), Fault{});
  advance(1);
  EXPECT_TRUE(a.ring->collect());
  EXPECT_EQ(a.seal_fault(), Fault::kExpired);
  EXPECT_EQ(a.ring->epoch(), 0u);
  EXPECT_EQ(adopt(a, 1), Fault{});  // its delay would leave nothing to seal under
  EXPECT_EQ(a.seal_fault(), Fault{});
  EXPECT_EQ(a.ring->epoch(), 1u);
}

TEST_F(KeyringFleet, TheAgeOfAnEpochCounts) {
  EXPECT_EQ(adopt(a, 1, 50'000 * kMillisecond, 0), Fault{});
  EXPECT_EQ(header_of(a.seal("")).step, 500u);
  advance(10'000);
  EXPECT_EQ(a.seal_fault(), Fault::kExpired);
}

TEST_F(KeyringFleet, WhatALateMachineSealedOpensForItsLifetime) {
  EXPECT_EQ(adopt(b, 1), Fault{});
  advance(59'950);
  const Bytes late = a.seal("late");  // a heard nothing of epoch 1
  EXPECT_EQ(b.ring->collect() ? b.ring->epoch() : 0, 1u);
  advance(119'900);
  EXPECT_TRUE(b.ring->collect());
  EXPECT_EQ(*b.open(late), text("late"));
  advance(200);
  EXPECT_EQ(b.open_fault(late), Fault::kExpired);
  EXPECT_TRUE(b.ring->collect());
  EXPECT_EQ(b.open_fault(late), Fault::kExpired);
  uint64_t seen = 0;
  const auto events = b.ring->events(seen);
  EXPECT_TRUE(std::any_of(events.begin(), events.end(),
                          [](const auto& e) { return e.kind == KeyringEvent::Kind::kExpired && e.epoch == 0; }));
}

TEST_F(KeyringFleet, NoEpochFollowsFromAnother) {
  Party other(fleet_options(), secret_of(0));
  const auto wrong = other.ring->adopt(1, secret_of(9), 0, 0, RotationReason::kFollowed);
  EXPECT_TRUE(wrong);
  EXPECT_EQ(adopt(b, 1, 0, 0), Fault{});
  EXPECT_EQ(b.open_fault(other.seal("text")), Fault::kUndecryptable);
  Party derived(shared_options(), secret_of(0));
  EXPECT_TRUE(derived.ring->rotate({}));
  EXPECT_EQ(b.open_fault(derived.seal("text")), Fault::kUndecryptable);
}

TEST_F(KeyringFleet, EpochsThatWereSkippedAreExpired) {
  Party other(fleet_options(), secret_of(0));
  EXPECT_EQ(adopt(other, 1, 0, 0), Fault{});
  const Bytes skipped = other.seal("");
  EXPECT_EQ(adopt(b, 2), Fault{});
  EXPECT_EQ(b.open_fault(skipped), Fault::kExpired);
  advance(2000);
  EXPECT_EQ(b.seal_fault(), Fault{});
  EXPECT_EQ(b.open_fault(skipped), Fault::kExpired);
}

TEST_F(KeyringFleet, RefusesWhatIsNoNextEpoch) {
  EXPECT_EQ(adopt(a, 0), Fault::kUsage);
  EXPECT_EQ(adopt(a, 2), Fault{});
  EXPECT_EQ(adopt(a, 2), Fault::kUsage);
  EXPECT_EQ(adopt(a, 1), Fault::kUsage);
  EXPECT_EQ(adopt(a, 3, -1), Fault::kUsage);
  EXPECT_EQ(adopt(a, 3, 0, -1), Fault::kUsage);
  const auto shorter = a.ring->adopt(3, Bytes(31, 1), 0, 0, RotationReason::kFollowed);
  EXPECT_EQ(shorter.fault(), Fault::kUsage);
  EXPECT_EQ(a.ring->rotate({}).fault(), Fault::kUsage);
  EXPECT_EQ(a.ring->epoch(), 0u);
  Party plain(shared_options(), kSecret);
  EXPECT_EQ(adopt(plain, 1), Fault::kUsage);
  a.ring->close();
  EXPECT_EQ(adopt(a, 3), Fault::kClosed);
}

TEST_F(KeyringFleet, AtTheLimitOfUseTheNextEpochIsTakenEarlyOrNone) {
  KeyringOptions options = fleet_options();
  options.max_operations = 2;
  Party party(options, secret_of(0));
  EXPECT_EQ(party.seal_fault(), Fault{});
  EXPECT_EQ(party.seal_fault(), Fault{});
  EXPECT_EQ(party.seal_fault(), Fault::kExhausted);
  EXPECT_EQ(adopt(party, 1), Fault{});
  EXPECT_EQ(party.seal_fault(), Fault{});
  EXPECT_EQ(party.ring->epoch(), 1u);
}

TEST_F(KeyringFleet, ClockOfTheFastestMachineCounts) {
  Party slow(fleet_options(), secret_of(0));  // begins as if the epoch began now
  KeyringOptions options = fleet_options();
  options.first_age = 30'000 * kMillisecond;
  Party fast(options, secret_of(0));
  EXPECT_EQ(*slow.open(fast.seal("text")), text("text"));
  EXPECT_EQ(header_of(slow.seal("")).step, 300u);
}

}  // namespace
}  // namespace tinymls::test
