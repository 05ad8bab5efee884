// The AVX-512 kernels' code on any x86 processor: SIMDe stands in for the instructions. It proves
// the logic, not the compiled instructions, which only a processor with AVX-512 can run.

#include <algorithm>
#include <bit>
#include <limits>
#include <random>

#include "check.hpp"
#include "kernels/kernels.hpp"
#include "levels.hpp"
#include "lookup.hpp"

using splinecode::avx512_kernels;
using splinecode::Kernels;
using splinecode::scalar_kernels;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

template <class T>
std::vector<T> random_values(std::size_t n, std::mt19937& random) {
    const T specials[] = {0, -T(0), T(infinity), -T(infinity), T(1), T(-1), T(0.5)};
    std::vector<T> values(n);
    for (T& value : values) {
        value = random() % 2 ? specials[random() % 7] : static_cast<T>(random() % 9) - T(4);
    }
    return values;
}

template <class Pack>
void same_words(std::size_t n, const Pack& pack) {
    const std::size_t words = (n + 63) / 64;
    std::vector<std::uint64_t> ours(words, 1);
    std::vector<std::uint64_t> wanted(words, 2);
    CHECK_EQ(pack(avx512_kernels, ours.data()) != 0, pack(scalar_kernels, wanted.data()) != 0);
    CHECK(ours == wanted);
}

/// Tables of two codes, and distances of nibbles::group rows to both, the second code's after the
/// first one's: twice the steps' totals, as they are written and then added.
std::vector<std::uint16_t> nibble_distances(const Kernels& kernel, const std::uint64_t* codes,
                                            const std::uint64_t* rows, std::size_t words) {
    const splinecode::nibbles::Layout layout{kernel.lookup_vector_bytes / 8};
    const std::size_t steps = layout.steps(words);
    std::vector<std::uint8_t> tables(steps * layout.table_bytes());
    for (std::size_t nibble = 0; nibble < 16 * words; ++nibble) {
        const auto place = layout.place(nibble / 16, words);
        const std::size_t at = (place.step + nibble % 16) * layout.table_bytes() + 16 * place.lane;
        const auto of = [&](const std::uint64_t* code) {
            return code[nibble / 16] >> (4 * (nibble % 16)) & 15;
        };
        for (std::size_t p = 0; p < 16; ++p) {
            tables[at + p] = static_cast<std::uint8_t>(std::popcount(p ^ of(codes)) +
                                                       16 * std::popcount(p ^ of(codes + words)));
        }
    }
    std::vector<std::uint8_t> turned(steps * layout.row_bytes());
    kernel.turn_nibbles(rows, static_cast<std::ptrdiff_t>(words), words, turned.data());
    constexpr std::size_t group = splinecode::nibbles::group;
    std::vector<std::uint16_t> distances(2 * group, 7);
    for (std::size_t step = 0; step < 2 * steps;) {
        const std::size_t from = step % steps;
        const std::size_t n = std::min(steps - from, splinecode::nibbles::most_steps);
        kernel.add_nibbles(tables.data() + from * layout.table_bytes(),
                           turned.data() + from * layout.row_bytes(), n, step > 0, distances.data(),
                           distances.data() + group);
        step += n;
    }
    return distances;
}

}  // namespace

TEST(avx512_packs_as_the_scalar_level_does) {
    std::mt19937 random(1);
    for (std::size_t n = 1; n < 300; ++n) {
        auto wide = random_values<double>(n, random);
        auto single = random_values<float>(n, random);
        std::vector<std::uint16_t> half(n);
        std::vector<std::uint8_t> bits(n);
        for (std::size_t j = 0; j < n; ++j) {
            half[j] = static_cast<std::uint16_t>(random());
            bits[j] = random() % 2;
        }
        if (n % 5 == 0) {
            wide[n / 2] = single[n - 1] = std::numeric_limits<float>::quiet_NaN();
        }
        using splinecode::Kernels;
        same_words(n, [&](const Kernels& k, std::uint64_t* words) {
            return k.pack_float64(wide.data(), n, 0.5, words);
        });
        same_words(n, [&](const Kernels& k, std::uint64_t* words) {
            return k.pack_float32(single.data(), n, -0.0f, words);
        });
        same_words(n, [&](const Kernels& k, std::uint64_t* words) {
            return k.pack_half(half.data(), n, -7, n % 2 ? 0x7c00 : 0x7f80, words);
        });
        same_words(n, [&](const Kernels& k, std::uint64_t* words) {
            k.pack_bool(bits.data(), n, words);
            return 0;
        });
    }
}

