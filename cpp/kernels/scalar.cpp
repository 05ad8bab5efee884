#define SPLINECODE_LEVEL scalar
#include "bytes_scalar.hpp"
#include "lanes_scalar.hpp"
#include "table_body.hpp"

namespace splinecode {

const Kernels scalar_kernels = scalar::table;

}  // namespace splinecode
