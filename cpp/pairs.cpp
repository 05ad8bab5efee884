#include "pairs.hpp"

#include <algorithm>

#include "simd.hpp"

namespace splinecode {
namespace {

/// Rows are handed out in blocks that read about this many bytes.
constexpr std::int64_t block_bytes = 1 << 20;
constexpr double ns_per_byte = 0.03;

}  // namespace

void hamming_paired(const CodeRows& a, const CodeRows& b, const CodeRows* mask,
                    const std::vector<WordRange>& layers, std::int32_t* out,
                    const Interrupt& interrupt) {
    const auto n_layers = static_cast<std::int64_t>(layers.size());
    const std::int64_t row_bytes = std::max<std::int64_t>(8, 16 * a.words);
    const std::int64_t block_rows = std::max<std::int64_t>(1, block_bytes / row_bytes);
    const Kernels& kernel = kernels();
    const auto run = [&](std::int64_t block) {
        const std::int64_t begin = block * block_rows;
        const std::int64_t end = std::min(a.rows, begin + block_rows);
        // Row by row where layers are many, so that a block is read in order.
        const std::int64_t step = n_layers > 1 ? 1 : end - begin;
        for (std::int64_t i = begin; i < end; i += step) {
            for (std::int64_t l = 0; l < n_layers; ++l) {
                const WordRange range = layers[static_cast<std::size_t>(l)];
                const PairRows rows{a.row(i) + range.begin,
                                    a.stride,
                                    b.row(i) + range.begin,
                                    b.stride,
                                    mask ? mask->row(i) + range.begin : nullptr,
                                    mask ? mask->stride : 0};
                kernel.hamming_pairs(rows, static_cast<std::size_t>(step),
                                     static_cast<std::size_t>(range.end - range.begin),
                                     out + i * n_layers + l, static_cast<std::size_t>(n_layers));
            }
        }
    };
    const double work = static_cast<double>(a.rows) * static_cast<double>(row_bytes) * ns_per_byte;
    parallel_for((a.rows + block_rows - 1) / block_rows, work, run, interrupt);
}

}  // namespace splinecode
