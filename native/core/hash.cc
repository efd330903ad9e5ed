#include "core/hash.h"

#include <array>
#include <cstring>

namespace tinymls {
namespace {

const DigestFunctions& functions_of(const Library& library, HashId id) {
  switch (id) {
    case HashId::kSha256:
      return library.sha256;
    case HashId::kSha384:
      return library.sha384;
    default:
      return library.sha512;
  }
}

constexpr size_t kHashIds = 3;

// A digest in use. One context a thread and algorithm is kept: creating one costs as much as the hashing of a short
// input. At rest it is initialised and holds nothing of the last input: the kept context is left clean on every way
// out.
class Digest {
 public:
  Digest(const Library& library, HashId id) : id_(id), functions_(functions_of(library, id)) {
    if (!functions_) {
      fault_ = Fault::kConfig;
      return;
    }
    thread_local std::array<DigestContextPtr, 2 * kHashIds> kept;
    DigestContextPtr& slot = kept[static_cast<size_t>(id) - 1 + (library.context == nullptr ? 0 : kHashIds)];
    if (!slot) {
      slot = DigestContextPtr(functions_.create(functions_.provider), {&functions_});
      if (!slot || !begin(slot.get())) {
        slot.reset();
        fault_ = Fault::kMemory;
        return;
      }
    }
    context_ = slot.get();
  }
  ~Digest() {
    if (context_ != nullptr && touched_) scrub();
  }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  bool ready() const { return context_ != nullptr; }
  Fault fault() const { return fault_; }
  bool update(View bytes) {
    touched_ = true;
    return bytes.empty() || functions_.update(context_, bytes.data(), bytes.size()) == 1;
  }
  bool update(std::span<const View> parts) {
    for (View part : parts) {
      if (!update(part)) return false;
    }
    return true;
  }
  // Ends one message and is ready for the next.
  bool finish(uint8_t* out) {
    size_t written = 0;
    if (functions_.finish(context_, out, &written, hash_length(id_)) != 1 || !begin(context_)) return false;
    if (id_ == HashId::kSha256) touched_ = false;
    return true;
  }

 private:
  bool begin(void* context) const { return functions_.begin(context, nullptr) == 1; }
  // Initialising clears all of a SHA-256 state, but leaves the last block in a SHA-512 state; filling that block up
  // with zeros overwrites it without a compression.
  void scrub() {
    static constexpr uint8_t kZeros[kMaxHashBlock - 1] = {};
    begin(context_);
    if (id_ == HashId::kSha256) return;
    functions_.update(context_, kZeros, sizeof kZeros);
    begin(context_);
  }

  HashId id_;
  const DigestFunctions& functions_;
  void* context_ = nullptr;
  bool touched_ = false;  // holds octets of an input
  Fault fault_ = Fault::kInternal;
};

constexpr uint64_t kInnerPad = 0x3636363636363636, kOuterPad = 0x5c5c5c5c5c5c5c5c;

// All of the longest block, so that the compiler knows the count. What lies beyond a shorter one is filled in later.
void mask_block(uint8_t* block, uint64_t mask) {
  for (size_t i = 0; i < kMaxHashBlock; i += sizeof mask) {
    uint64_t word;
    std::memcpy(&word, block + i, sizeof word);
    word ^= mask;
    std::memcpy(block + i, &word, sizeof word);
  }
}

bool known(HashId id) { return id >= HashId::kSha256 && id <= HashId::kSha512; }

}  // namespace

Result<void> hash(const Library& library, HashId id, std::span<const View> parts, MutableView out) {
  if (!known(id) || out.size() != hash_length(id)) return Fault::kUsage;
  ErrorMark mark;
  Digest digest(library, id);
  if (!digest.ready()) return digest.fault();
  if (!digest.update(parts) || !digest.finish(out.data())) {
    wipe(out);
    return Fault::kInternal;
  }
  mark.passed();
  return {};
}

// RFC 2104 §2. The padded key and short input go to the digest as one run of bytes: each call into OpenSSL costs about
// as much as a compression.
Result<void> hmac(const Library& library, HashId id, View key, std::span<const View> parts, MutableView out) {
  if (!known(id) || out.size() != hash_length(id)) return Fault::kUsage;
  ErrorMark mark;
  Digest digest(library, id);
  if (!digest.ready()) return digest.fault();
  const size_t block = hash_block(id);

  constexpr size_t kShortInput = 128;
  WipedArray<kMaxHashBlock + kShortInput> run;
  std::memset(run.data, 0, kMaxHashBlock);
  bool ok = true;
  if (key.size() > block) {
    ok = digest.update(key) && digest.finish(run.data);
  } else if (!key.empty()) {
    std::memcpy(run.data, key.data(), key.size());
  }
  mask_block(run.data, kInnerPad);

  size_t from = 0, filled = block;
  for (View part : parts) {
    if (part.size() > sizeof run.data - filled) {
      ok = ok && digest.update({run.data + from, filled - from});
      from = filled = block;  // the key stays for the outer hash
    }
    if (part.size() > sizeof run.data - filled) {
      ok = ok && digest.update(part);
    } else if (!part.empty()) {
      std::memcpy(run.data + filled, part.data(), part.size());
      filled += part.size();
    }
  }
  ok = ok && digest.update({run.data + from, filled - from});
  mask_block(run.data, kInnerPad ^ kOuterPad);
  ok = ok && digest.finish(run.data + block);
  ok = ok && digest.update({run.data, block + hash_length(id)}) && digest.finish(out.data());
  if (!ok) {
    wipe(out);
    return Fault::kInternal;
  }
  mark.passed();
  return {};
}

}  // namespace tinymls