TEST(avx512_counts_as_the_scalar_level_does) {
    for (std::size_t words = 0; words < 70; ++words) {
        const auto x = random_words(3 * words, words);
        const auto y = random_words(7 * words, words + 100);
        std::vector<std::int32_t> ours(21, -1);
        std::vector<std::int32_t> wanted(21, -2);
        const auto stride = static_cast<std::ptrdiff_t>(words);
        avx512_kernels.hamming_tile(x.data(), 3, stride, y.data(), 7, stride, words, ours.data(),
                                    7);
        scalar_kernels.hamming_tile(x.data(), 3, stride, y.data(), 7, stride, words, wanted.data(),
                                    7);
        CHECK(ours == wanted);
        avx512_kernels.hamming_tile(x.data(), 1, stride, y.data(), 7, stride, words, ours.data(),
                                    7);
        CHECK(ours == wanted);
        CHECK_EQ(avx512_kernels.hamming_distance(x.data(), y.data(), words), wanted[0]);
        for (const std::int32_t bound : {-1, wanted[3], 64 * 70}) {
            CHECK_EQ(avx512_kernels.find_at_most(wanted.data(), 1, 21, bound),
                     scalar_kernels.find_at_most(wanted.data(), 1, 21, bound));
        }
    }
}

TEST(avx512_shuffles_as_the_scalar_level_does) {
    for (std::size_t words = 1; words < 36; ++words) {
        const auto codes = random_words(2 * words, words);
        const auto rows = random_words(64 * words, words + 100);
        const auto ours = nibble_distances(avx512_kernels, codes.data(), rows.data(), words);
        CHECK(ours == nibble_distances(scalar_kernels, codes.data(), rows.data(), words));
        for (std::size_t i = 0; i < 64; ++i) {
            const auto* const row = rows.data() + i * words;
            CHECK_EQ(ours[64 + i],
                     2 * scalar_kernels.hamming_distance(codes.data() + words, row, words));
        }
        for (const std::uint16_t limit : std::vector<std::uint16_t>{0, 1, 700, 2000}) {
            CHECK_EQ(avx512_kernels.find_below(ours.data(), 3, 128, limit),
                     scalar_kernels.find_below(ours.data(), 3, 128, limit));
        }
    }
}

TEST(avx512_reduces_as_the_scalar_level_does) {
    for (std::size_t words = 0; words < 70; ++words) {
        const auto x = random_words(20 * words, words);
        const auto y = random_words(words, words + 100);
        const auto stride = static_cast<std::ptrdiff_t>(words);
        for (const std::uint64_t* mask : {static_cast<const std::uint64_t*>(nullptr), y.data()}) {
            const splinecode::PairRows rows{x.data(), stride, y.data(), 0, mask, 0};
            std::vector<std::int32_t> ours(40, 7);
            std::vector<std::int32_t> wanted(40, 7);
            avx512_kernels.hamming_pairs(rows, 20, words, ours.data(), 2);
            scalar_kernels.hamming_pairs(rows, 20, words, wanted.data(), 2);
            CHECK(ours == wanted);
        }
        auto ours = y;
        auto wanted = y;
        avx512_kernels.or_differences(x.data(), 19, stride, y.data(), words, ours.data());
        scalar_kernels.or_differences(x.data(), 19, stride, y.data(), words, wanted.data());
        CHECK(ours == wanted);
        avx512_kernels.and_differences(x.data(), 2, stride, y.data(), words, ours.data());
        scalar_kernels.and_differences(x.data(), 2, stride, y.data(), words, wanted.data());
        CHECK(ours == wanted);
        std::vector<std::int64_t> our_counts(64 * words, 3);
        std::vector<std::int64_t> wanted_counts(64 * words, 3);
        avx512_kernels.column_counts(x.data(), 19, stride, words, our_counts.data());
        scalar_kernels.column_counts(x.data(), 19, stride, words, wanted_counts.data());
        CHECK(our_counts == wanted_counts);
    }
    auto ours = random_words(64 * 8, 1);
    auto wanted = ours;
    avx512_kernels.transpose_eight(ours.data());
    scalar_kernels.transpose_eight(wanted.data());
    CHECK(ours == wanted);
}

