// The key state of an epoch, and what the next step costs: measured on the core itself, without waiting for a day to
// pass.
#pragma once

#include "core/epoch.h"

namespace tinymls::bench {

// The steps of one epoch that are allowed at once, as they move along: those of `retained` steps before the newest.
class RatchetRun {
 public:
  static Result<std::unique_ptr<RatchetRun>> create(RatchetId id, uint32_t retained);
  // The keys of so many further steps, each as a sender begins it: derived, the cipher ready.
  bool advance(uint32_t steps);
  // The largest state that any step of the epoch's life leaves, looked at every `stride` steps.
  Result<size_t> largest_state(uint32_t stride) const;

 private:
  RatchetId id_{};
  uint32_t retained_ = 0, step_ = 0;
  Ratchet ratchet_;
};

}  // namespace tinymls::bench
