// The device-independent part of the kernels that go row by row over codes: runs on every machine.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "../../cuda/bit_counts.hpp"
#include "../../cuda/bit_squares.hpp"
#include "../../cuda/chunks.hpp"
#include "../../cuda/code_order.hpp"
#include "../../cuda/layer_units.hpp"
#include "../../cuda/piece_chunks.hpp"
#include "../../cuda/row_groups.hpp"
#include "../../cuda/row_lanes.hpp"
#include "check.hpp"

namespace {

namespace sc = splinecode;
using namespace splinecode::cuda;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The bits of a chunk against those of its elements one by one.
template <class Above>
void check_chunk(const Above& above, const std::vector<typename Above::Value>& values) {
    Chunk chunk;
    std::memcpy(&chunk, values.data(), sizeof(chunk));
    std::uint32_t wanted = 0;
    bool nan = false;
    for (std::size_t i = 0; i < values.size(); ++i) {
        wanted |= std::uint32_t{above.is_above(values[i])} << i;
        nan = nan || above.is_nan(values[i]);
    }
    const ChunkBits bits = bits_of(above, chunk);
    CHECK_EQ(bits.above, wanted);
    CHECK_EQ(bits.nan, nan);
}

sc::StridedRows rows_of(const void* data, sc::ElementType type, std::int64_t rows,
                        std::int64_t columns, std::int64_t pitch) {
    sc::StridedRows z;
    z.data = data;
    z.type = type;
    z.leading = 1;
    z.shape[0] = z.rows = rows;
    z.stride[0] = pitch;
    z.columns = columns;
    return z;
}

}  // namespace

TEST(cuda_chunks_of_floats) {
    const double nan = std::nan("");
    check_chunk(FloatAbove<double>{0.0}, {1.0, -1.0});
    check_chunk(FloatAbove<double>{0.0}, {-0.0, nan});
    check_chunk(FloatAbove<float>{0.5f}, {0.5f, 0.75f, HUGE_VALF, -HUGE_VALF});
    check_chunk(FloatAbove<float>{-HUGE_VALF}, {0.0f, std::nanf(""), -HUGE_VALF, 1e-40f});
}

TEST(cuda_chunks_of_halves_at_every_bit_pattern) {
    for (const sc::ElementType type : {sc::ElementType::float16, sc::ElementType::bfloat16}) {
        const std::uint16_t infinity = sc::infinity_bits(type);
        for (const double threshold : {0.0, 1.0, -1.0, 1e-7, -1e-7, HUGE_VAL, -HUGE_VAL}) {
            const HalfAbove above{sc::ordered_key(sc::half_bits(threshold, type)), infinity};
            for (std::uint32_t first = 0; first < 1u << 16; first += 8) {
                std::vector<std::uint16_t> values(8);
                for (std::uint32_t i = 0; i < 8; ++i) {  // far apart, so that pairs differ
                    values[i] = static_cast<std::uint16_t>(first + i * 0x2003);
                }
                check_chunk(above, values);
            }
        }
    }
}

TEST(cuda_chunks_of_booleans) {
    for (int value = 0; value < 256; ++value) {
        for (std::size_t place = 0; place < 16; ++place) {
            for (const auto others : std::vector<std::uint8_t>{0, 1, 255}) {
                std::vector<std::uint8_t> values(16, others);
                values[place] = static_cast<std::uint8_t>(value);
                check_chunk(BooleanAbove{}, values);
            }
        }
    }
}

TEST(cuda_rounds_fill_whole_words) {
    static_assert(ChunkRounds<double>::joined == 8 && ChunkRounds<double>::words == 8);
    static_assert(ChunkRounds<float>::joined == 8 && ChunkRounds<float>::words == 16);
    static_assert(ChunkRounds<std::uint16_t>::joined == 4 &&
                  ChunkRounds<std::uint16_t>::words == 32);
    static_assert(ChunkRounds<std::uint8_t>::joined == 2 && ChunkRounds<std::uint8_t>::words == 64);
}

