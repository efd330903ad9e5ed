#include "core/slab.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>

#include "core/canary.h"
#include "core/large.h"
#include "core/pages.h"
#include "core/spin_lock.h"

namespace tinymls::slab {
namespace {

constexpr auto kSizes = std::to_array<uint16_t>(
    {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, kMaxBlock});
constexpr size_t kStep = 16;
constexpr auto kClassOf = [] {  // by size in steps, rounded up
  std::array<uint8_t, kMaxBlock / kStep + 1> table{};
  for (size_t step = 0, index = 0; step < table.size(); ++step) {
    while (kSizes[index] < step * kStep) ++index;
    table[step] = static_cast<uint8_t>(index);
  }
  return table;
}();

constexpr uint16_t kNone = 0xffff, kLive = 0xfffe;  // in Chunk::next

// One page that faults, then pages of blocks; the page that closes it is the first of the next chunk.
struct Chunk {
  uint8_t* blocks_start;
  uint16_t* next;  // by block: the next free one, or kLive. Null while the chunk is closed.
  Chunk *before, *after;
  uint16_t count, live, carved, free_head;  // carved: blocks ever handed out
  uint8_t size_class;
  bool locked, listed;
  bool stale;  // from before a fork: its bytes read zero now, and it hands out nothing more
};

// A reservation of address space, cut into chunks. Never given back: closed chunks are used again.
struct Region {
  uint8_t* start;
  size_t chunks, used;
  Chunk* table;
  Chunk* closed;
};

struct SizeClass {
  SpinLock mutex;
  Chunk* partial[2] = {nullptr, nullptr};  // chunks with a free block: unlocked, locked
  uint64_t live = 0;
  unsigned spares = 0;  // chunks without a live block, kept so that one block coming and going costs no system call
};

constexpr size_t kMaxRegions = 64;
constexpr size_t kReservations[] = {size_t{1} << 30, size_t{1} << 26, size_t{1} << 20};

constinit std::array<SizeClass, kSizes.size()> classes;
constinit SpinLock region_mutex;  // taken inside of a class's
constinit std::array<Region, kMaxRegions> regions{};
constinit std::atomic<size_t> region_count{0};
constinit std::atomic<uint64_t> locked_bytes{0}, unlocked_bytes{0};
constinit std::atomic<bool> strict_mode{false}, exiting{false};
constinit pages::Exclusions exclusions{false, false};
constinit size_t page = 0, chunk_size = 0;

size_t stride_of(size_t size_class) { return kSizes[size_class] + canary::kLength; }
size_t data_size() { return chunk_size - page; }

uint8_t* data_of(const Chunk& chunk) {  // blocks end at the upper page that faults; before them is less than one block
  return chunk.blocks_start + chunk.count * stride_of(chunk.size_class) - data_size();
}

void* table_of(size_t count, size_t size) {
#ifdef TINYMLS_TESTING
  if (pages::failing(pages::kTable)) return nullptr;
#endif
  return std::calloc(count, size);
}

void link(SizeClass& owner, Chunk& chunk) {
  Chunk*& head = owner.partial[chunk.locked];
  chunk.before = nullptr;
  chunk.after = head;
  if (head != nullptr) head->before = &chunk;
  head = &chunk;
  chunk.listed = true;
}

void unlink(SizeClass& owner, Chunk& chunk) {
  if (!chunk.listed) return;
  if (chunk.before != nullptr) chunk.before->after = chunk.after;
  if (chunk.after != nullptr) chunk.after->before = chunk.before;
  if (owner.partial[chunk.locked] == &chunk) owner.partial[chunk.locked] = chunk.after;
  chunk.listed = false;
}

Region* reserve_region() {
  const size_t count = region_count.load(std::memory_order_relaxed);
  if (count == kMaxRegions) return nullptr;
  for (size_t size : kReservations) {
    // One page more closes the last chunk.
    uint8_t* start = pages::reserve(size + page);
    if (start == nullptr) continue;
    const size_t chunks = size / chunk_size;
    auto* table = static_cast<Chunk*>(table_of(chunks, sizeof(Chunk)));
    if (table == nullptr) {
      pages::release(start, size + page);
      return nullptr;
    }
    exclusions = pages::exclude(start, size + page);
    regions[count] = {start, chunks, 0, table, nullptr};
    region_count.store(count + 1, std::memory_order_release);
    return &regions[count];
  }
  return nullptr;
}

Region* region_of(const uint8_t* at) {
  const size_t count = region_count.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    if (at >= regions[i].start && at < regions[i].start + regions[i].chunks * chunk_size) return &regions[i];
  }
  return nullptr;
}

// An unused chunk; `data` is where its pages begin.
Chunk* take_chunk(uint8_t*& data) {
  const std::lock_guard guard(region_mutex);
  const size_t count = region_count.load(std::memory_order_relaxed);
  Region* region = nullptr;
  for (size_t i = 0; i < count && region == nullptr; ++i) {
    if (regions[i].closed != nullptr || regions[i].used < regions[i].chunks) region = &regions[i];
  }
  if (region == nullptr) region = reserve_region();
  if (region == nullptr) return nullptr;
  Chunk* chunk = region->closed;
  if (chunk != nullptr) {
    region->closed = chunk->after;
  } else {
    chunk = &region->table[region->used++];
  }
  data = region->start + static_cast<size_t>(chunk - region->table) * chunk_size + page;
  return chunk;
}

void give_chunk(Chunk& chunk) {
  const std::lock_guard guard(region_mutex);
  for (size_t i = 0; i < region_count.load(std::memory_order_relaxed); ++i) {
    Region& region = regions[i];
    if (&chunk < region.table || &chunk >= region.table + region.chunks) continue;
    chunk = {};
    chunk.after = region.closed;
    region.closed = &chunk;
  }
}

Chunk* open_chunk(size_t size_class, bool strict) {
  uint8_t* data = nullptr;
  Chunk* chunk = take_chunk(data);
  if (chunk == nullptr) return nullptr;
  const size_t count = data_size() / stride_of(size_class);
  auto* next = static_cast<uint16_t*>(table_of(count, sizeof(uint16_t)));
  const bool committed = next != nullptr && pages::commit(data, data_size());
  const bool locked = committed && pages::lock(data, data_size());
  if (!committed || (strict && !locked)) {
    if (committed) pages::decommit(data, data_size());
    std::free(next);
    give_chunk(*chunk);
    return nullptr;
  }
  *chunk = {};
  chunk->blocks_start = data + data_size() - count * stride_of(size_class);
  chunk->next = next;
  chunk->count = static_cast<uint16_t>(count);
  chunk->free_head = kNone;
  chunk->size_class = static_cast<uint8_t>(size_class);
  chunk->locked = locked;
  (locked ? locked_bytes : unlocked_bytes) += data_size();
  return chunk;
}

// Every block is wiped already.
void close_chunk(Chunk& chunk) {
  uint8_t* data = data_of(chunk);
  if (chunk.locked) pages::unlock(data, data_size());
  (chunk.locked ? locked_bytes : unlocked_bytes) -= data_size();
  pages::decommit(data, data_size());
  std::free(chunk.next);
  give_chunk(chunk);
}

template <class Visit>
void each_open_chunk(Visit visit) {
  for (size_t i = 0; i < region_count.load(std::memory_order_relaxed); ++i) {
    for (size_t j = 0; j < regions[i].used; ++j) {
      if (regions[i].table[j].next != nullptr) visit(regions[i].table[j]);
    }
  }
}

void lock_all() {
  for (SizeClass& one : classes) one.mutex.lock();
  region_mutex.lock();
}

void unlock_all() {
  region_mutex.unlock();
  for (SizeClass& one : classes) one.mutex.unlock();
}

void before_fork() {
  lock_all();
  large::before_fork();
}

void after_fork_in_parent() {
  large::after_fork(false);
  unlock_all();
}

// The chunks of the parent read zero here and are not locked. Blocks in them can be freed; new ones come from new
// chunks.
void after_fork_in_child() {
  large::after_fork(true);
  for (SizeClass& one : classes) {
    one.partial[0] = one.partial[1] = nullptr;
    one.spares = 0;
  }
  each_open_chunk([](Chunk& chunk) {
    chunk.stale = true;
    chunk.locked = chunk.listed = false;
  });
  unlocked_bytes += locked_bytes.exchange(0);
  unlock_all();
}

// A lock that stays taken belongs to a thread that the exiting process no longer runs (Windows ends them first). Then
// the wiping is left to the system, which clears pages before it hands them on.
void wipe_at_exit() {
  exiting.store(true);
  size_t taken = 0;
  while (taken < classes.size() && classes[taken].mutex.try_lock()) ++taken;
  if (taken == classes.size() && region_mutex.try_lock()) {
    each_open_chunk([](Chunk& chunk) { wipe({data_of(chunk), data_size()}); });
    region_mutex.unlock();
  }
  while (taken > 0) classes[--taken].mutex.unlock();
  large::wipe_all();
}

bool start() {
  static const bool started = [] {
    page = pages::page_size();
    chunk_size = std::max(size_t{64} << 10, 4 * page);
    if (!canary::make_key()) return false;
    {
      const std::lock_guard guard(region_mutex);
      reserve_region();  // may fail for now: each new chunk tries again
    }
    return std::atexit(wipe_at_exit) == 0 && pages::on_fork(before_fork, after_fork_in_parent, after_fork_in_child);
  }();
  return started;
}

// Checks, before anything is written, that the bytes end where they should.
bool check(const Chunk* chunk, uint8_t* data, size_t size) {
  if (exiting.load(std::memory_order_relaxed)) return false;
  if (chunk != nullptr && chunk->stale) return false;
  if (chunk == nullptr && large::foreign(data)) return false;
  const bool intact =
      chunk == nullptr ? large::intact(data, size) : size <= kSizes[chunk->size_class] && canary::intact(data + size);
  if (!intact && !exiting.load()) canary::damaged();  // the exit may have wiped it just now
  return intact;
}

Chunk* chunk_of(const uint8_t* data) {
  Region* region = region_of(data);
  if (region == nullptr) return nullptr;
  Chunk* chunk = &region->table[static_cast<size_t>(data - region->start) / chunk_size];
  if (chunk->next == nullptr) canary::damaged();
  return chunk;
}

void free_block(Chunk& chunk, const uint8_t* data) {
  const auto offset = static_cast<uint32_t>(data - chunk.blocks_start);
  const auto stride = static_cast<uint32_t>(stride_of(chunk.size_class));
  const uint32_t index = offset / stride;
  SizeClass& owner = classes[chunk.size_class];
  const std::lock_guard guard(owner.mutex);
  if (index >= chunk.carved || index * stride != offset || chunk.next[index] != kLive) canary::damaged();
  chunk.next[index] = chunk.free_head;
  chunk.free_head = static_cast<uint16_t>(index);
  --chunk.live;
  --owner.live;
  if (chunk.live == 0 && (chunk.stale || owner.spares > 0)) {
    unlink(owner, chunk);
    close_chunk(chunk);
    return;
  }
  if (chunk.live == 0) ++owner.spares;
  if (!chunk.listed && !chunk.stale) link(owner, chunk);
}

}  // namespace

