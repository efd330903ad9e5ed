#include "core/large.h"

#include <algorithm>
#include <mutex>

#include "core/canary.h"
#include "core/pages.h"
#include "core/secret.h"
#include "core/spin_lock.h"

namespace tinymls::large {
namespace {

constexpr size_t kAlign = 16;

// Right before the bytes, its own canary last. A forked child reads zeros here, as in the bytes.
struct alignas(kAlign) Header {
  uint8_t* mapping;
  size_t mapped;
  Header *before, *after;
  uint64_t locked;
  uint8_t canary[canary::kLength];
};

constinit SpinLock mutex;
constinit Header* first = nullptr;
constinit Use counts{0, 0, 0};
constinit bool forked = false;

const Header* header_of(const uint8_t* data) { return reinterpret_cast<const Header*>(data) - 1; }
Header* header_of(uint8_t* data) { return reinterpret_cast<Header*>(data) - 1; }
size_t usable(const Header& header) { return header.mapped - 2 * pages::page_size(); }
uint64_t& bytes_of_kind(bool locked) { return locked ? counts.locked_bytes : counts.unlocked_bytes; }

}  // namespace

Result<uint8_t*> allocate(size_t size, bool strict) {
  const size_t page = pages::page_size();
  if (size > SIZE_MAX / 2) return Fault::kMemory;
  const size_t needed = sizeof(Header) + size + canary::kLength + kAlign;
  const size_t usable = (needed + page - 1) / page * page;
  const size_t mapped = usable + 2 * page;
  uint8_t* mapping = pages::reserve(mapped);
  if (mapping == nullptr) return Fault::kMemory;
  pages::exclude(mapping, mapped);
  uint8_t* start = mapping + page;
  const bool committed = pages::commit(start, usable);
  const bool locked = committed && pages::lock(start, usable);
  if (!committed || (strict && !locked)) {
    if (locked) pages::unlock(start, usable);
    pages::release(mapping, mapped);
    return Fault::kMemory;
  }
  const auto end = reinterpret_cast<uintptr_t>(start + usable);
  uint8_t* data = start + ((end - canary::kLength - size) / kAlign * kAlign - reinterpret_cast<uintptr_t>(start));
  Header* header = header_of(data);
  *header = {mapping, mapped, nullptr, nullptr, locked, {}};
  canary::put(header->canary);
  canary::put(data + size);

  const std::lock_guard guard(mutex);
  header->after = first;
  if (first != nullptr) first->before = header;
  first = header;
  bytes_of_kind(locked) += usable;
  ++counts.allocations;
  return data;
}

bool foreign(const uint8_t* data) {
  const std::lock_guard guard(mutex);
  return forked && header_of(data)->mapping == nullptr;
}

bool intact(const uint8_t* data, size_t size) {
  return canary::intact(header_of(data)->canary) && canary::intact(data + size);
}

void free(uint8_t* data) {
  Header* header = header_of(data);
  const Header copy = *header;
  {
    const std::lock_guard guard(mutex);
    if (header->before != nullptr) header->before->after = header->after;
    if (header->after != nullptr) header->after->before = header->before;
    if (first == header) first = header->after;
    bytes_of_kind(header->locked) -= usable(*header);
    --counts.allocations;
  }
  uint8_t* start = copy.mapping + pages::page_size();
  wipe({start, usable(copy)});
  if (copy.locked) pages::unlock(start, usable(copy));
  pages::release(copy.mapping, copy.mapped);
}

Use use() {
  const std::lock_guard guard(mutex);
  return counts;
}

void before_fork() { mutex.lock(); }

void after_fork(bool child) {
  if (child) {
    forked = true;
    // The kernel wiped the mappings of the parent: they are forgotten. Where it does not do that they are still whole,
    // but locks are never inherited.
    if (first != nullptr && first->mapping == nullptr) {
      first = nullptr;
      counts = {0, 0, 0};
    }
    for (Header* header = first; header != nullptr; header = header->after) header->locked = 0;
    counts.unlocked_bytes += std::exchange(counts.locked_bytes, 0);
  }
  mutex.unlock();
}

void wipe_all() {
  const std::unique_lock guard(mutex, std::try_to_lock);
  if (!guard) return;
  for (Header* header = first; header != nullptr; header = header->after) {
    auto* data = reinterpret_cast<uint8_t*>(header + 1);
    wipe({data, static_cast<size_t>(header->mapping + header->mapped - pages::page_size() - data)});
  }
}

}  // namespace tinymls::large
