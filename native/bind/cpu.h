// The processor's instructions that OpenSSL's code paths depend on.
#pragma once

#include <span>

namespace tinymls::bind {

struct CpuFeature {
  const char* name;
  bool present;
};

// Those of this architecture, whether present or not; empty where the architecture is unknown.
std::span<const CpuFeature> cpu_features();

}  // namespace tinymls::bind