Result<uint8_t*> allocate(size_t size) {
  if (!start()) return Fault::kMemory;
  if (exiting.load(std::memory_order_relaxed)) return Fault::kClosed;
  const bool strict = strict_mode.load(std::memory_order_relaxed);
  if (size > kMaxBlock) return large::allocate(size, strict);
  const size_t size_class = kClassOf[(size + kStep - 1) / kStep];
  SizeClass& owner = classes[size_class];
  uint8_t* data;
  {
    const std::lock_guard guard(owner.mutex);
    Chunk* chunk = owner.partial[true];
    if (chunk == nullptr && !strict) chunk = owner.partial[false];
    if (chunk == nullptr) {
      chunk = open_chunk(size_class, strict);
      if (chunk == nullptr) return Fault::kMemory;
      link(owner, *chunk);
    } else if (chunk->live == 0) {
      --owner.spares;
    }
    uint16_t index = chunk->free_head;
    if (index != kNone) {
      chunk->free_head = chunk->next[index];
    } else {
      index = chunk->carved++;
    }
    chunk->next[index] = kLive;
    ++chunk->live;
    ++owner.live;
    if (chunk->live == chunk->count) unlink(owner, *chunk);
    data = chunk->blocks_start + index * stride_of(size_class);
  }
  std::memset(data, 0, size);  // whatever wrote here after the block was freed
  canary::put(data + size);
  return data;
}

