#include "bind/handle.h"

#include <atomic>

namespace tinymls::bind {

namespace {

// Environments take generations in blocks, so that creating a secret touches no shared cache line.
constexpr uint32_t kGenerationBlock = 4096;
std::atomic<uint32_t> next_block{0};

}  // namespace

uint32_t HandleTable::next_generation() {
  if (generations_left_ == 0) {
    constexpr uint32_t kGenerationMask = (uint32_t{1} << kGenerationBits) - 1;
    generation_ = next_block.fetch_add(kGenerationBlock, std::memory_order_relaxed) & kGenerationMask;
    generations_left_ = kGenerationBlock;
  }
  --generations_left_;
  return generation_++;
}

Result<double> HandleTable::insert(std::shared_ptr<void> object, HandleKind kind, bool sealable, View bytes) {
  uint32_t index = first_free_;
  if (index == kNone) {
    if (slots_.size() > kIndexMask) return Fault::kExhausted;
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    first_free_ = slots_[index].next_free;
  }
  Slot& slot = slots_[index];
  slot.object = std::move(object);
  slot.bytes = bytes;
  slot.sealable = sealable;
  slot.kind = kind;
  slot.handle = static_cast<double>((uint64_t{static_cast<uint8_t>(kind)} << (kGenerationBits + kIndexBits)) |
                                    (uint64_t{next_generation()} << kIndexBits) | index);
  ++live_;
  return slot.handle;
}

bool HandleTable::release(double handle) {
  const Slot* found = slot_of(handle);
  if (!found) return false;
  const auto index = static_cast<uint32_t>(found - slots_.data());
  Slot& slot = slots_[index];
  slot.object.reset();
  slot.bytes = {};
  slot.handle = 0;
  slot.next_free = first_free_;
  first_free_ = index;
  --live_;
  return true;
}

bool HandleTable::release_collected(double handle) {
  if (!release(handle)) return false;
  ++collected_;
  return true;
}

}  // namespace tinymls::bind
