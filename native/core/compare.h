// Constant-time comparison.
#pragma once

#include "core/fault.h"

namespace tinymls {

// Time depends on the lengths alone, never on where the contents differ. Unequal lengths compare unequal after the same
// walk over `a`.
bool constant_time_equal(View a, View b);

}  // namespace tinymls
