#include "core/ratchet.h"

#include <algorithm>
#include <cstring>

#include "core/hkdf.h"

namespace tinymls {
namespace {

constexpr size_t kN = kRatchetSecretLength;

View ascii(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

// Goes from a node to its children. The cipher context holds a key of the tree, and OpenSSL wipes it when it is freed,
// so that one lives for one walk only.
class Walk {
 public:
  Walk(const Library& library, RatchetId id) : library_(library), id_(id) {}

  // `out` may be the parent itself.
  Result<void> child(View parent, bool right, MutableView out) {
    if (id_ == RatchetId::kAesCtr) return keystream(parent, right ? kN / kBlock : 0, out);
    auto derived = hkdf_expand_label(library_, HashId::kSha256, parent, LabelFormat::kTls13,
                                     ascii(right ? "tinymls right" : "tinymls left"), {}, kN);
    if (!derived) return derived.fault();
    std::copy_n(derived->data(), kN, out.data());
    return {};
  }

 private:
  static constexpr size_t kBlock = 16;

  Result<void> keystream(View key, size_t first_block, MutableView out) {
    if (!library_.aes_256_ctr) return Fault::kConfig;
    const ErrorMark mark;
    uint8_t counter[kBlock] = {};
    counter[kBlock - 1] = static_cast<uint8_t>(first_block);
    const EVP_CIPHER* cipher = context_ ? nullptr : library_.aes_256_ctr.get();
    if (!context_) context_.reset(EVP_CIPHER_CTX_new());
    if (!context_ || EVP_EncryptInit_ex2(context_.get(), cipher, key.data(), counter, nullptr) != 1) {
      return Fault::kInternal;
    }
    std::fill(out.begin(), out.end(), uint8_t{0});
    int written = 0;
    if (EVP_EncryptUpdate(context_.get(), out.data(), &written, out.data(), static_cast<int>(out.size())) != 1 ||
        written != static_cast<int>(out.size())) {
      return Fault::kInternal;
    }
    return {};
  }

  const Library& library_;
  const RatchetId id_;
  CipherCtxPtr context_;
};

bool goes_right(uint32_t step, uint32_t height) { return ((step >> (height - 1)) & 1) != 0; }

}  // namespace

Result<Ratchet> Ratchet::create(const Library& library, RatchetId id, View root) {
  if (root.size() != kN) return Fault::kUsage;
  Ratchet ratchet;
  auto nodes = SecretBytes::allocate(2 * kN);
  if (!nodes) return nodes.fault();
  Walk walk(library, id);
  if (auto left = walk.child(root, false, nodes->bytes().first(kN)); !left) return left.fault();
  if (auto right = walk.child(root, true, nodes->bytes().last(kN)); !right) return right.fault();
  ratchet.library_ = &library;
  ratchet.id_ = id;
  ratchet.nodes_ = std::move(*nodes);
  ratchet.heights_[0] = ratchet.heights_[1] = kRatchetDepth - 1;
  ratchet.count_ = 2;
  return ratchet;
}

// The lowest node held that leads to the step.
Ratchet::Start Ratchet::nearest(uint32_t step) const {
  uint64_t start = first_;
  size_t i = 0;
  while (start + (1u << heights_[i]) <= step) start += 1u << heights_[i++];
  Start found{nodes_.view().subspan(i * kN, kN), heights_[i]};
  for (size_t slot = 0; slot < kKeptHeights.size(); ++slot) {
    const uint32_t height = kKeptHeights[slot];
    if ((kept_mask_ >> slot & 1) != 0 && height < found.height && kept_step_ >> height == step >> height) {
      found = {kept_.view().subspan(slot * kN, kN), height};
    }
  }
  return found;
}

Result<SecretBytes> Ratchet::secret(uint32_t step) {
  if (library_ == nullptr || step >= kRatchetSteps) return Fault::kUsage;
  if (step < first_) return Fault::kExpired;
  if (kept_.size() == 0) {
    auto kept = SecretBytes::allocate(kKeptHeights.size() * kN);
    if (!kept) return kept.fault();
    kept_ = std::move(*kept);
  }
  const Start start = nearest(step);
  auto secret = SecretBytes::copy(start.node);
  if (!secret) return secret.fault();

  // From here on the kept nodes are those of this step: the ones above the start stay if they led to it too.
  for (size_t slot = 0; slot < kKeptHeights.size(); ++slot) {
    if (kept_step_ >> kKeptHeights[slot] != step >> kKeptHeights[slot]) forget(slot);
  }
  kept_step_ = step;
  Walk walk(*library_, id_);
  for (uint32_t height = start.height; height > 0;) {
    if (auto down = walk.child(secret->view(), goes_right(step, height), secret->bytes()); !down) return down.fault();
    --height;
    const auto slot = std::find(kKeptHeights.begin(), kKeptHeights.end(), height);
    if (slot == kKeptHeights.end()) continue;
    const auto index = static_cast<size_t>(slot - kKeptHeights.begin());
    std::copy_n(secret->data(), kN, kept(index).data());
    kept_mask_ |= static_cast<uint8_t>(1u << index);
  }
  return secret;
}

Result<void> Ratchet::erase_before(uint32_t step) {
  if (step > kRatchetSteps) return Fault::kUsage;
  if (step <= first_) return {};
  uint64_t start = first_;
  size_t whole = 0;  // nodes that end at or below `step`
  while (whole < count_ && start + (1u << heights_[whole]) <= step) start += 1u << heights_[whole++];

  // A node that holds steps on both sides is replaced by the right siblings of the path to `step`, and the path's end.
  const bool split = whole < count_ && start < step;
  const size_t after = whole + (split ? 1 : 0);  // the first node that stays as it is
  auto nodes = SecretBytes::allocate(kRatchetDepth * kN);
  if (!nodes) return nodes.fault();
  std::array<uint8_t, kRatchetDepth> heights{};
  size_t at = kRatchetDepth;  // filled from the back, as the walk meets the right siblings from the highest step down
  for (size_t i = count_; i-- > after;) {
    heights[--at] = heights_[i];
    std::copy_n(nodes_.data() + i * kN, kN, nodes->data() + at * kN);
  }
  if (split) {
    auto node = SecretBytes::copy(nodes_.view().subspan(whole * kN, kN));
    if (!node) return node.fault();
    Walk walk(*library_, id_);
    uint32_t height = heights_[whole];
    while ((step & ((1u << height) - 1)) != 0) {
      const bool right = goes_right(step, height);
      --height;
      if (!right) {
        heights[--at] = static_cast<uint8_t>(height);
        if (auto r = walk.child(node->view(), true, nodes->bytes().subspan(at * kN, kN)); !r) return r.fault();
      }
      if (auto down = walk.child(node->view(), right, node->bytes()); !down) return down.fault();
    }
    heights[--at] = static_cast<uint8_t>(height);
    std::copy_n(node->data(), kN, nodes->data() + at * kN);
  }
  auto compact = SecretBytes::copy(nodes->view().subspan(at * kN));  // of no bytes when no step is left
  if (!compact) return compact.fault();
  nodes_ = std::move(*compact);
  count_ = static_cast<uint8_t>(kRatchetDepth - at);
  std::copy(heights.begin() + static_cast<std::ptrdiff_t>(at), heights.end(), heights_.begin());
  first_ = step;
  forget_kept();
  return {};
}

// A kept node goes when it leads to an erased step.
void Ratchet::forget_kept() {
  for (size_t slot = 0; slot < kKeptHeights.size(); ++slot) {
    const uint32_t height = kKeptHeights[slot];
    if (kept_step_ >> height << height < first_) forget(slot);
  }
}

// Wiped, as the walk below a low node comes to no higher slot.
void Ratchet::forget(size_t slot) {
  if ((kept_mask_ >> slot & 1) == 0) return;
  wipe(kept(slot));
  kept_mask_ &= static_cast<uint8_t>(~(1u << slot));
}

}  // namespace tinymls
