#define SPLINECODE_LEVEL neon
#include "lanes_neon.hpp"
#include "table_body.hpp"

namespace splinecode {

const Kernels neon_kernels = neon::table;

}  // namespace splinecode
