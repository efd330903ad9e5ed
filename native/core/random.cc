#include "core/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

namespace tinymls {
namespace {

// Each draw takes so many bytes more than it hands out, to compare with those of the draw before. They are never used,
// so that keeping them keeps no secret.
constexpr size_t kProbe = 16;

constinit std::atomic<bool> failed{false};

#ifdef TINYMLS_TESTING
constinit std::atomic<RandomSource> replaced{nullptr};
constinit std::atomic<unsigned> replacements{0};
#endif

enum class Use { kPublic, kPrivate };

bool generate(const Library& library, Use use, MutableView out) {
#ifdef TINYMLS_TESTING
  if (RandomSource source = replaced.load()) return source(out.data(), out.size()) == 1;
#endif
  return (use == Use::kPublic ? RAND_bytes_ex(library.context, out.data(), out.size(), 0)
                              : RAND_priv_bytes_ex(library.context, out.data(), out.size(), 0)) == 1;
}

// The processes of a fork share what this holds; their probes are compared from a new start each.
int64_t process_id() {
#ifdef _WIN32
  return _getpid();
#else
  return getpid();
#endif
}

// Of the generators of one library context in one thread.
struct Health {
  const OSSL_LIB_CTX* context = nullptr;
  int64_t process = -1;
#ifdef TINYMLS_TESTING
  unsigned replacement = 0;
#endif
  uint8_t probe[2][kProbe];  // of the public and the private generator
};

bool stuck(View block) {
  return std::all_of(block.begin(), block.end(), [&](uint8_t byte) { return byte == block[0]; });
}

// Neighbouring blocks that are equal, or one that repeats a byte: each by chance once in 2^120 blocks or less.
bool repeats(View bytes) {
  for (size_t at = 0; at + kProbe <= bytes.size(); at += kProbe) {
    const View block = bytes.subspan(at, kProbe);
    if (stuck(block)) return true;
    if (at > 0 && std::memcmp(block.data(), block.data() - kProbe, kProbe) == 0) return true;
  }
  return false;
}

bool start(const Library& library, Health& health) {
  for (Use use : {Use::kPublic, Use::kPrivate}) {
    WipedArray<8 * kProbe> sample;
    const MutableView all = sample.first(8 * kProbe);
    if (!generate(library, use, all)) return false;
    if (repeats(all)) {
      failed.store(true);
      return false;
    }
    std::memcpy(health.probe[static_cast<int>(use)], sample.data, kProbe);
  }
  return true;
}

Health* started(const Library& library) {
  thread_local Health healths[2];  // of the process's context, and of a private one
  Health& health = healths[library.context == nullptr ? 0 : 1];
  if (failed.load(std::memory_order_relaxed)) return nullptr;
  const int64_t process = process_id();
  bool fresh = health.process != process || health.context != library.context;
#ifdef TINYMLS_TESTING
  fresh = fresh || health.replacement != replacements.load();
#endif
  if (fresh) {
    health.process = -1;
    if (!start(library, health)) return nullptr;
    health.context = library.context;
    health.process = process;
#ifdef TINYMLS_TESTING
    health.replacement = replacements.load();
#endif
  }
  return &health;
}

// `drawn` ends in the probe.
bool draw(const Library& library, Use use, MutableView drawn) {
  Health* health = started(library);
  if (health == nullptr || !generate(library, use, drawn)) return false;
  const View probe = drawn.last(kProbe);
  uint8_t(&last)[kProbe] = health->probe[static_cast<int>(use)];
  if (repeats(drawn) || stuck(probe) || std::memcmp(probe.data(), last, kProbe) == 0) {
    failed.store(true);
    return false;
  }
  std::memcpy(last, probe.data(), kProbe);
  return true;
}

}  // namespace

Result<void> random_fill(MutableView out, const Library& library) {
  ErrorMark mark;
  constexpr size_t kPart = 1024;
  WipedArray<kPart + kProbe> scratch;
  for (size_t done = 0; done < out.size();) {
    const size_t part = std::min(kPart, out.size() - done);
    if (!draw(library, Use::kPublic, scratch.first(part + kProbe))) {
      wipe(out);
      return Fault::kRandom;
    }
    std::memcpy(out.data() + done, scratch.data, part);
    done += part;
  }
  mark.passed();
  return {};
}

Result<SecretBytes> random_secret(size_t size, const Library& library) {
  if (size > SIZE_MAX - kProbe) return Fault::kMemory;
  ErrorMark mark;
  auto secret = SecretBytes::allocate(size + kProbe);
  if (!secret) return secret.fault();
  if (!draw(library, Use::kPrivate, secret->bytes())) return Fault::kRandom;
  secret->shrink(size);
  mark.passed();
  return secret;
}

#ifdef TINYMLS_TESTING
void set_random_source(RandomSource source) {
  replaced.store(source);
  ++replacements;
  failed.store(false);
}
#endif

}  // namespace tinymls
