// Inputs of a batch: the parts of all items joined into one array of octets, and the length of each part.
#pragma once

#include <vector>

#include "bind/call.h"

namespace tinymls::bind {

// Owns its octets; `part(item, index)` is a view into them.
class Batch {
 public:
  Batch() = default;
  // Reads octets and lengths (a Uint32Array, native byte order, as a Uint8Array) from two arguments. Refuses lengths
  // that do not add up.
  Batch(CallReader& call, size_t index, size_t parts_per_item);

  size_t items() const { return ends_.size() / parts_per_item_; }
  size_t size() const { return octets_.size(); }
  View part(size_t item, size_t index) const {
    const size_t at = item * parts_per_item_ + index;
    const size_t start = at == 0 ? 0 : ends_[at - 1];
    return View(octets_).subspan(start, ends_[at] - start);
  }

 private:
  std::vector<uint8_t> octets_;
  std::vector<size_t> ends_;
  size_t parts_per_item_ = 1;
};

// The secrets that handles name (a Float64Array as a Uint8Array), pinned; null for 0. Refuses what names none.
std::vector<std::shared_ptr<SecretBytes>> pinned_secrets(CallReader& call, size_t index);

// The part of each item that may be secret: bytes, copied into secret memory, or a Secret, pinned.
class SecretBatch {
 public:
  SecretBatch() = default;
  // Three arguments: joined octets, their lengths, and a handle for each item (a Float64Array as a Uint8Array), 0 where
  // the octets are meant.
  SecretBatch(CallReader& call, size_t index);

  size_t items() const { return pinned_.size(); }
  View operator[](size_t item) const {
    return pinned_[item] ? pinned_[item]->view() : octets_.view().subspan(starts_[item], lengths_[item]);
  }

 private:
  SecretBytes octets_;
  std::vector<size_t> starts_, lengths_;
  std::vector<std::shared_ptr<SecretBytes>> pinned_;
};

}  // namespace tinymls::bind
