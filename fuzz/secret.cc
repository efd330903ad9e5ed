// Sequences of allocate, write, shrink, move and free, also while the system refuses pages, against a plain model.
#include "core/secret.h"

#include <vector>

#include "core/pages.h"
#include "input.h"

using namespace tinymls;
using fuzz::require;

namespace {

struct Pair {
  SecretBytes secret;
  std::vector<uint8_t> model;
};

void require_same(const Pair& pair) {
  require(pair.secret.size() == pair.model.size());
  require(std::equal(pair.model.begin(), pair.model.end(), pair.secret.data()));
}

void allocate(fuzz::Input& input, std::vector<Pair>& live, bool failing) {
  const size_t size = input.number(4) == 0 ? input.number(20000) : input.number(256);
  auto secret = SecretBytes::allocate(size);
  if (!secret) {
    require(failing && secret.fault() == Fault::kMemory);
    return;
  }
  require(secret->size() == size && (size > 0 || secret->data() == nullptr));
  for (uint8_t byte : secret->view()) require(byte == 0);
  const auto fill = static_cast<uint8_t>(1 + input.number(255));
  std::fill_n(secret->data(), size, fill);
  live.push_back({std::move(*secret), std::vector<uint8_t>(size, fill)});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const auto before = secret_memory_stats().allocations;
  std::vector<Pair> live;
  bool failing = false;
  while (!input.empty()) {
    const uint32_t operation = input.number(8);
    Pair* pair = live.empty() ? nullptr : &live[input.number(256) % live.size()];
    if (operation < 3 && live.size() < 200) {
      allocate(input, live, failing);
    } else if (operation == 3) {
      const uint32_t calls = input.number(16);
      pages::fail(calls);
      set_secret_memory_strict(calls == pages::kLock);
      failing = calls != 0;
    } else if (pair != nullptr && operation == 4) {
      const size_t to = input.number(20000);
      pair->secret.shrink(to);
      if (to < pair->model.size()) pair->model.resize(to);
    } else if (pair != nullptr && operation == 5) {
      std::swap(*pair, live.back());
      require_same(*pair);
    } else if (pair != nullptr && operation == 6) {
      pair->secret.clear();
      pair->model.clear();
    } else if (pair != nullptr) {
      require_same(*pair);
      *pair = std::move(live.back());
      live.pop_back();
    }
  }
  pages::fail(0);
  set_secret_memory_strict(false);
  for (const Pair& pair : live) require_same(pair);
  live.clear();
  require(secret_memory_stats().allocations == before);
  return 0;
}
