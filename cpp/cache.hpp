#pragma once

#include <cstdint>

namespace splinecode {

/// Bytes of the data cache of a level (1 to 3) as the system tells them: what a core has of levels
/// 1 and 2, all that is shared of level 3. Where the system does not tell: 32 KiB, 512 KiB, 8 MiB.
/// Throws std::invalid_argument for another level.
std::int64_t cache_bytes(int level);

}  // namespace splinecode
