#pragma once

#include <cstddef>
#include <cstdint>

#include "code_rows.hpp"
#include "cuda.hpp"

/// The nearest rows by a matrix of all distances and a radix select: for many neighbours, of which
/// no block can keep lists.
namespace splinecode::cuda {

/// Bytes of the matrix of some queries.
std::size_t matrix_bytes(std::int64_t queries, std::int64_t rows);

/// As top_k, in a workspace of matrix_bytes(queries.rows, database.rows). Query i does not get row
/// first_self + i, if that is not negative. The stream's device must be current.
void top_k_by_matrix(const CodeRows& queries, const CodeRows& database, std::int64_t k,
                     std::int64_t first_self, std::int32_t* distances, std::int64_t* indices,
                     void* workspace, Stream stream);

}  // namespace splinecode::cuda
