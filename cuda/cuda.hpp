#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "code_rows.hpp"
#include "groups.hpp"
#include "parallel.hpp"
#include "piece_codes.hpp"
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

/// As splinecode::piece_codes, of `pieces` pieces in all, with everything on the stream's device.
void piece_codes(const CodeRows& first, const PieceFlips& flips, std::int64_t pieces,
                 std::uint64_t* words, Stream stream);

/// As splinecode::flip_bits, with everything on the stream's device.
void flip_bits(const std::int64_t* row, const std::int64_t* place, std::int64_t n,
               std::int64_t row_words, std::uint64_t* words, Stream stream);

// ------------------------------------------------------------------ distances of all pairs

/// Ways to compute distances (routes.hpp): those of a device, none if it is missing; the one that
/// is forced ("auto": none), and forcing one for the whole process, as the environment's
/// SPLINECODE_CUDA_ROUTE does. They never change an answer. Throws std::invalid_argument for an
/// unknown name.
std::vector<std::string> routes(int device);
std::string route();
void set_route(const std::string& name);

/// Bit products (and, count, add) a second of the tensor cores: what b1 and wgmma can reach at
/// most. Runs for about `seconds` and waits for it. Throws std::invalid_argument for a device
/// without.
double probe_b1(double seconds, int device);

/// As splinecode::hamming_matrix; Out is int32_t or uint16_t. Rows of out are `pitch` entries
/// apart, y.rows if 0.
template <class Out>
void hamming_matrix(const CodeRows& x, const CodeRows& y, Out* out, Stream stream,
                    std::int64_t pitch = 0);
template <class Out>
void hamming_matrix_symmetric(const CodeRows& x, Out* out, Stream stream);
template <class Out>
void hamming_condensed(const CodeRows& x, Out* out, Stream stream);

/// As splinecode::count_within.
void count_within(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                  bool exclude_self, std::int64_t* counts, Stream stream);

/// The lists that count_within counted: those of query i are [offsets[i], offsets[i + 1]), each
/// ordered by (distance, index). `cursors` is room for a number a query.
void fill_within(const CodeRows& queries, const CodeRows& database, std::int32_t radius,
                 bool exclude_self, const std::int64_t* offsets, std::int32_t* distances,
                 std::int64_t* indices, std::int64_t* cursors, Stream stream);

/// Bytes of device workspace that `top_k` needs at least for one query, and at most uses to good
/// effect for all of them.
std::size_t top_k_workspace_bytes(std::int64_t queries, std::int64_t rows, std::int64_t k);

/// As splinecode::top_k, on the stream's device. Queries are taken in batches that fit in
/// `workspace`.
void top_k(const CodeRows& queries, const CodeRows& database, std::int64_t k, bool exclude_self,
           std::int32_t* distances, std::int64_t* indices, void* workspace,
           std::size_t workspace_bytes, Stream stream);

/// As top_k of a database in host memory, of which one part is copied while another is searched
/// if it is pinned; k is at most 512. Rows come through two buffers of `rows_at_once` codes each,
/// which lie one behind the other; a workspace of top_k_workspace_bytes(queries, rows_at_once, k)
/// serves all queries in one pass over the database. From pageable memory every copy is waited
/// for. Returns before the last parts are searched: until the stream has come there, the database
/// must stay as it is.
void top_k_streamed(const CodeRows& queries, const CodeRows& database, std::int64_t k,
                    bool exclude_self, std::int32_t* distances, std::int64_t* indices,
                    void* workspace, std::size_t workspace_bytes, std::uint64_t* buffers,
                    std::int64_t rows_at_once, Stream stream, const Interrupt& interrupt);

}  // namespace splinecode::cuda
