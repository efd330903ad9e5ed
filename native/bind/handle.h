// Handles: the numbers by which JavaScript names native objects. One table for each environment (worker thread).
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "core/secret.h"

namespace tinymls::bind {

enum class HandleKind : uint8_t {
  kSecret = 1,
  kAeadCipher = 2,
  kSecureBuffer = 3,
  kPrivateKey = 4,
  kHpkeContext = 5,
  kKeyring = 6,
};

// What a table knows of a type that it holds: its kind and, where the object is secret bytes that may be sealed under
// another key, where those are as long as it lives (`static View sealable(const T&)`).
template <class T>
struct HandleTraits;

template <>
struct HandleTraits<SecretBytes> {
  static constexpr HandleKind kKind = HandleKind::kSecret;
  static View sealable(const SecretBytes& secret) { return secret.view(); }
};

// A handle is an integer below 2^53: kind (4 bits), generation (27), index (22). Generations are drawn from one counter
// of the process, so a handle that is stale, forged or of another environment meets no slot.
class HandleTable {
 public:
  // The new handle, or kExhausted.
  template <class T>
  Result<double> insert(std::shared_ptr<T> object) {
    constexpr bool kSealable = requires(const T& t) { HandleTraits<T>::sealable(t); };
    View bytes;
    if constexpr (kSealable) bytes = HandleTraits<T>::sealable(*object);
    return insert(std::move(object), HandleTraits<T>::kKind, kSealable, bytes);
  }

  // The object of a handle, or null. Valid until JavaScript runs again.
  template <class T>
  T* find(double handle) const {
    const Slot* slot = slot_of(handle, HandleTraits<T>::kKind);
    return slot ? static_cast<T*>(slot->object.get()) : nullptr;
  }

  // The same, where nothing else has it pinned: to be changed.
  template <class T>
  T* find_unshared(double handle) const {
    const Slot* slot = slot_of(handle, HandleTraits<T>::kKind);
    if (!slot || slot->object.use_count() != 1) return nullptr;
    // The last other owner may have been a thread of the pool, and use_count() orders nothing: what that thread read,
    // it read before this.
    std::atomic_thread_fence(std::memory_order_acquire);
    return static_cast<T*>(slot->object.get());
  }

  // The same, kept alive: for work that goes on beside JavaScript.
  template <class T>
  std::shared_ptr<T> pin(double handle) const {
    const Slot* slot = slot_of(handle, HandleTraits<T>::kKind);
    return slot ? std::static_pointer_cast<T>(slot->object) : nullptr;
  }

  // The bytes of a secret, found without a look at the object, which is seldom in a cache; false where there are none.
  bool secret(double handle, View& bytes) const { return bytes_of(slot_of(handle, HandleKind::kSecret), bytes); }

  // The same behind a handle of any kind that may be sealed.
  bool sealable(double handle, View& bytes) const { return bytes_of(slot_of(handle), bytes); }

  // Lets go of the object: false when the handle names none.
  bool release(double handle);

  // The same for an object that JavaScript's collector found undisposed.
  bool release_collected(double handle);

  size_t live() const { return live_; }
  uint64_t collected() const { return collected_; }

 private:
  // What every use reads comes first.
  struct Slot {
    double handle = 0;  // the one that names it; 0 while the slot is free
    View bytes;         // of the object, where they may be sealed
    HandleKind kind{};
    bool sealable = false;
    uint32_t next_free = 0;
    std::shared_ptr<void> object;
  };

  Result<double> insert(std::shared_ptr<void> object, HandleKind kind, bool sealable, View bytes);
  static bool bytes_of(const Slot* slot, View& bytes) {
    if (!slot || !slot->sealable) return false;
    bytes = slot->bytes;
    return true;
  }
  // Comparing with the whole handle checks kind and generation along, and that it is an integer.
  const Slot* slot_of(double handle) const {
    if (!(handle > 0 && handle < kHandleEnd)) return nullptr;  // NaN fails too
    const auto index = static_cast<size_t>(static_cast<int64_t>(handle)) & kIndexMask;
    return index < slots_.size() && slots_[index].handle == handle ? &slots_[index] : nullptr;
  }
  const Slot* slot_of(double handle, HandleKind kind) const {
    const Slot* slot = slot_of(handle);
    return slot && slot->kind == kind ? slot : nullptr;
  }
  uint32_t next_generation();

  std::vector<Slot> slots_;
  uint32_t first_free_ = kNone;
  uint32_t generation_ = 0, generations_left_ = 0;
  size_t live_ = 0;
  uint64_t collected_ = 0;

  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr unsigned kIndexBits = 22, kGenerationBits = 27;
  static constexpr size_t kIndexMask = (size_t{1} << kIndexBits) - 1;
  static constexpr double kHandleEnd = 9007199254740992.0;  // 2^53
};

// New objects that JavaScript gets all of, or none: unless they are kept they are let go of again.
class NewHandles {
 public:
  explicit NewHandles(HandleTable& table) : table_(table) {}
  NewHandles(const NewHandles&) = delete;
  NewHandles& operator=(const NewHandles&) = delete;
  ~NewHandles() {
    for (double handle : handles_) table_.release(handle);
  }

  template <class T>
  Result<double> add(std::shared_ptr<T> object) {
    const Result<double> handle = table_.insert(std::move(object));
    if (handle) handles_.push_back(*handle);
    return handle;
  }
  size_t count() const { return handles_.size(); }
  // From now on they are JavaScript's.
  std::vector<double> keep() { return std::exchange(handles_, {}); }

 private:
  HandleTable& table_;
  std::vector<double> handles_;
};

}  // namespace tinymls::bind
