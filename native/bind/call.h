// One call from JavaScript: reading its arguments, answering with a number.
//
// A wrong argument is remembered, not thrown: read them all, then `if (call.refused()) return call.refusal();`. The
// answer is a number: zero or more for success (a handle, a count, 0 or 1), minus the Fault otherwise.
#pragma once

#include <concepts>
#include <limits>

#include "bind/environment.h"
#include "core/hash.h"

namespace tinymls::bind {

// Where two ranges share octets without starting together: OpenSSL's ciphers cannot work so.
bool partly_overlap(View a, View b);

// A length that JavaScript writes in four octets, big-endian.
inline size_t read_length(View four) {
  return size_t{four[0]} << 24 | size_t{four[1]} << 16 | size_t{four[2]} << 8 | size_t{four[3]};
}

class CallReader {
 public:
  Environment& environment() const { return *environment_; }
  const Library& library() const { return environment_->library; }
  HandleTable& handles() const { return environment_->handles; }
  napi_env env() const { return env_; }
  size_t count() const { return count_; }  // arguments given

  bool refused() const { return refused_; }
  void refuse(Fault fault) {
    if (!refused_) fault_ = fault;
    refused_ = true;
  }
  // The answer to a refused call.
  napi_value refusal() const { return answer(fault_); }

  napi_value number(double value) const;
  napi_value answer(Fault fault) const { return number(-static_cast<double>(fault)); }
  // For operations that fill a buffer or decide: `success` when all went well.
  napi_value answer(const Result<void>& result, double success = 0) const {
    return result ? number(success) : answer(result.fault());
  }
  // For operations that make an object: its handle.
  template <class T>
  napi_value answer_handle(Result<T> result) const {
    return result ? adopt(std::make_shared<T>(std::move(*result))) : answer(result.fault());
  }
  template <class T>
  napi_value adopt(std::shared_ptr<T> object) const {
    const Result<double> handle = handles().insert(std::move(object));
    return handle ? number(*handle) : answer(handle.fault());
  }
  // For those that make several: how many. `out` takes their handles, a double in native byte order each.
  napi_value answer_handles(NewHandles& handles, MutableView out) const;

  // An unsigned integer that T can hold.
  template <std::unsigned_integral T>
  T integer(size_t index) {
    constexpr double kEnd = sizeof(T) == 8 ? 9007199254740992.0  // 2^53: what a number holds exactly
                                           : static_cast<double>(std::numeric_limits<T>::max()) + 1;
    const double value = any_number(index);
    if (value >= 0 && value < kEnd && static_cast<double>(static_cast<T>(value)) == value) return static_cast<T>(value);
    refuse(Fault::kUsage);
    return 0;
  }
  size_t length(size_t index) { return integer<uint32_t>(index); }
  bool flag(size_t index) { return integer<uint8_t>(index) != 0; }
  // A member of an enumeration whose members count from `first` to `last`.
  template <class E>
  E one_of(size_t index, E first, E last) {
    const auto value = integer<uint8_t>(index);
    if (value >= static_cast<uint8_t>(first) && value <= static_cast<uint8_t>(last)) return static_cast<E>(value);
    refuse(Fault::kUsage);
    return first;
  }
  HashId hash_id(size_t index) { return one_of(index, HashId::kSha256, HashId::kSha512); }
  AeadId aead_id(size_t index) { return one_of(index, AeadId::kAes128Gcm, AeadId::kChaCha20Poly1305); }

  // The octets of a Uint8Array (a Buffer is one); JavaScript does not move them while this call runs. A detached array
  // and one on shared memory are refused.
  View bytes(size_t index);
  View optional_bytes(size_t index) { return absent(index) ? View{} : bytes(index); }
  // The same, shared memory let pass: some 10 ns less, for the hottest paths. Another thread that writes meanwhile
  // spoils its own message, and nothing else.
  View bytes_of_any_memory(size_t index);
  View optional_bytes_of_any_memory(size_t index);
  // The same of what TypeScript has found to be a Uint8Array, which costs it half of what it costs here. Of another
  // typed array these would be as many octets as it has elements.
  View bytes_of_known_array(size_t index);
  bool absent(size_t index) const;  // undefined or null
  // Room for a result.
  MutableView out(size_t index) {
    const View view = bytes(index);
    return {const_cast<uint8_t*>(view.data()), view.size()};
  }

  // An argument as it came.
  napi_value value(size_t index) const { return arguments_[index]; }

  // The object that a handle names, for this call or, pinned, for as long as one likes.
  template <class T>
  T* object(size_t index) {
    T* const found = handles().find<T>(any_number(index));
    if (!found) refuse(Fault::kUsage);
    return found;
  }
  template <class T>
  T* unshared(size_t index) {
    T* const found = handles().find_unshared<T>(any_number(index));
    if (!found) refuse(Fault::kUsage);
    return found;
  }
  template <class T>
  std::shared_ptr<T> pinned(size_t index) {
    std::shared_ptr<T> found = handles().pin<T>(any_number(index));
    if (!found) refuse(Fault::kUsage);
    return found;
  }
  View secret(size_t index) {
    View secret;
    if (!handles().secret(any_number(index), secret)) refuse(Fault::kUsage);
    return secret;
  }
  // A key, salt or nonce: secret (a handle) or public (bytes).
  View secret_or_bytes(size_t index);
  // A plaintext: bytes, or the secret inside whatever may be sealed under another key.
  View sealable_or_bytes(size_t index);

 protected:
  CallReader(napi_env env, napi_callback_info info, napi_value* arguments, size_t capacity);

 private:
  bool read_number(size_t index, double& value) const;
  View read_bytes(size_t index, napi_typedarray_type* type, napi_value* memory);
  double any_number(size_t index);  // NaN, and refused, when it is none

  napi_env env_;
  napi_value* arguments_;
  size_t capacity_;
  size_t count_;
  Environment* environment_ = nullptr;
  Fault fault_ = Fault::kUsage;
  bool refused_ = false;
};

// A call of at most `Capacity` arguments.
template <size_t Capacity>
class Call : public CallReader {
 public:
  Call(napi_env env, napi_callback_info info) : CallReader(env, info, storage_, Capacity) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  napi_value storage_[Capacity];  // filled by the base, which nothing here overwrites
};

}  // namespace tinymls::bind
