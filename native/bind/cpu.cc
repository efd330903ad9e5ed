#include "bind/cpu.h"

#include <cstddef>
#include <cstdint>
#include <iterator>

#if defined(__x86_64__) || defined(_M_X64)
#define TINYMLS_X64 1
#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
#define TINYMLS_ARM64 1
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#endif
#endif

namespace tinymls::bind {

namespace {

#if defined(TINYMLS_X64)

struct Leaf {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(uint32_t leaf) {
  Leaf result;
#if defined(_MSC_VER)
  int registers[4];
  __cpuid(registers, 0);
  if (static_cast<uint32_t>(registers[0]) < leaf) return result;
  __cpuidex(registers, static_cast<int>(leaf), 0);
  result = {static_cast<uint32_t>(registers[0]), static_cast<uint32_t>(registers[1]),
            static_cast<uint32_t>(registers[2]), static_cast<uint32_t>(registers[3])};
#else
  if (__get_cpuid_count(leaf, 0, &result.a, &result.b, &result.c, &result.d) == 0) return {};
#endif
  return result;
}

// Which registers the operating system saves: without that, the wide instructions cannot be used.
uint64_t saved_state(bool available) {
  if (!available) return 0;
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
#endif
}

struct Features {
  CpuFeature list[9];
  Features() {
    const Leaf basic = cpuid(1), extended = cpuid(7);
    const auto bit = [](uint32_t word, unsigned index) { return (word >> index & 1) != 0; };
    const uint64_t state = saved_state(bit(basic.c, 27));
    const bool ymm = (state & 0x6) == 0x6, zmm = ymm && (state & 0xe0) == 0xe0;
    const CpuFeature found[] = {
        {"AES-NI", bit(basic.c, 25)},        {"PCLMULQDQ", bit(basic.c, 1)},
        {"SHA-NI", bit(extended.b, 29)},     {"AVX", ymm && bit(basic.c, 28)},
        {"AVX2", ymm && bit(extended.b, 5)}, {"AVX512F", zmm && bit(extended.b, 16)},
        {"VAES", ymm && bit(extended.c, 9)}, {"VPCLMULQDQ", ymm && bit(extended.c, 10)},
        {"ADX", bit(extended.b, 19)},
    };
    for (size_t i = 0; i < std::size(found); ++i) list[i] = found[i];
  }
};

#elif defined(TINYMLS_ARM64)

#if defined(__APPLE__)
bool feature(const char* name) {
  int present = 0;
  size_t size = sizeof present;
  return sysctlbyname(name, &present, &size, nullptr, 0) == 0 && present != 0;
}
#endif

struct Features {
  CpuFeature list[4] = {{"AES", false}, {"PMULL", false}, {"SHA2", false}, {"SHA512", false}};
  Features() {
#if defined(__linux__)
    const unsigned long bits = getauxval(AT_HWCAP);  // arch/arm64/include/uapi/asm/hwcap.h
    const unsigned positions[] = {3, 4, 6, 21};
    for (size_t i = 0; i < 4; ++i) list[i].present = (bits >> positions[i] & 1) != 0;
#elif defined(__APPLE__)
    const char* const names[] = {"hw.optional.arm.FEAT_AES", "hw.optional.arm.FEAT_PMULL",
                                 "hw.optional.arm.FEAT_SHA256", "hw.optional.arm.FEAT_SHA512"};
    for (size_t i = 0; i < 4; ++i) list[i].present = feature(names[i]);
#elif defined(_WIN32)
    const bool crypto = IsProcessorFeaturePresent(PF_ARM_V8_CRYPTO_INSTRUCTIONS_AVAILABLE) != 0;
    for (size_t i = 0; i < 3; ++i) list[i].present = crypto;
#endif
  }
};

#endif

}  // namespace

std::span<const CpuFeature> cpu_features() {
#if defined(TINYMLS_X64) || defined(TINYMLS_ARM64)
  static const Features features;
  return features.list;
#else
  return {};
#endif
}

}  // namespace tinymls::bind
