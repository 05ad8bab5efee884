#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "strided.hpp"

/// The GPU side of the kernels: the names and answers of cpp/, plus a stream. This header needs no
/// CUDA toolkit, so the bindings include it whether or not the GPU part is built.
///
/// Every function queues work on the caller's stream, allocates nothing and does not synchronise.
/// Device memory is the caller's. Errors throw std::runtime_error with the CUDA runtime's text.
namespace splinecode::cuda {

/// A CUDA stream of the caller: `handle` is a cudaStream_t as an integer (0 is the legacy default).
struct Stream {
    int device = 0;
    std::uintptr_t handle = 0;
};

/// Devices the driver offers; 0 where there is none. Never throws.
int device_count() noexcept;

/// One line for `splinecode info`: the devices found, or why there is none.
std::string status();

/// As splinecode::pack, with z and words on the stream's device. `first_nan` is a device int64 that
/// the caller has set to INT64_MAX; it receives the least flat index of a NaN. May be null.
void pack(const StridedRows& z, double threshold, std::uint64_t* words, std::int64_t* first_nan,
          Stream stream);

/// Bytes of device workspace that `top_k` needs at least (one query) and at most uses to good
/// effect (all queries) are workspace_bytes(1, rows) and workspace_bytes(queries, rows).
std::size_t top_k_workspace_bytes(std::int64_t queries, std::int64_t rows);

/// As splinecode::top_k: the k nearest rows of each query by (distance, index), all arrays on the
/// stream's device and contiguous. Queries are taken in batches that fit in `workspace`.
void top_k(const std::uint64_t* queries, std::int64_t n_queries, const std::uint64_t* database,
           std::int64_t n_rows, std::int64_t words, std::int64_t k, bool exclude_self,
           std::int32_t* distances, std::int64_t* indices, void* workspace,
           std::size_t workspace_bytes, Stream stream);

}  // namespace splinecode::cuda
