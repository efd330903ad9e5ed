// What a Context counts. Written by one thread at a time, read by any.
#pragma once

#include <array>
#include <atomic>
#include <bit>

#include "core/fault.h"

namespace tinymls {

// Bounds of the latency histogram: 2^7 ns (128 ns), 2^8, ... 2^26 (67 ms); the last bucket has no bound.
constexpr unsigned kFirstBoundBits = 7;
constexpr size_t kLatencyBounds = 20;
constexpr size_t kLatencyBuckets = kLatencyBounds + 1;
constexpr size_t kFaults = 15;

// One operation in this many is timed: reading the clock twice would cost as much as half a short operation.
constexpr uint32_t kLatencySampling = 64;

// Adding needs no locked instruction where one thread at a time writes.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct OperationTotals {
  uint64_t operations = 0, bytes = 0, sampled_nanos = 0;
  std::array<uint64_t, kLatencyBuckets> latency{};
};

struct Totals {
  OperationTotals sealed, opened;
  std::array<uint64_t, kFaults> failures{};  // by Fault
};

class OperationCounters {
 public:
  // Counts one; true when this one is to be timed.
  bool begin() { return tick_++ % kLatencySampling == 0; }
  void succeed(size_t bytes) {
    operations_.add(1);
    bytes_.add(bytes);
  }
  void time(uint64_t nanos) {
    nanos_.add(nanos);
    const unsigned bits = std::bit_width(nanos == 0 ? 0 : nanos - 1);  // the bounds are inclusive
    const size_t bucket = bits <= kFirstBoundBits ? 0 : bits - kFirstBoundBits;
    latency_[bucket < kLatencyBuckets ? bucket : kLatencyBuckets - 1].add(1);
  }
  void add_to(OperationTotals& totals) const {
    totals.operations += operations_.get();
    totals.bytes += bytes_.get();
    totals.sampled_nanos += nanos_.get();
    for (size_t i = 0; i < kLatencyBuckets; ++i) totals.latency[i] += latency_[i].get();
  }

 private:
  uint32_t tick_ = 0;
  Counter operations_, bytes_, nanos_;
  std::array<Counter, kLatencyBuckets> latency_;
};

struct Counters {
  OperationCounters sealed, opened;
  std::array<Counter, kFaults> failures;

  void fail(Fault fault) { failures[static_cast<size_t>(fault) % kFaults].add(1); }
  void add_to(Totals& totals) const {
    sealed.add_to(totals.sealed);
    opened.add_to(totals.opened);
    for (size_t i = 0; i < kFaults; ++i) totals.failures[i] += failures[i].get();
  }
};

}  // namespace tinymls