TEST(avx512_sweeps_as_the_scalar_level_does) {
    std::mt19937 random(2);
    for (std::size_t n = 1; n < 200; ++n) {
        auto z = random_values<double>(n, random);
        const auto right = random_values<double>(n, random);
        std::vector<double> tolerance(n);
        for (double& limit : tolerance) {
            limit = static_cast<double>(random() % 3);
        }
        const std::size_t words = (n + 63) / 64;
        std::vector<std::uint64_t> ours(2 * words);
        std::vector<std::uint64_t> wanted(2 * words, 1);
        avx512_kernels.classify(z.data(), tolerance.data(), n, ours.data(), ours.data() + words);
        scalar_kernels.classify(z.data(), tolerance.data(), n, wanted.data(),
                                wanted.data() + words);
        CHECK(ours == wanted);
        for (double& value : z) {
            value = value > 9 ? 9 : value < -9 ? -9 : value / 3;
        }
        double ours_size[2] = {};
        double wanted_size[2] = {};
        avx512_kernels.row_size(z.data(), n, ours_size, ours_size + 1);
        scalar_kernels.row_size(z.data(), n, wanted_size, wanted_size + 1);
        CHECK_EQ(ours_size[0], wanted_size[0]);
        CHECK_EQ(ours_size[1], wanted_size[1]);
    }
}

TEST(avx512_probes_do_their_work) {
    const auto words = random_words(192, 3);
    std::uint64_t wanted = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        wanted += static_cast<std::uint64_t>(__builtin_popcountll(words[i] ^ words[i % 8]));
    }
    CHECK_EQ(avx512_kernels.probe_popcount(words.data(), words.size(), 3), 3 * wanted);
    const std::vector<std::uint64_t> digits(64, 0x0007060504030201);
    CHECK_EQ(avx512_kernels.probe_shuffle(digits.data(), 8), 0);
    CHECK(avx512_kernels.probe_shuffle(digits.data(), 3) > 0);
    CHECK_EQ(avx512_kernels.probe_read(std::vector<std::uint64_t>(128, 0).data(), 128, 1), 0);
}

