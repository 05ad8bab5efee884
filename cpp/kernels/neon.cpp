#define SPLINECODE_LEVEL neon
#include "bytes_neon.hpp"
#include "lanes_neon.hpp"
#include "table_body.hpp"

namespace splinecode {

const Kernels neon_kernels = neon::table;

}  // namespace splinecode
