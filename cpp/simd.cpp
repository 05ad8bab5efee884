#include "simd.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace splinecode {
namespace {

std::vector<const Kernels*> detect() {
    std::vector<const Kernels*> levels{&scalar_kernels};
#if defined(SPLINECODE_X86)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
        __builtin_cpu_supports("fma")) {
        levels.push_back(&avx2_kernels);
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512vpopcntdq")) {
            levels.push_back(&avx512_kernels);
        }
    }
#endif
#if defined(SPLINECODE_NEON)
    levels.push_back(&neon_kernels);
#endif
    return levels;
}

const std::vector<const Kernels*>& available() {
    static const std::vector<const Kernels*> levels = detect();
    return levels;
}

const Kernels* find(const std::string& level, const char* asked_by) {
    std::string names;
    for (const Kernels* candidate : available()) {
        if (level == candidate->name) {
            return candidate;
        }
        names += (names.empty() ? "" : ", ") + std::string(candidate->name);
    }
    throw std::invalid_argument(
        std::string(asked_by) + " is '" + level +
        "', which this processor or build does not offer; available: " + names);
}

const Kernels* from_environment() {
    const char* asked = std::getenv("SPLINECODE_SIMD");
    return asked && *asked ? find(asked, "SPLINECODE_SIMD") : available().back();
}

std::atomic<const Kernels*> chosen{nullptr};

}  // namespace

std::vector<std::string> available_simd() {
    std::vector<std::string> names;
    for (const Kernels* level : available()) {
        names.emplace_back(level->name);
    }
    return names;
}

const Kernels& kernels() {
    if (const Kernels* level = chosen.load(std::memory_order_acquire)) {
        return *level;
    }
    static const Kernels* const initial = from_environment();
    return *initial;
}

void set_simd(const std::string& level) {
    chosen.store(level.empty() ? nullptr : find(level, "simd level"), std::memory_order_release);
}

}  // namespace splinecode
