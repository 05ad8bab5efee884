// Where the codes and sums of a tile lie, how scans are cut up, and how keys are searched: the
// device-independent part of the scans in cuda/.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "../../cuda/carry_save.hpp"
#include "../../cuda/nearest_key.hpp"
#include "../../cuda/tile_shape.hpp"
#include "check.hpp"

namespace {

using namespace splinecode::cuda;

template <int QueryTiles, int RowTiles>
void check_fragment() {
    using Shape = Fragment<QueryTiles, RowTiles>;
    typename Shape::Sums sums{};
    std::vector<int> covered(static_cast<std::size_t>(Shape::warp_queries * Shape::rows));
    std::set<std::int32_t*> places;
    for (int lane = 0; lane < warp_lanes; ++lane) {
        for (int slot = 0; slot < Shape::slots; ++slot) {
            for (int column = 0; column < Shape::columns; ++column) {
                ++covered.at(static_cast<std::size_t>(Shape::query(lane, slot) * Shape::rows +
                                                      Shape::row(lane, column)));
                places.insert(&Shape::at(sums, slot, column));
            }
        }
    }
    CHECK(std::all_of(covered.begin(), covered.end(), [](int n) { return n == 1; }));
    CHECK_EQ(places.size(), static_cast<std::size_t>(Shape::slots * Shape::columns));
}

}  // namespace

TEST(cuda_pieces_have_places_of_their_own_in_different_banks) {
    for (int first = 0; first < 16; first += 8) {
        for (int piece = 0; piece < chunk_pieces; ++piece) {
            std::set<int> banks;  // groups of four
            for (int line = first; line < first + 8; ++line) {
                banks.insert(piece_offset(line, piece) / piece_bytes % chunk_pieces);
            }
            CHECK_EQ(banks.size(), 8u);
        }
    }
    std::set<int> offsets;
    for (int line = 0; line < 64; ++line) {
        for (int piece = 0; piece < chunk_pieces; ++piece) {
            CHECK_EQ(piece_offset(line, piece) / chunk_bytes, line);
            offsets.insert(piece_offset(line, piece));
        }
    }
    CHECK_EQ(offsets.size(), 64u * chunk_pieces);
}

TEST(cuda_chunks_hold_every_word) {
    for (std::int64_t words = 0; words <= 70; ++words) {
        const Chunks chunks{words};
        CHECK_EQ(chunks.count(), std::max<std::int64_t>(1, (words + 15) / 16));
        std::int64_t bytes = 0;
        CHECK_EQ(chunks.steps(), words <= 4 ? 1 : words <= 8 ? 2 : 4);
        CHECK_EQ(1 << chunks.pieces_log2(), 2 * chunks.steps());
        for (int chunk = 0; chunk < chunks.count(); ++chunk) {
            for (int piece = 0; piece < chunk_pieces; ++piece) {
                const int valid = chunks.valid_bytes(chunk, piece);
                CHECK(valid == 0 || valid == 8 || valid == 16);
                CHECK(valid == 0 || piece < 2 * chunks.steps());
                bytes += valid;
            }
        }
        CHECK_EQ(bytes, 8 * words);
    }
}

TEST(cuda_fragments_cover_a_tile) {
    check_fragment<2, 8>();
    check_fragment<1, 16>();
}

TEST(cuda_units_cover_every_pair_once) {
    for (const std::int64_t n_queries : {1, 127, 128, 129, 400}) {
        for (const std::int64_t n_rows : {1, 63, 64, 65, 1000}) {
            for (const std::int64_t splits : {1, 2, 3, 7, 40}) {
                const Units units{n_queries, n_rows, 128, 64, splits};
                std::int64_t pairs = 0;
                std::set<std::pair<std::int64_t, std::int64_t>> seen;
                for (std::int64_t i = 0; i < units.count(); ++i) {
                    const Units::Unit unit = units.at(i);
                    CHECK(unit.first_query < n_queries && unit.first_query % 128 == 0);
                    CHECK(unit.begin_row <= unit.end_row && unit.end_row <= n_rows);
                    CHECK(unit.split >= 0 && unit.split < splits);
                    CHECK(unit.begin_row == unit.end_row || unit.begin_row % 64 == 0);
                    CHECK(seen.emplace(unit.first_query, unit.split).second);
                    pairs += std::min<std::int64_t>(128, n_queries - unit.first_query) *
                             (unit.end_row - unit.begin_row);
                }
                CHECK_EQ(pairs, n_queries * n_rows);
            }
        }
    }
    const Units huge{std::int64_t{1} << 33, std::int64_t{1} << 33, 128, 64, 5};
    CHECK_EQ(huge.at(huge.count() - 1).end_row, std::int64_t{1} << 33);
}

TEST(cuda_splits_are_balanced) {
    CHECK_EQ(balanced_splits(1, 264, 10'000), 251);  // 95% of a wave
    CHECK_EQ(balanced_splits(264, 264, 100), 1);
    CHECK_EQ(balanced_splits(79, 264, 100), 10);  // 790 units, three waves of 264
    CHECK_EQ(balanced_splits(300, 264, 1), 1);
    CHECK_EQ(balanced_splits(100'000, 264, 100), 1);
    CHECK_EQ(balanced_splits(1, 264, 5), 5);
}

TEST(cuda_carries_and_ones_add_up) {
    std::mt19937 random(1);
    for (int round = 0; round < 50; ++round) {
        std::uint32_t ones = 0;
        int carries = 0;
        int wanted = 0;
        for (int i = 0; i < 2 * round; ++i) {
            const auto x = static_cast<std::uint32_t>(random());
            const auto y = static_cast<std::uint32_t>(random() | random());
            wanted += std::popcount(x) + std::popcount(y);
            carries += std::popcount(add_to_ones(ones, x, y));
        }
        CHECK_EQ(2 * carries + std::popcount(ones), wanted);
    }
}

TEST(cuda_keys_are_ordered_as_neighbours) {
    constexpr std::int64_t last = most_indexed_rows - 1;
    CHECK(nearest_key(0, last) < nearest_key(1, 0));
    CHECK(nearest_key(7, 3) < nearest_key(7, 4));
    CHECK(nearest_key((1 << 30) - 1, last) < no_key || nearest_key((1 << 30) - 1, last) == no_key);
    CHECK(nearest_key(1 << 29, last) < no_key);
    CHECK_EQ(key_distance(nearest_key(123456, last)), 123456);
    CHECK_EQ(key_index(nearest_key(123456, last)), last);
}

TEST(cuda_key_search_finds_every_rank) {
    std::mt19937_64 random(2);
    for (const int bits : {1, 3, 20, 63, 64}) {
        std::set<std::uint64_t> distinct;
        for (int i = 0; i < 60; ++i) {
            distinct.insert(random() >> (64 - bits));
        }
        const std::vector<std::uint64_t> keys(distinct.begin(), distinct.end());
        std::uint64_t differing = 0;
        for (const std::uint64_t key : keys) {
            differing |= key ^ keys.back();
        }
        for (std::size_t rank = 1; rank <= keys.size(); ++rank) {
            KeySearch search =
                KeySearch::of(keys.back(), differing, static_cast<std::int64_t>(rank));
            while (!search.done()) {
                search.narrow(std::count_if(keys.begin(), keys.end(),
                                            [&](std::uint64_t key) { return search.is_low(key); }));
            }
            CHECK_EQ(search.prefix, keys[rank - 1]);
            CHECK_EQ(search.rank, 1);
        }
    }
}