void free(uint8_t* data, size_t size) {
  Chunk* chunk = chunk_of(data);
  const bool checked = check(chunk, data, size);
  if (exiting.load(std::memory_order_relaxed)) {
    wipe({data, size});
    return;
  }
  if (chunk != nullptr) {
    wipe({data, size + canary::kLength});
    free_block(*chunk, data);
  } else if (checked) {
    large::free(data);
  }
}

void shrink(uint8_t* data, size_t from, size_t to) {
  const bool checked = check(chunk_of(data), data, from);
  wipe({data + to, from - to + (checked ? canary::kLength : 0)});
  if (checked) canary::put(data + to);
}

SecretMemoryStats stats() {
  start();
  const large::Use big = large::use();
  SecretMemoryStats stats{};
  stats.locked_bytes = locked_bytes.load() + big.locked_bytes;
  stats.unlocked_bytes = unlocked_bytes.load() + big.unlocked_bytes;
  stats.in_use_bytes = big.locked_bytes + big.unlocked_bytes;
  stats.allocations = big.allocations;
  for (size_t i = 0; i < classes.size(); ++i) {
    const std::lock_guard guard(classes[i].mutex);
    stats.allocations += classes[i].live;
    stats.in_use_bytes += classes[i].live * kSizes[i];
  }
  const std::lock_guard guard(region_mutex);
  stats.dump_excluded = exclusions.dump;
  stats.fork_excluded = exclusions.fork;
  stats.strict = strict_mode.load();
  return stats;
}

void set_strict(bool strict) { strict_mode.store(strict); }

}  // namespace tinymls::slab
