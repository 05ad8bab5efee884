#define SPLINECODE_LEVEL avx2
#include "bytes_avx2.hpp"
#include "lanes_avx2.hpp"
#include "table_body.hpp"

namespace splinecode {

const Kernels avx2_kernels = avx2::table;

}  // namespace splinecode
