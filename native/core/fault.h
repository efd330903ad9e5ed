// Faults as values. The core throws nothing and asserts nothing about its input.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace tinymls {

using View = std::span<const uint8_t>;
using MutableView = std::span<uint8_t>;

// The numbers cross the boundary to lib/native/fault.ts, negated; never renumber.
enum class Fault : uint8_t {
  kInternal = 1,       // an OpenSSL call failed that cannot fail on valid input
  kUsage = 2,          // the caller broke a contract: lengths, ranges, a disposed handle
  kConfig = 3,         // the algorithm or provider is not offered here
  kMalformed = 4,      // an encoding that cannot be read
  kInvalid = 5,        // well-formed, but refused by a rule
  kUndecryptable = 6,  // every failure of decryption or authentication, without a reason
  kExpired = 7,        // the key that is asked for is erased
  kClosed = 8,         // the object is closed
  kExhausted = 9,      // a limit of use is reached
  kReplayed = 10,      // authentic, and seen before
  kAhead = 11,         // names an epoch or step beyond the limits of following
  kMemory = 12,        // no memory, or no locked memory where `strict` asks for it
  kRandom = 13,        // the random number generator failed its health check; fatal
  kMissing = 14,       // what it needs has not come yet
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Fault fault) : fault_(fault) {}         // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return value_.has_value(); }
  Fault fault() const { return fault_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Fault fault_ = Fault::kInternal;
};

// A number and its fault together fit the two registers that a function returns in.
template <class T>
requires std::is_arithmetic_v<T>
class [[nodiscard]] Result<T> {
 public:
  Result(T value) : value_(value) {}      // NOLINT(google-explicit-constructor)
  Result(Fault fault) : fault_(fault) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return fault_ == Fault{}; }
  Fault fault() const { return fault_; }
  T operator*() const { return value_; }

 private:
  T value_{};
  Fault fault_{};
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Fault fault) : fault_(fault), ok_(false) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return ok_; }
  Fault fault() const { return fault_; }

 private:
  Fault fault_ = Fault::kInternal;
  bool ok_ = true;
};

}  // namespace tinymls
