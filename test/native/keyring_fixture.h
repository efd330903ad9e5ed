// A Keyring under a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "core/keyring.h"

namespace tinymls::test {

using Bytes = std::vector<uint8_t>;

constexpr Nanos kMillisecond = 1'000'000;

inline std::atomic<Nanos> now{0};
inline Nanos manual_clock() { return now.load(); }
inline void advance(Nanos milliseconds) { now += milliseconds * kMillisecond; }

inline Bytes text(std::string_view s) { return {s.begin(), s.end()}; }

// One thread's view of a Keyring.
struct Party {
  std::shared_ptr<Keyring> ring;
  std::shared_ptr<Lane> lane;

  explicit Party(const KeyringOptions& options, View secret = {}) {
    auto made = Keyring::create(options, secret);
    EXPECT_TRUE(made);
    ring = *made;
    lane = ring->attach();
  }
  explicit Party(std::shared_ptr<Keyring> shared) : ring(std::move(shared)) {
    ring->admit_threads();
    lane = ring->attach();
  }

  Bytes seal(std::string_view plaintext, View aad = {}) {
    Bytes frame(plaintext.size() + kFrameOverhead);
    auto written = ring->seal(*lane, aad, text(plaintext), frame);
    EXPECT_TRUE(written) << "fault " << static_cast<int>(written.fault());
    EXPECT_EQ(written ? *written : 0, frame.size());
    return frame;
  }
  Fault seal_fault() {
    Bytes frame(kFrameOverhead);
    auto written = ring->seal(*lane, {}, {}, frame);
    return written ? Fault{} : written.fault();
  }
  // The plaintext; a refusal must leave the output wiped or untouched.
  Result<Bytes> open(View frame, View aad = {}) {
    Bytes out(frame.size() < kFrameOverhead ? 0 : frame.size() - kFrameOverhead, 0xee);
    auto written = ring->open(*lane, aad, frame, out);
    if (written) return out;
    const bool untouched = out == Bytes(out.size(), 0xee), wiped = out == Bytes(out.size(), 0);
    EXPECT_TRUE(untouched || wiped);
    return written.fault();
  }
  // Fault 0 is success.
  Fault open_fault(View frame, View aad = {}) {
    auto opened = open(frame, aad);
    return opened ? Fault{} : opened.fault();
  }
};

inline FrameHeader header_of(View frame) { return *read_frame_header(frame); }

inline KeyringOptions manual_options() {
  KeyringOptions options;
  options.clock = manual_clock;
  return options;
}

inline KeyringOptions shared_options() {
  KeyringOptions options = manual_options();
  options.shared = true;
  return options;
}

inline const Bytes kSecret(32, 0x42);
constexpr Fault kNone{};

}  // namespace tinymls::test
