#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "code_rows.hpp"
#include "groups.hpp"
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

/// As splinecode::unpack, with words and bits on the stream's device.
void unpack(const std::uint64_t* words, std::int64_t rows, std::int64_t row_stride,
            std::int64_t n_bits, std::uint8_t* bits, Stream stream);

/// As splinecode::hamming_paired; `layers` is host memory and may be reused on return.
void hamming_paired(const CodeRows& a, const CodeRows& b, const CodeRows* mask,
                    const std::vector<WordRange>& layers, std::int32_t* out, Stream stream);

/// As splinecode::reduce_differences; `offsets` is a device int64 array of groups + 1 entries that
/// do not fall, from 0 to rows.rows: the caller's word for it, since nothing here reads them.
void reduce_differences(const CodeRows& rows, const std::int64_t* offsets, std::int64_t groups,
                        const CodeRows* reference, Flipped flipped, std::uint64_t* out,
                        Stream stream);

/// As splinecode::column_counts and splinecode::transpose_bits; `layer_bits` is host memory.
void column_counts(const CodeRows& rows, const std::vector<std::int64_t>& layer_bits,
                   std::int64_t* out, Stream stream);
void transpose_bits(const CodeRows& rows, const std::vector<std::int64_t>& layer_bits,
                    std::uint64_t* out, Stream stream);

/// Bytes of device workspace that `argsort` needs: the first word of each row.
std::size_t argsort_workspace_bytes(std::int64_t rows);

/// As splinecode::argsort: the stable lexicographic order of the codes.
/// O(n log^2 n) comparisons, of which few go beyond the first word where first words differ.
void argsort(const CodeRows& codes, std::int64_t* order, void* workspace,
             std::size_t workspace_bytes, Stream stream);

/// starts[i] = 1 where row order[i] differs from row order[i - 1], and at 0; else 0. O(n * words).
void mark_distinct(const CodeRows& codes, const std::int64_t* order, std::uint8_t* starts,
                   Stream stream);

/// As splinecode::match, given the order of b that `argsort` found.
/// O(a.rows * log(b.rows)) comparisons.
void match(const CodeRows& a, const CodeRows& b, const std::int64_t* order_b, std::int64_t* found,
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
