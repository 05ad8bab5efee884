#include "nibbles.hpp"

#include <array>
#include <bit>

namespace splinecode {
namespace {

constexpr std::int64_t group = nibbles::group;

using Table = std::array<std::uint8_t, nibbles::patterns>;

/// Entry p of table n: in how many bits the nibbles p and n differ.
constexpr std::array<Table, nibbles::patterns> differences = [] {
    std::array<Table, nibbles::patterns> tables{};
    for (std::size_t n = 0; n < nibbles::patterns; ++n) {
        for (std::size_t p = 0; p < nibbles::patterns; ++p) {
            tables[n][p] = static_cast<std::uint8_t>(std::popcount(n ^ p));
        }
    }
    return tables;
}();

nibbles::Layout layout() { return {kernels().lookup_vector_bytes / 8}; }

}  // namespace

NibbleBlock::NibbleBlock(const CodeRows& queries, std::int64_t begin, std::int64_t end)
    : layout_(layout()),
      queries_(static_cast<std::size_t>(end - begin)),
      words_(queries.words),
      pair_bytes_(layout_.steps(static_cast<std::size_t>(words_)) * layout_.table_bytes()),
      tables_((queries_ + 1) / 2 * pair_bytes_) {
    for (std::size_t q = 0; q < queries_; ++q) {
        add_query(queries.row(begin + static_cast<std::int64_t>(q)), q % 2,
                  tables_.data() + q / 2 * pair_bytes_);
    }
}

void NibbleBlock::add_query(const std::uint64_t* code, std::size_t nibble,
                            std::uint8_t* tables) const {
    const auto words = static_cast<std::size_t>(words_);
    for (std::size_t word = 0; word < words; ++word) {
        const auto place = layout_.place(word, words);
        std::uint8_t* to =
            tables + place.step * layout_.table_bytes() + place.lane * nibbles::patterns;
        for (std::size_t i = 0; i < nibbles::steps_per_word; ++i, to += layout_.table_bytes()) {
            const Table& table = differences[code[word] >> (4 * i) & 15];
            for (std::size_t p = 0; p < nibbles::patterns; ++p) {
                to[p] = static_cast<std::uint8_t>(to[p] + (table[p] << (4 * nibble)));
            }
        }
    }
}

NibbleTile::NibbleTile()
    : turned_(layout_.steps(static_cast<std::size_t>(words_together)) * layout_.row_bytes()) {}

/// The rows of a group from `row` on, from a copy filled up with zeros if there are too few.
const std::uint64_t* NibbleTile::group_rows(const CodeRows& codes, std::int64_t row,
                                            std::int64_t end, std::ptrdiff_t& stride) {
    stride = codes.stride;
    if (row + group <= end) {
        return codes.row(row);
    }
    stride = codes.words;
    padded_.assign(static_cast<std::size_t>(group * codes.words), 0);
    for (std::int64_t i = 0; row + i < end; ++i) {
        std::copy_n(codes.row(row + i), codes.words, padded_.data() + i * codes.words);
    }
    return padded_.data();
}

/// A group of rows to fetch: none of rows so short and close that the processor does so by itself.
NibbleTile::Ahead NibbleTile::ahead_of(const CodeRows& codes, std::int64_t row) {
    constexpr std::int64_t short_words = 8;
    const std::int64_t begin = std::min(row, codes.rows);
    return {codes, begin, codes.stride > short_words ? std::min(codes.rows, row + group) : begin};
}

void NibbleTile::Ahead::fetch(std::int64_t count) {
    constexpr std::int64_t line_words = 8;
    for (const std::int64_t stop = std::min(end, row + count); row < stop; ++row) {
        for (std::int64_t word = 0; word < codes.words; word += line_words) {
            __builtin_prefetch(codes.row(row) + word);
        }
    }
}

/// The distances of the turned group within words_together words, or what is left, from `word` on.
void NibbleTile::add_words(const NibbleBlock& block, std::int64_t word, Ahead ahead,
                           std::uint16_t* distances) {
    const auto words = static_cast<std::size_t>(std::min(words_together, block.words() - word));
    const std::size_t first = layout_.steps(static_cast<std::size_t>(word));
    const std::size_t steps = layout_.steps(words);
    const std::size_t chunks = (steps + nibbles::most_steps - 1) / nibbles::most_steps;
    const auto calls = static_cast<std::int64_t>(chunks * ((block.queries() + 1) / 2));
    const std::int64_t rows_ahead = (ahead.end - ahead.row + calls - 1) / calls;
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
        const std::size_t begin = steps * chunk / chunks;
        const std::size_t end = steps * (chunk + 1) / chunks;
        for (std::size_t q = 0; q < block.queries(); q += 2) {
            ahead.fetch(rows_ahead);
            std::uint16_t* const to = distances + q * rows;
            kernel_.add_nibbles(block.tables(q / 2, first + begin),
                                turned_.data() + begin * layout_.row_bytes(), end - begin,
                                word > 0 || chunk > 0, to, to + rows);
        }
    }
}

const std::uint16_t* NibbleTile::distances(const NibbleBlock& block, const CodeRows& codes,
                                           std::int64_t begin, std::int64_t end) {
    // The last of an odd number of queries has a partner without tables.
    distances_.resize((block.queries() + 1) / 2 * 2 * rows);
    if (block.words() == 0) {
        std::fill(distances_.begin(), distances_.end(), std::uint16_t{0});
    }
    const auto part = [&](std::int64_t word) {
        return codes.columns(word, std::min(block.words(), word + words_together));
    };
    for (std::int64_t row = begin; row < end; row += group) {
        for (std::int64_t word = 0; word < block.words(); word += words_together) {
            const CodeRows now = part(word);
            std::ptrdiff_t stride = 0;
            const std::uint64_t* const from = group_rows(now, row, end, stride);
            kernel_.turn_nibbles(from, stride, static_cast<std::size_t>(now.words), turned_.data());
            const bool more = word + words_together < block.words();  // of these rows
            const CodeRows next = part(more ? word + words_together : 0);
            add_words(block, word, ahead_of(next, more ? row : row + group),
                      distances_.data() + (row - begin));
        }
    }
    return distances_.data();
}

FewQueries::FewQueries(const CodeRows& queries, std::int64_t begin, std::int64_t end) {
    for (const WordRange& part : lookup_parts(queries.words)) {
        parts_.emplace_back(queries.columns(part.begin, part.end), begin, end);
    }
}

void FewQueries::add_parts(NibbleTile& tile, const CodeRows& rows, std::int64_t begin,
                           std::int64_t end, std::vector<std::int32_t>& sums) const {
    sums.assign(parts_.front().queries() * NibbleTile::rows, 0);
    std::int64_t word = 0;
    for (const NibbleBlock& part : parts_) {
        const CodeRows slice = rows.columns(word, word + part.words());
        const std::uint16_t* const distances = tile.distances(part, slice, begin, end);
        for (std::size_t i = 0; i < sums.size(); ++i) {
            sums[i] += distances[i];
        }
        word += part.words();
    }
}

}  // namespace splinecode
