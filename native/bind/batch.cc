#include "bind/batch.h"

#include <cstring>

namespace tinymls::bind {

namespace {

// Numbers of one type in a Uint8Array; refuses what is cut off.
template <class T>
std::vector<T> numbers(CallReader& call, size_t index) {
  const View bytes = call.bytes(index);
  if (bytes.size() % sizeof(T) != 0) call.refuse(Fault::kUsage);
  std::vector<T> values(call.refused() ? 0 : bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

Batch::Batch(CallReader& call, size_t index, size_t parts_per_item) : parts_per_item_(parts_per_item) {
  const View octets = call.bytes(index);
  const auto lengths = numbers<uint32_t>(call, index + 1);
  size_t end = 0;
  for (uint32_t length : lengths) ends_.push_back(end += length);
  if (end != octets.size() || lengths.size() % parts_per_item != 0) {
    call.refuse(Fault::kUsage);
    ends_.clear();
    return;
  }
  octets_.assign(octets.begin(), octets.end());
}

std::vector<std::shared_ptr<SecretBytes>> pinned_secrets(CallReader& call, size_t index) {
  std::vector<std::shared_ptr<SecretBytes>> pinned;
  for (double handle : numbers<double>(call, index)) {
    pinned.push_back(handle == 0 ? nullptr : call.handles().pin<SecretBytes>(handle));
    if (handle != 0 && !pinned.back()) call.refuse(Fault::kUsage);
  }
  return pinned;
}

SecretBatch::SecretBatch(CallReader& call, size_t index) {
  const View octets = call.bytes(index);
  const auto lengths = numbers<uint32_t>(call, index + 1);
  pinned_ = pinned_secrets(call, index + 2);
  size_t end = 0;
  for (uint32_t length : lengths) {
    starts_.push_back(end);
    lengths_.push_back(length);
    end += length;
  }
  if (end != octets.size() || lengths.size() != pinned_.size()) call.refuse(Fault::kUsage);
  if (call.refused()) return;
  if (auto copy = SecretBytes::copy(octets))
    octets_ = std::move(*copy);
  else
    call.refuse(copy.fault());
}

}  // namespace tinymls::bind
