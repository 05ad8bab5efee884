#include <algorithm>
#include <type_traits>

#include "hamming.hpp"
#include "scan.hpp"

namespace splinecode {
namespace {

/// Four rows of four 16-bit numbers, a row a word, as four columns.
void transpose4(const std::uint64_t (&rows)[4], std::uint64_t (&columns)[4]) {
    constexpr std::uint64_t low16 = 0x0000ffff0000ffffu;
    constexpr std::uint64_t low32 = 0x00000000ffffffffu;
    const std::uint64_t a = (rows[0] & low16) | (rows[1] & low16) << 16;
    const std::uint64_t b = (rows[0] >> 16 & low16) | (rows[1] & ~low16);
    const std::uint64_t c = (rows[2] & low16) | (rows[3] & low16) << 16;
    const std::uint64_t d = (rows[2] >> 16 & low16) | (rows[3] & ~low16);
    columns[0] = (a & low32) | c << 32;
    columns[1] = (b & low32) | d << 32;
    columns[2] = a >> 32 | (c & ~low32);
    columns[3] = b >> 32 | (d & ~low32);
}

/// Writes rows of a tile as columns, to out + query * stride. A few rows at a time pass through a
/// buffer that stays in the first cache.
template <class Out>
void write_transposed(const DistanceTile<std::uint16_t>& tile, std::size_t rows, Out* out,
                      std::int64_t stride) {
    constexpr std::size_t together = 32;
    alignas(64) std::uint16_t turned[lookup::block][together];
    for (std::size_t first = 0; first < rows; first += together) {
        const std::size_t n = std::min(together, rows - first);
        for (std::size_t row = 0; row < n; row += 4) {
            for (std::size_t query = 0; query < tile.queries; query += 4) {
                std::uint64_t from[4] = {};
                std::uint64_t to[4];
                for (std::size_t i = 0; i < std::min<std::size_t>(4, n - row); ++i) {
                    std::copy_n(tile.row(first + row + i) + query, 4,
                                reinterpret_cast<std::uint16_t*>(&from[i]));
                }
                transpose4(from, to);
                for (std::size_t i = 0; i < 4; ++i) {
                    std::copy_n(reinterpret_cast<const std::uint16_t*>(&to[i]), 4,
                                turned[query + i] + row);
                }
            }
        }
        for (std::size_t query = 0; query < tile.queries; ++query) {
            std::copy_n(
                turned[query], n,
                out + static_cast<std::int64_t>(query) * stride + static_cast<std::int64_t>(first));
        }
    }
}

template <class Out>
void write_transposed(const DistanceTile<std::int32_t>& tile, std::size_t rows, Out* out,
                      std::int64_t stride) {
    for (std::size_t query = 0; query < tile.queries; ++query) {
        for (std::size_t row = 0; row < rows; ++row) {
            out[static_cast<std::int64_t>(query) * stride + static_cast<std::int64_t>(row)] =
                static_cast<Out>(tile.row(row)[query]);
        }
    }
}

/// The tiles of a task with too few queries for tables.
template <class Visit>
void for_each_narrow_tile(const CodeRows& x, const CodeRows& y, const SearchTask& task, Route route,
                          const Visit& visit) {
    std::vector<std::int32_t> tile;
    for_each_query_tile(
        y, x, task, route,
        [&](std::int64_t query, std::int64_t first, const auto* distances, std::int64_t rows) {
            const auto n = static_cast<std::size_t>(rows);
            tile.resize(n * lookup::block);
            const auto q = static_cast<std::size_t>(query - task.query_begin);
            for (std::size_t i = 0; i < n; ++i) {
                tile[i * lookup::block + q] = distances[i];
            }
            if (query + 1 == task.query_end) {
                visit(DistanceTile<std::int32_t>{tile.data(), first, n, q + 1});
            }
        });
}

/// Calls visit(task, tile) for tiles of the columns of y against the rows of x: a row of a tile is
/// a run of a row of the matrix. With `upper`, rows beyond the last column of a task are left out.
template <class Visit>
void for_each_matrix_tile(const CodeRows& x, const CodeRows& y, bool upper, const Visit& visit,
                          const Interrupt& interrupt) {
    const SearchPlan plan(y.rows, x.rows, x.words);
    const auto run = [&](SearchTask task) {
        task.row_end = upper ? std::min(task.row_end, task.query_end) : task.row_end;
        if (task.row_begin >= task.row_end) {
            return;
        }
        const auto with_task = [&](const auto& tile) { visit(task, tile); };
        const Route route = route_of(task.query_end - task.query_begin, x.words);
        if (route != Route::tables) {
            for_each_narrow_tile(x, y, task, route, with_task);
        } else {
            const WideBlock block(y, task.query_begin, task.query_end);
            block.for_each_tile(x, task.row_begin, task.row_end, with_task);
        }
    };
    for (std::int64_t group = 0; group < plan.groups(); ++group) {
        plan.for_each_task(group, run, interrupt);
    }
}

std::int64_t row_of(const auto& tile, std::size_t i) {
    return tile.first_row + static_cast<std::int64_t>(i);
}

}  // namespace

template <class Out>
void hamming_matrix(const CodeRows& x, const CodeRows& y, Out* out, const Interrupt& interrupt) {
    for_each_matrix_tile(
        x, y, false,
        [&](const SearchTask& task, const auto& tile) {
            for (std::size_t i = 0; i < tile.rows; ++i) {
                std::copy_n(tile.row(i), tile.queries,
                            out + row_of(tile, i) * y.rows + task.query_begin);
            }
        },
        interrupt);
}

template <class Out>
void hamming_matrix_symmetric(const CodeRows& x, Out* out, const Interrupt& interrupt) {
    for_each_matrix_tile(
        x, x, true,
        [&](const SearchTask& task, const auto& tile) {
            for (std::size_t i = 0; i < tile.rows; ++i) {
                std::copy_n(tile.row(i), tile.queries,
                            out + row_of(tile, i) * x.rows + task.query_begin);
            }
            // Rows of the task's own columns were written on both sides of the diagonal.
            const std::int64_t mirrored = std::clamp<std::int64_t>(
                task.query_begin - tile.first_row, 0, static_cast<std::int64_t>(tile.rows));
            write_transposed(tile, static_cast<std::size_t>(mirrored),
                             out + task.query_begin * x.rows + tile.first_row, x.rows);
        },
        interrupt);
}

template <class Out>
void hamming_condensed(const CodeRows& x, Out* out, const Interrupt& interrupt) {
    for_each_matrix_tile(
        x, x, true,
        [&](const SearchTask& task, const auto& tile) {
            for (std::size_t i = 0; i < tile.rows; ++i) {
                const std::int64_t row = row_of(tile, i);
                const std::int64_t begin = std::max(row + 1, task.query_begin);
                const std::int64_t start = row * x.rows - row * (row + 1) / 2;
                std::copy_n(tile.row(i) + (begin - task.query_begin),
                            std::max<std::int64_t>(0, task.query_end - begin),
                            out + start + begin - row - 1);
            }
        },
        interrupt);
}

template void hamming_matrix(const CodeRows&, const CodeRows&, std::int32_t*, const Interrupt&);
template void hamming_matrix(const CodeRows&, const CodeRows&, std::uint16_t*, const Interrupt&);
template void hamming_matrix_symmetric(const CodeRows&, std::int32_t*, const Interrupt&);
template void hamming_matrix_symmetric(const CodeRows&, std::uint16_t*, const Interrupt&);
template void hamming_condensed(const CodeRows&, std::int32_t*, const Interrupt&);
template void hamming_condensed(const CodeRows&, std::uint16_t*, const Interrupt&);

}  // namespace splinecode