namespace {

/// Distances of `queries` queries to `rows` rows over a chunk's bits, by a level's tables, settled
/// once for the first of `triples` alone and once for all of them, and added.
std::vector<std::uint16_t> looked_up(const splinecode::Kernels& k,
                                     const std::vector<std::uint64_t>& queries,
                                     const std::vector<std::uint64_t>& rows, std::size_t triples) {
    namespace lookup = splinecode::lookup;
    struct alignas(64) Line {
        std::uint8_t bytes[64];
    };
    std::vector<std::uint64_t> columns(2 * lookup::chunk_bits);
    for (std::size_t q = 0; q < queries.size(); ++q) {
        const auto place = splinecode::lookup_place(q, k.lookup_vector_bytes);
        for (std::size_t bit = 0; bit < lookup::chunk_bits; ++bit) {
            columns[2 * bit + place.nibble] |= (queries[q] >> bit & 1) << place.byte;
        }
    }
    std::vector<Line> tables(lookup::chunk_bytes / 64);
    std::vector<Line> running(rows.size() * lookup::running_bytes / 64);
    std::vector<Line> distances(rows.size() * lookup::block * 2 / 64);
    k.build_tables(columns.data(), lookup::chunk_groups, queries.size(), tables.front().bytes);
    splinecode::LookupChunk chunk{tables.front().bytes,
                                  rows.data(),
                                  rows.size(),
                                  queries.size(),
                                  lookup::chunk_triples,
                                  true,
                                  false,
                                  false,
                                  running.front().bytes,
                                  reinterpret_cast<std::uint16_t*>(distances.front().bytes)};
    k.add_lookups(chunk);  // starts sums
    chunk.first = false;
    k.add_lookups(chunk);  // goes on
    chunk.last = true;
    chunk.triples = triples;
    k.add_lookups(chunk);  // settles
    chunk.first = chunk.add = true;
    k.add_lookups(chunk);  // adds
    std::vector<std::uint16_t> out;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const std::uint16_t* const from = chunk.distances + row * lookup::block;
        out.insert(out.end(), from, from + queries.size());
    }
    return out;
}

}  // namespace

TEST(avx512_looks_distances_up_as_the_scalar_level_does) {
    for (const std::size_t queries : {1u, 31u, 64u, 65u, 127u, 128u}) {
        for (const std::size_t triples : {1u, 2u, 3u, 4u}) {
            auto asked = random_words(queries, queries);
            const auto rows = random_words(40, triples);
            asked[0] = ~rows[0];
            const auto ours = looked_up(avx512_kernels, asked, rows, triples);
            CHECK(ours == looked_up(scalar_kernels, asked, rows, triples));
            CHECK_EQ(ours[0], 2 * 60 + 2 * 15 * triples);
        }
    }
}

TEST(avx512_finds_what_is_below_a_limit_as_the_scalar_level_does) {
    constexpr std::size_t block = splinecode::lookup::block;
    constexpr std::size_t rows = 50;
    std::mt19937 random(5);
    for (const std::size_t queries : {1u, 33u, 128u}) {
        std::vector<std::uint16_t> distances(rows * block), rest(9 * block), cluster(rows),
            own(rows);
        for (std::uint16_t& d : distances) d = static_cast<std::uint16_t>(random() % 40'000);
        for (std::uint16_t& d : rest) d = static_cast<std::uint16_t>(random() % 20'000);
        for (std::uint16_t& d : own) d = static_cast<std::uint16_t>(random() % 20'000);
        for (std::uint16_t& c : cluster) c = static_cast<std::uint16_t>(random() % 9);
        std::vector<std::uint16_t> limits(block);
        for (std::size_t q = 0; q < queries; ++q) limits[q] = q % 3 ? 300 : 0;
        limits[0] = 3000;
        const splinecode::BoundedTile tile{distances.data(), rows,           queries,
                                           rest.data(),      cluster.data(), own.data()};
        for (std::size_t begin = 0; begin < rows; ++begin) {
            std::uint64_t a[2] = {}, b[2] = {};
            CHECK_EQ(
                avx512_kernels.next_below(distances.data(), begin, rows, limits.data(), queries, a),
                scalar_kernels.next_below(distances.data(), begin, rows, limits.data(), queries,
                                          b));
            CHECK(a[0] == b[0] && a[1] == b[1]);
            CHECK_EQ(avx512_kernels.next_bounded(tile, begin, limits.data(), a),
                     scalar_kernels.next_bounded(tile, begin, limits.data(), b));
            CHECK(a[0] == b[0] && a[1] == b[1]);
        }
        std::vector<std::uint16_t> ours(block), wanted(block);
        avx512_kernels.count_below(distances.data(), rows, limits.data(), queries, ours.data());
        scalar_kernels.count_below(distances.data(), rows, limits.data(), queries, wanted.data());
        CHECK(std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(queries),
                         wanted.begin()));
    }
}
