#include "slices/pieces.hpp"

#include <algorithm>

#include "slices/mesh.hpp"

namespace splinecode::slices {
namespace {

constexpr std::int64_t rows_a_block = 256;
constexpr std::int64_t units_a_chunk = 256;
constexpr double value_ns = 0.5;

/// Units [begin, begin + n) of a row.
void apply_to(const double* z, std::int64_t n, std::int64_t units, const PieceRows& pieces,
              std::int64_t begin, double* to) {
    for (std::int64_t u = 0; u < n; ++u) {
        to[u] = pieces.slopes[begin + u] * z[u] + pieces.intercepts[begin + u];
    }
    for (std::int64_t i = 0; i < pieces.count; ++i) {
        const double* const threshold = pieces.thresholds + i * units + begin;
        const double* const slope = pieces.slopes + (i + 1) * units + begin;
        const double* const intercept = pieces.intercepts + (i + 1) * units + begin;
        for (std::int64_t u = 0; u < n; ++u) {
            const double above = slope[u] * z[u] + intercept[u];
            to[u] = z[u] > threshold[u] ? above : to[u];
        }
    }
}

}  // namespace

void apply_pieces(const double* values, std::int64_t rows, std::int64_t units,
                  const PieceRows& pieces, double* out, const Interrupt& interrupt) {
    const std::int64_t blocks = (rows + rows_a_block - 1) / rows_a_block;
    const auto apply = [&](std::int64_t block) {
        const std::int64_t end = std::min(rows, (block + 1) * rows_a_block);
        for (std::int64_t row = block * rows_a_block; row < end; ++row) {
            const double* const from = values + row * units;
            double* const to = out + row * units;
            double z[units_a_chunk];
            for (std::int64_t begin = 0; begin < units; begin += units_a_chunk) {
                const std::int64_t n = std::min(units_a_chunk, units - begin);
                std::copy_n(from + begin, n, z);
                apply_to(z, n, units, pieces, begin, to + begin);
            }
        }
    };
    parallel_for(blocks, value_ns * static_cast<double>(rows * units * pieces.count), apply,
                 interrupt);
}

}  // namespace splinecode::slices
