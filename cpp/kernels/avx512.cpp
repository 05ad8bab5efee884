#define SPLINECODE_LEVEL avx512
#include "bytes_avx512.hpp"
#include "lanes_avx512.hpp"
#include "table_body.hpp"

namespace splinecode {

const Kernels avx512_kernels = avx512::table;

}  // namespace splinecode