TEST(cuda_rows_by_chunks_are_aligned) {
    alignas(16) const float data[8] = {};
    const auto chunks = [&](const float* from, std::int64_t columns, std::int64_t pitch) {
        return rows_are_chunks(rows_of(from, sc::ElementType::float32, 2, columns, pitch));
    };
    CHECK(chunks(data, 3, 4) && chunks(data, 3, 0) && chunks(data + 4, 3, -4));
    CHECK(!chunks(data + 1, 3, 4) && !chunks(data, 3, 3));
    sc::StridedRows z = rows_of(data, sc::ElementType::float32, 1, 3, 3);
    CHECK(rows_are_chunks(z));  // its one row's pitch does not matter
    z.column_stride = 2;
    CHECK(!rows_are_chunks(z));
}

TEST(cuda_rows_without_gaps_are_one_long_row) {
    const auto joined = [](std::int64_t columns, std::int64_t pitch) {
        return as_long_rows(rows_of(nullptr, sc::ElementType::float32, 5, columns, pitch));
    };
    CHECK_EQ(joined(128, 128).rows, 1);
    CHECK_EQ(joined(128, 128).columns, 640);
    CHECK_EQ(joined(128, 128).row_offset(0), 0);
    CHECK_EQ(joined(100, 100).rows, 5);  // its words do not end where its rows do
    CHECK_EQ(joined(128, 132).rows, 5);
    CHECK_EQ(joined(128, 0).rows, 5);
}

TEST(cuda_lanes_of_a_row) {
    CHECK_EQ(lanes_for(0), 1);
    CHECK_EQ(lanes_for(4), 1);
    CHECK_EQ(lanes_for(5), 2);
    CHECK_EQ(lanes_for(16), 4);
    CHECK_EQ(lanes_for(65), 32);
    CHECK_EQ(lanes_for(1 << 24), 32);
}

TEST(cuda_rows_are_found_in_their_groups) {
    const std::int64_t offsets[] = {0, 0, 3, 3, 3, 4, 9, 9};
    const std::int64_t group_of_row[] = {1, 1, 1, 4, 5, 5, 5, 5, 5};
    for (std::int64_t row = 0; row < 9; ++row) {
        CHECK_EQ(group_of(offsets, 7, row), group_of_row[row]);
    }
    CHECK_EQ(group_after(offsets, 7, 1, 3), 4);
    CHECK_EQ(group_after(offsets, 7, 4, 4), 5);
    CHECK(in_one_chunk(0, 16, 16) && in_one_chunk(17, 18, 16) && !in_one_chunk(15, 17, 16));
}

TEST(cuda_chunks_of_rows_fill_a_gpu) {
    CHECK_EQ(chunk_rows_for(0, 5), 16);
    CHECK_EQ(chunk_rows_for(100, 0), 16);
    CHECK_EQ(chunk_rows_for(1 << 20, 16), 64);
    CHECK_EQ(chunk_rows_for(std::int64_t{1} << 40, 1 << 20), 1024);
}

TEST(cuda_bits_are_counted_by_place) {
    std::mt19937_64 random(5);
    for (const int rounds : {1, 2, BitCounts::most / BitCounts::batch}) {
        BitCounts counts;
        std::array<std::uint32_t, 64> wanted{};
        for (int round = 0; round < rounds; ++round) {
            std::uint64_t words[BitCounts::batch];
            for (std::uint64_t& word : words) {
                word = random() | random() | 1;  // bit 0 always: the greatest count
                for (std::size_t bit = 0; bit < 64; ++bit) {
                    wanted[bit] += static_cast<std::uint32_t>(word >> bit & 1);
                }
            }
            counts.add(words);
        }
        for (int bit = 0; bit < 64; ++bit) {
            CHECK_EQ(counts.of(bit), wanted[static_cast<std::size_t>(bit)]);
        }
    }
}

TEST(cuda_lanes_transpose_bits) {
    std::mt19937 random(6);
    std::vector<std::uint32_t> rows(32);
    std::generate(rows.begin(), rows.end(), std::ref(random));
    std::vector<std::uint32_t> lanes = rows;
    for (int half = 16; half > 0; half /= 2) {
        const std::vector<std::uint32_t> before = lanes;
        for (int lane = 0; lane < 32; ++lane) {
            lanes[index(lane)] =
                SquareSwap::of(lane, half).apply(before[index(lane)], before[index(lane ^ half)]);
        }
    }
    for (std::size_t i = 0; i < 32; ++i) {
        for (std::size_t j = 0; j < 32; ++j) {
            CHECK_EQ(lanes[i] >> j & 1, rows[j] >> i & 1);
        }
    }
}

