#include "cache.hpp"

#include <unistd.h>

#include <stdexcept>
#include <string>

namespace splinecode {
namespace {

std::int64_t told(int level) {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    constexpr int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    return sysconf(names[level - 1]);
#else
    static_cast<void>(level);
    return 0;
#endif
}

}  // namespace

std::int64_t cache_bytes(int level) {
    if (level < 1 || level > 3) {
        throw std::invalid_argument("level is " + std::to_string(level) + "; wanted 1, 2 or 3");
    }
    constexpr std::int64_t usual[] = {32 << 10, 512 << 10, 8 << 20};
    const std::int64_t bytes = told(level);
    return bytes > 0 ? bytes : usual[level - 1];
}

}  // namespace splinecode
