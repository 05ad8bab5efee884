#include "units.hpp"

#include <algorithm>
#include <mutex>

#include "codes.hpp"
#include "simd.hpp"

namespace splinecode {
namespace {

constexpr double ns_per_byte = 0.05;
/// Words of a row that are transposed together, and blocks of 64 rows: whole cache lines each way.
constexpr std::int64_t tile_words = 8;
constexpr std::int64_t tile_blocks = 8;
/// Rows that a task counts: enough that writing out the counts costs little, and no more than the
/// kernel can count.
constexpr std::int64_t least_count_rows = 248 * 8;
constexpr std::int64_t most_count_rows = 248 * 264;
constexpr std::int64_t count_task_bytes = 32 << 20;
/// Narrow codes are counted as if several were one of about this many words.
constexpr std::int64_t joined_words = 32;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The units whose bits a word holds.
struct WordUnits {
    std::int64_t first;
    std::int64_t count;
};

std::vector<WordUnits> units_of_words(const std::vector<std::int64_t>& layer_bits) {
    std::vector<WordUnits> words;
    std::int64_t unit = 0;
    for (const std::int64_t bits : layer_bits) {
        for (std::int64_t bit = 0; bit < bits; bit += word_bits) {
            words.push_back({unit + bit, std::min(word_bits, bits - bit)});
        }
        unit += bits;
    }
    return words;
}

/// Narrow codes without gaps, several to a row: the counts of word w are those of words w,
/// w + rows.words, ... of the result, and of the last rows, which fill none.
std::int64_t codes_per_wide_row(const CodeRows& rows) {
    const bool joined = rows.stride == rows.words && rows.words > 0;
    return joined ? std::max<std::int64_t>(1, joined_words / rows.words) : 1;
}

/// Adds the counts of every bit of every word, pad bits too, to out[64 * word + bit].
void add_bit_counts(const CodeRows& rows, std::int64_t* out, const Interrupt& interrupt) {
    const std::int64_t by_threads = ceil_div(rows.rows, 4 * threads());
    const std::int64_t by_bytes = count_task_bytes / (8 * rows.words);
    const std::int64_t task_rows =
        std::clamp(std::min(by_threads, by_bytes), least_count_rows, most_count_rows);
    std::mutex mutex;
    const auto run = [&](std::int64_t task) {
        const std::int64_t row = task * task_rows;
        std::vector<std::int64_t> counts(static_cast<std::size_t>(word_bits * rows.words));
        kernels().column_counts(rows.row(row),
                                static_cast<std::size_t>(std::min(task_rows, rows.rows - row)),
                                rows.stride, static_cast<std::size_t>(rows.words), counts.data());
        // Sums of integers do not depend on the order of the tasks.
        const std::lock_guard lock(mutex);
        for (std::size_t i = 0; i < counts.size(); ++i) {
            out[i] += counts[i];
        }
    };
    const double bytes = 8.0 * static_cast<double>(rows.rows) * static_cast<double>(rows.words);
    parallel_for(ceil_div(rows.rows, task_rows), bytes * ns_per_byte, run, interrupt);
}

/// Transposes up to 512 rows of up to eight words. The words are first gathered into eight blocks
/// of 64 rows side by side for each, so that lines are read once and results written whole lines.
void transpose_tile(const CodeRows& rows, std::int64_t first_row, std::int64_t first_word,
                    const std::vector<WordUnits>& units, std::uint64_t* out) {
    // A little apart, so that the eight words of a row go to places of the cache of their own.
    constexpr std::int64_t apart = word_bits * tile_blocks + 8;
    std::uint64_t tile[tile_words * apart];
    const std::int64_t n_words = std::min(tile_words, rows.words - first_word);
    const std::int64_t n_rows = std::min(tile_blocks * word_bits, rows.rows - first_row);
    std::fill(tile, tile + n_words * apart, 0);
    for (std::int64_t i = 0; i < n_rows; ++i) {
        const std::uint64_t* const row = rows.row(first_row + i) + first_word;
        std::uint64_t* const to = tile + i % word_bits * tile_blocks + i / word_bits;
        for (std::int64_t w = 0; w < n_words; ++w) {
            to[w * apart] = row[w];
        }
    }
    const std::int64_t out_words = words_for(rows.rows);
    for (std::int64_t w = 0; w < n_words; ++w) {
        const WordUnits here = units[static_cast<std::size_t>(first_word + w)];
        const std::uint64_t* const from = tile + w * apart;
        kernels().transpose_eight(tile + w * apart);
        std::uint64_t* const to = out + here.first * out_words + first_row / word_bits;
        for (std::int64_t j = 0; j < here.count; ++j) {
            std::copy_n(from + j * tile_blocks, words_for(n_rows), to + j * out_words);
        }
    }
}

}  // namespace

void column_counts(const CodeRows& rows, const std::vector<std::int64_t>& layer_bits,
                   std::int64_t* out, const Interrupt& interrupt) {
    const std::vector<WordUnits> units = units_of_words(layer_bits);
    const std::int64_t joined = codes_per_wide_row(rows);
    const std::int64_t wide_words = joined * rows.words;
    const CodeRows wide{rows.data, rows.rows / joined, wide_words, joined * rows.stride};
    std::vector<std::int64_t> counts(static_cast<std::size_t>(word_bits * wide_words));
    if (wide.rows > 0 && wide.words > 0) {
        add_bit_counts(wide, counts.data(), interrupt);
    }
    const std::int64_t left = rows.rows % joined;
    kernels().column_counts(rows.row(rows.rows - left), static_cast<std::size_t>(left), rows.stride,
                            static_cast<std::size_t>(rows.words), counts.data());
    for (std::int64_t w = 0; w < rows.words; ++w) {
        const WordUnits here = units[static_cast<std::size_t>(w)];
        for (std::int64_t j = 0; j < here.count; ++j) {
            std::int64_t sum = 0;
            for (std::int64_t code = 0; code < joined; ++code) {
                sum += counts[static_cast<std::size_t>((code * rows.words + w) * word_bits + j)];
            }
            out[here.first + j] = sum;
        }
    }
}

void transpose_bits(const CodeRows& rows, const std::vector<std::int64_t>& layer_bits,
                    std::uint64_t* out, const Interrupt& interrupt) {
    const std::vector<WordUnits> units = units_of_words(layer_bits);
    const std::int64_t across = ceil_div(rows.words, tile_words);
    const std::int64_t down = ceil_div(rows.rows, tile_blocks * word_bits);
    // Tiles of the same rows in turn, so that neighbouring words are read from open pages.
    const auto run = [&](std::int64_t tile) {
        transpose_tile(rows, tile / across * tile_blocks * word_bits, tile % across * tile_words,
                       units, out);
    };
    const double bytes = 8.0 * static_cast<double>(rows.rows) * static_cast<double>(rows.words);
    parallel_for(across * down, bytes * 4 * ns_per_byte, run, interrupt);
}

}  // namespace splinecode