TEST(cuda_units_of_words) {
    std::vector<std::int64_t> layers{3, 0, 130, 64};
    layers.resize(100, 65);
    layers.push_back(0);
    std::int64_t word = 0;
    std::int64_t unit = 0;
    std::int64_t calls = 0;
    std::vector<WordUnits> found;
    for_each_layers(layers, [&](std::int64_t first_word, const LayerUnits& some) {
        CHECK_EQ(first_word, static_cast<std::int64_t>(found.size()));
        for (std::int64_t w = 0; w < some.words; ++w) {
            found.push_back(some.of_word(w));
        }
        ++calls;
    });
    CHECK_EQ(calls, 2);
    for (const std::int64_t bits : layers) {
        for (std::int64_t bit = 0; bit < bits; bit += 64) {
            CHECK_EQ(found.at(index(word)).first, unit + bit);
            CHECK_EQ(found.at(index(word)).count, std::min<std::int64_t>(64, bits - bit));
            ++word;
        }
        unit += bits;
    }
    CHECK_EQ(static_cast<std::int64_t>(found.size()), word);
    CHECK_EQ(units_of_layers(layers, word, "test"), unit);
    CHECK_THROWS(units_of_layers(layers, word + 1, "test"), std::invalid_argument);
    CHECK_THROWS(units_of_layers({-1}, 0, "test"), std::invalid_argument);
    CHECK_THROWS(units_of_layers({std::numeric_limits<std::int64_t>::max(), 1}, 2, "test"),
                 std::invalid_argument);
}

TEST(cuda_pieces_are_in_one_chunk_each) {
    for (const std::vector<std::int64_t>& sizes : {std::vector<std::int64_t>{1},
                                                   {128},
                                                   {129, 1, 127},
                                                   {1, 1, 1, 300, 1},
                                                   {1000, 128, 256, 3}}) {
        std::vector<std::int64_t> knot_offsets{0};
        for (const std::int64_t pieces : sizes) {
            knot_offsets.push_back(knot_offsets.back() + pieces + 1);
        }
        const auto segments = static_cast<std::int64_t>(sizes.size());
        const std::int64_t pieces = knot_offsets.back() - segments;
        const PieceChunks chunks{
            {segments, nullptr, nullptr, nullptr, knot_offsets.data(), nullptr}};
        std::vector<std::int64_t> found(index(segments), 0);
        for (std::int64_t slot = 0; slot < PieceChunks::slots(pieces, segments); ++slot) {
            const PieceChunks::Chunk chunk = chunks.at(slot);
            if (chunk.begin < chunk.end) {
                CHECK_EQ(chunk.begin, found.at(index(chunk.segment)));
                CHECK(chunk.end - chunk.begin <= PieceChunks::most);
                found.at(index(chunk.segment)) = chunk.end;
            }
        }
        CHECK(found == sizes);
    }
}

TEST(cuda_codes_are_ordered_by_words_then_rows) {
    const std::uint64_t words[] = {~std::uint64_t{0}, 1, 5, 2, 5, 1, 5, 2, 0, 9};
    const sc::CodeRows codes{words, 5, 2, 2};
    const auto before = [&](std::int64_t a, std::int64_t b) {
        return comes_before(codes, {*codes.row(a), a}, {*codes.row(b), b});
    };
    std::vector<std::int64_t> order(5);
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::sort(order.begin(), order.end(), before);
    CHECK(order == std::vector<std::int64_t>({4, 2, 1, 3, 0}));
    CHECK(!before(1, 1));
    const std::uint64_t between[] = {5, 2};
    const std::uint64_t least[] = {0, 0};
    const std::uint64_t greatest[] = {~std::uint64_t{0}, 2};
    CHECK_EQ(first_not_before(codes, order.data(), between), 2);
    CHECK_EQ(first_not_before(codes, order.data(), least), 0);
    CHECK_EQ(first_not_before(codes, order.data(), greatest), 5);
    const sc::CodeRows no_words{words, 3, 0, 0};
    CHECK(comes_before(no_words, {0, 1}, {0, 2}) && !comes_before(no_words, {0, 2}, {0, 1}));
}
