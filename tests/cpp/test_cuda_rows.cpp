// The kernels that go row by row over codes, on the emulator, against the CPU's functions.

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "code_rows.hpp"
#include "codes.hpp"
#include "cuda.hpp"
#include "cuda_tests.hpp"
#include "groups.hpp"
#include "pairs.hpp"
#include "sets.hpp"
#include "sorting.hpp"
#include "units.hpp"

namespace {

using namespace splinecode;

using Words = std::vector<std::uint64_t>;

enum class Style { random, first_words_tie, few, equal };

/// Codes in memory that ends with the last one: a stride of the width, larger, or 0 (a row for
/// all).
struct Drawn {
    Words memory;
    CodeRows rows;

    Drawn(Random& random, std::int64_t n, std::int64_t words, Style style = Style::random) {
        const std::int64_t stride =
            random.one_in(6) ? 0 : words + random.one_of<std::int64_t>({0, 0, 0, 1, 2, 3});
        const std::int64_t offset = random.one_of<std::int64_t>({0, 0, 1});
        memory.resize(index(offset + std::max<std::int64_t>(0, n - 1) * stride + words));
        for (std::size_t i = 0; i < memory.size(); ++i) {
            memory[i] = style == Style::random  ? random.word()
                        : style == Style::equal ? 5
                                                : random.word() % 2 << 63;
        }
        rows = {memory.data() + offset, n, words, stride};
        if (style == Style::first_words_tie && words > 0) {
            for (std::int64_t i = 0; i < n; ++i) {
                memory[index(offset + i * stride)] = ~std::uint64_t{0};
            }
        }
    }
    Drawn(const Drawn&) = delete;
    Drawn& operator=(const Drawn&) = delete;
};

std::string described(const char* what, const CodeRows& rows) {
    return std::string(what) + " of " + std::to_string(rows.rows) + " codes of " +
           std::to_string(rows.words) + " words, " + std::to_string(rows.stride) + " apart";
}

// ------------------------------------------------------------------ pack and unpack

template <class T>
T drawn_value(Random& random) {
    const double value = random.one_in(5)
                             ? random.one_of({0.0, -0.0, HUGE_VAL, -HUGE_VAL, 0.25, 1e-310})
                             : random.normal();
    return static_cast<T>(value);
}
template <>
std::uint16_t drawn_value(Random& random) {
    return static_cast<std::uint16_t>(random.word());  // any bits, NaNs too
}
template <>
std::uint8_t drawn_value(Random& random) {
    return static_cast<std::uint8_t>(random.one_of({0, 0, 1, 1, 2, 128, 255}));
}

/// Rows that can be read by 16 bytes, or nearly: `pitch` and `offset` are elements.
template <class T>
void check_pack_by_chunks(Random& random, ElementType type, T nan, std::int64_t nan_rate) {
    const FewerBlocks fewer(random);
    constexpr std::int64_t chunk = 16 / std::int64_t{sizeof(T)};
    const std::int64_t rows = random.from(1, 5);
    const std::int64_t columns =
        random.one_in(2)
            ? random.from(1, 2500)
            : random.one_of<std::int64_t>({64, 128, 512, 1024, 1088, 2048, 4160, 9000});
    const std::int64_t pitch =
        random.one_in(2) ? columns
                         : (columns + chunk - 1) / chunk * chunk + chunk * random.from(0, 1);
    const std::int64_t offset = random.one_in(4) ? 1 : 0;
    std::vector<T> values(index(offset + (rows - 1) * pitch + columns));
    for (T& value : values) {
        value = nan_rate > 0 && random.one_in(nan_rate) ? nan : drawn_value<T>(random);
    }
    StridedRows z;
    z.data = values.data() + offset;
    z.type = type;
    z.leading = 1;
    z.shape[0] = z.rows = rows;
    z.stride[0] = pitch;
    z.columns = columns;
    const double threshold = random.one_of({0.0, -0.0, 0.25, -HUGE_VAL, HUGE_VAL, -1e-9});
    const auto size = index(rows * words_for(columns));
    Words wanted(size), words(size, 0xdeadbeef);
    const std::int64_t wanted_nan = pack(z, threshold, wanted.data(), {});
    constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
    std::int64_t first_nan = none;
    const bool asks = !random.one_in(4);
    cuda::pack(z, threshold, words.data(), asks ? &first_nan : nullptr, {});
    const bool found = !asks || first_nan == (wanted_nan < 0 ? none : wanted_nan);
    check::report(words == wanted && found, __FILE__, __LINE__,
                  std::string("pack by chunks of ") + name_of(type) + ", " + std::to_string(rows) +
                      " x " + std::to_string(columns) + ", pitch " + std::to_string(pitch) +
                      ", threshold " + std::to_string(threshold));
}

void check_unpack(Random& random, std::int64_t n_bits) {
    const FewerBlocks fewer(random);
    const Drawn codes(random, random.from(1, 6), words_for(n_bits));
    const std::size_t offset = random.one_of<std::size_t>({0, 0, 1, 4});
    const auto size = index(codes.rows.rows * n_bits);
    std::vector<std::uint8_t> wanted(size), bits(size + offset, 7);
    unpack(codes.rows.data, codes.rows.rows, codes.rows.stride, n_bits, wanted.data(), {});
    cuda::unpack(codes.rows.data, codes.rows.rows, codes.rows.stride, n_bits, bits.data() + offset,
                 {});
    check::report(std::equal(wanted.begin(), wanted.end(),
                             bits.begin() + static_cast<std::ptrdiff_t>(offset)),
                  __FILE__, __LINE__,
                  described("unpack", codes.rows) + ", " + std::to_string(n_bits) + " bits");
}

// ------------------------------------------------------------------ pairs and groups

std::vector<WordRange> drawn_layers(Random& random, std::int64_t words, std::int64_t n) {
    std::vector<WordRange> layers;
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t begin = random.from(0, words);
        layers.push_back(
            {begin, random.from(begin, random.one_in(2) ? words : std::min(words, begin + 5))});
    }
    return layers;
}

void check_paired(Random& random, std::int64_t rows, std::int64_t words, std::int64_t n_layers) {
    const FewerBlocks fewer(random);
    const Drawn a(random, rows, words);
    const Drawn b(random, rows, words);
    const Drawn mask(random, rows, words);
    const CodeRows* const chosen = random.one_in(2) ? &mask.rows : nullptr;
    const std::vector<WordRange> layers =
        n_layers == 1 ? std::vector{WordRange{0, words}} : drawn_layers(random, words, n_layers);
    std::vector<std::int32_t> wanted(index(rows * n_layers)), out(index(rows * n_layers), -1);
    hamming_paired(a.rows, b.rows, chosen, layers, wanted.data(), {});
    cuda::hamming_paired(a.rows, b.rows, chosen, layers, out.data(), {});
    check::report(out == wanted, __FILE__, __LINE__,
                  described("hamming_paired", a.rows) + ", " + std::to_string(n_layers) +
                      " layers" + (chosen ? ", masked" : ""));
}

std::vector<std::int64_t> drawn_offsets(Random& random, std::int64_t rows) {
    std::vector<std::int64_t> offsets{0};
    const std::int64_t most = random.one_of<std::int64_t>({1, 2, 5, 40, 2000});
    while (offsets.back() < rows || random.one_in(3)) {
        const std::int64_t size = random.one_in(4) ? 0 : random.from(1, most);
        offsets.push_back(std::min(rows, offsets.back() + size));
    }
    if (offsets.size() == 1) {
        offsets.push_back(0);
    }
    return offsets;
}

void check_groups(Random& random, std::int64_t rows, std::int64_t words) {
    const FewerBlocks fewer(random);
    const Drawn codes(random, rows, words, random.one_of({Style::random, Style::few}));
    const std::vector<std::int64_t> offsets = drawn_offsets(random, rows);
    const auto groups = static_cast<std::int64_t>(offsets.size()) - 1;
    const Drawn reference(random, groups, words, Style::few);
    const CodeRows* const given = random.one_in(2) ? &reference.rows : nullptr;
    for (const Flipped flipped : {Flipped::any, Flipped::all}) {
        Words wanted(index(groups * words)), out(index(groups * words), 0xdeadbeef);
        reduce_differences(codes.rows, offsets, given, flipped, wanted.data(), {});
        cuda::reduce_differences(codes.rows, offsets.data(), groups, given, flipped, out.data(),
                                 {});
        check::report(out == wanted, __FILE__, __LINE__,
                      described("reduce_differences", codes.rows) + ", " + std::to_string(groups) +
                          " groups" + (given ? ", references given" : ""));
    }
}

// ------------------------------------------------------------------ units and sets

void check_units(Random& random, std::int64_t rows, const std::vector<std::int64_t>& layers) {
    const FewerBlocks fewer(random);
    std::int64_t words = 0;
    std::int64_t units = 0;
    for (const std::int64_t bits : layers) {
        words += words_for(bits);
        units += bits;
    }
    const Drawn codes(random, rows, words);
    std::vector<std::int64_t> wanted_counts(index(units)), counts(index(units), -1);
    column_counts(codes.rows, layers, wanted_counts.data(), {});
    cuda::column_counts(codes.rows, layers, counts.data(), {});
    check::report(
        counts == wanted_counts, __FILE__, __LINE__,
        described("column_counts", codes.rows) + ", " + std::to_string(layers.size()) + " layers");
    const auto size = index(units * words_for(rows));
    Words wanted(size), transposed(size, 0xdeadbeef);
    transpose_bits(codes.rows, layers, wanted.data(), {});
    cuda::transpose_bits(codes.rows, layers, transposed.data(), {});
    check::report(
        transposed == wanted, __FILE__, __LINE__,
        described("transpose_bits", codes.rows) + ", " + std::to_string(layers.size()) + " layers");
}

std::vector<std::int64_t> order_on_device(const CodeRows& codes) {
    std::vector<std::int64_t> order(index(codes.rows), -1);
    const std::size_t bytes = cuda::argsort_workspace_bytes(codes.rows);
    Words workspace(bytes / sizeof(std::uint64_t));
    cuda::argsort(codes, order.data(), workspace.data(), bytes, {});
    return order;
}

void check_sets(Random& random, std::int64_t rows, std::int64_t words, Style style) {
    const FewerBlocks fewer(random);
    const Drawn codes(random, rows, words, style);
    std::vector<std::int64_t> wanted(index(rows));
    argsort(codes.rows, wanted.data(), {});
    const std::vector<std::int64_t> order = order_on_device(codes.rows);
    check::report(order == wanted, __FILE__, __LINE__, described("argsort", codes.rows));

    std::vector<std::uint8_t> starts(index(rows), 7);
    cuda::mark_distinct(codes.rows, order.data(), starts.data(), {});
    bool good = true;
    for (std::int64_t i = 0; i < rows; ++i) {
        const std::uint64_t* const code = codes.rows.row(wanted[index(i)]);
        const bool differs =
            i == 0 || !std::equal(code, code + words, codes.rows.row(wanted[index(i - 1)]));
        good = good && starts[index(i)] == (differs ? 1 : 0);
    }
    check::report(good, __FILE__, __LINE__, described("mark_distinct", codes.rows));

    const Drawn queries(random, random.from(1, 40), words, style);
    const CodeRows some = codes.rows.rows > 1
                              ? CodeRows{codes.rows.data, rows / 2, words, codes.rows.stride}
                              : codes.rows;
    for (const CodeRows& a : {queries.rows, some}) {
        std::vector<std::int64_t> wanted_rows(index(a.rows)), found(index(a.rows), -7);
        match(a, codes.rows, wanted_rows.data(), {});
        cuda::match(a, codes.rows, order.data(), found.data(), {});
        check::report(found == wanted_rows, __FILE__, __LINE__, described("match in", codes.rows));
    }
}

Style drawn_style(Random& random) {
    return random.one_of({Style::random, Style::first_words_tie, Style::few, Style::equal});
}

}  // namespace

TEST(emulated_pack_by_chunks_agrees_with_the_cpu) {
    Random random(11);
    for (int round = 0; round < rounds(60); ++round) {
        const std::int64_t nans = random.one_in(2) ? 0 : random.one_of<std::int64_t>({2, 900});
        check_pack_by_chunks(random, ElementType::float64, std::nan(""), nans);
        check_pack_by_chunks(random, ElementType::float32, std::nanf(""), nans);
        check_pack_by_chunks<std::uint16_t>(random, ElementType::float16, 0xfe00, nans);
        check_pack_by_chunks<std::uint16_t>(random, ElementType::bfloat16, 0x7fc1, nans);
        check_pack_by_chunks<std::uint8_t>(random, ElementType::boolean, 1, 0);
    }
}

TEST(emulated_pack_of_all_halves) {
    std::vector<std::uint16_t> halves(1 << 16);
    std::iota(halves.begin(), halves.end(), std::uint16_t{0});
    StridedRows z;
    z.data = halves.data();
    z.columns = 1 << 16;
    for (const ElementType type : {ElementType::float16, ElementType::bfloat16}) {
        z.type = type;
        for (const double threshold : {0.0, -0.0, 1.5, -1.5, -1e-30, 1e39, -1e39}) {
            Words wanted(1 << 10), words(1 << 10);
            const std::int64_t wanted_nan = pack(z, threshold, wanted.data(), {});
            std::int64_t first_nan = 1 << 20;
            cuda::pack(z, threshold, words.data(), &first_nan, {});
            CHECK(words == wanted);
            CHECK_EQ(first_nan, wanted_nan);
        }
    }
}

TEST(emulated_unpack_agrees_with_the_cpu) {
    Random random(12);
    for (const std::int64_t n_bits : {1, 3, 4, 12, 16, 63, 64, 65, 100, 128, 1000, 1001, 2047, 2048,
                                      2049, 2064, 4096, 5000, 6400}) {
        for (int round = 0; round < rounds(4); ++round) {
            check_unpack(random, n_bits);
        }
    }
}

TEST(emulated_paired_distances_agree_with_the_cpu) {
    Random random(13);
    for (int round = 0; round < rounds(150); ++round) {
        const std::int64_t words =
            random.one_of<std::int64_t>({0, 1, 2, 3, 4, 5, 8, 16, 17, 31, 64, 129, 300});
        const std::int64_t rows = random.one_of<std::int64_t>({1, 2, 7, 33, 100});
        check_paired(random, rows, words, random.one_of<std::int64_t>({1, 1, 2, 9}));
    }
    for (const std::int64_t n_layers : {63, 64, 65, 128, 300}) {
        check_paired(random, 3, 40, n_layers);
    }
}

TEST(emulated_groups_agree_with_the_cpu) {
    Random random(14);
    for (int round = 0; round < rounds(80); ++round) {
        const std::int64_t words = random.one_of<std::int64_t>({0, 1, 2, 3, 16, 33, 70});
        check_groups(random, random.one_of<std::int64_t>({0, 1, 2, 15, 16, 17, 31, 32, 100, 700}),
                     words);
    }
    check_groups(random, 20'000, 20);  // chunks of more than the least rows
}

TEST(emulated_units_agree_with_the_cpu) {
    Random random(15);
    const std::vector<std::vector<std::int64_t>> layouts{{},
                                                         {0},
                                                         {1},
                                                         {64},
                                                         {65},
                                                         {3, 0, 130},
                                                         {700},
                                                         {64 * 31 + 1},
                                                         {64 * 32, 7},
                                                         {64 * 40 + 63},
                                                         std::vector<std::int64_t>(65, 1),
                                                         std::vector<std::int64_t>(150, 70)};
    for (const auto& layers : layouts) {
        for (const std::int64_t rows : {0, 1, 63, 64, 65, 511, 512, 513}) {
            check_units(random, rows, layers);
        }
        check_units(random, random.from(2, 200), layers);
    }
    check_units(random, 3000, {40, 100});
}

TEST(emulated_counts_of_many_full_rows_do_not_overflow) {
    const Words ones(3, ~std::uint64_t{0});
    for (const std::int64_t rows : {31 * 8, 31 * 8 + 1, 100'000}) {
        std::vector<std::int64_t> counts(190);
        cuda::column_counts({ones.data(), rows, 3, 0}, {190}, counts.data(), {});
        CHECK(counts == std::vector<std::int64_t>(190, rows));
    }
}

TEST(emulated_sets_agree_with_the_cpu) {
    Random random(16);
    for (int round = 0; round < rounds(40); ++round) {
        const std::int64_t rows =
            random.one_of<std::int64_t>({1, 2, 3, 31, 32, 33, 100, 257, 1000});
        check_sets(random, rows, random.one_of<std::int64_t>({0, 1, 2, 3, 9, 40}),
                   drawn_style(random));
    }
    for (const std::int64_t rows : {2047, 2048, 2049, 4096, 4100, 9000}) {
        check_sets(random, rows, random.one_of<std::int64_t>({1, 2, 5}), drawn_style(random));
    }
}

TEST(emulated_match_in_no_codes_finds_none) {
    const Words code(3);
    std::int64_t found = 7;
    cuda::match({code.data(), 1, 3, 3}, {nullptr, 0, 3, 3}, nullptr, &found, {});
    CHECK_EQ(found, -1);
}

TEST(emulated_row_kernels_have_nothing_to_do) {
    const long launches = emulator::runtime.launches;
    const CodeRows none{nullptr, 0, 3, 3};
    const CodeRows narrow{nullptr, 3, 0, 0};
    cuda::unpack(nullptr, 0, 3, 150, nullptr, {});
    cuda::unpack(nullptr, 3, 0, 0, nullptr, {});
    cuda::hamming_paired(none, none, nullptr, {{0, 3}}, nullptr, {});
    cuda::hamming_paired(narrow, narrow, nullptr, {}, nullptr, {});
    cuda::reduce_differences(none, nullptr, 0, nullptr, Flipped::any, nullptr, {});
    cuda::reduce_differences(narrow, nullptr, 2, nullptr, Flipped::all, nullptr, {});
    cuda::column_counts(narrow, {0, 0}, nullptr, {});
    cuda::transpose_bits(narrow, {}, nullptr, {});
    cuda::transpose_bits(none, {150}, nullptr, {});
    cuda::argsort(none, nullptr, nullptr, 0, {});
    cuda::mark_distinct(none, nullptr, nullptr, {});
    cuda::match(none, none, nullptr, nullptr, {});
    CHECK_EQ(emulator::runtime.launches, launches);
}

TEST(emulated_row_launchers_reject_bad_arguments) {
    const long launches = emulator::runtime.launches;
    const Words memory(64);
    const CodeRows codes{memory.data(), 4, 3, 3};
    const CodeRows fewer{memory.data(), 3, 3, 3};
    const CodeRows narrower{memory.data(), 4, 2, 3};
    const CodeRows negative{memory.data(), -1, 3, 3};
    const CodeRows wide{memory.data(), 4, std::int64_t{1} << 26, 3};
    std::int32_t distance = 0;
    const auto paired = [&](const CodeRows& a, const CodeRows& b, const CodeRows* mask,
                            const std::vector<WordRange>& layers) {
        cuda::hamming_paired(a, b, mask, layers, &distance, {});
    };
    CHECK_THROWS(paired(codes, fewer, nullptr, {{0, 3}}), std::invalid_argument);
    CHECK_THROWS(paired(codes, narrower, nullptr, {{0, 2}}), std::invalid_argument);
    CHECK_THROWS(paired(negative, negative, nullptr, {{0, 3}}), std::invalid_argument);
    CHECK_THROWS(paired(wide, wide, nullptr, {{0, 3}}), std::invalid_argument);
    CHECK_THROWS(paired(codes, codes, &fewer, {{0, 3}}), std::invalid_argument);
    CHECK_THROWS(paired(codes, codes, &narrower, {{0, 2}}), std::invalid_argument);
    for (const WordRange& layer : {WordRange{-1, 2}, WordRange{2, 1}, WordRange{0, 4}}) {
        CHECK_THROWS(paired(codes, codes, nullptr, {layer}), std::invalid_argument);
    }
    const std::int64_t offsets[] = {0, 4};
    Words out(64);
    const auto reduce = [&](const CodeRows& rows, std::int64_t groups, const CodeRows* reference) {
        cuda::reduce_differences(rows, offsets, groups, reference, Flipped::any, out.data(), {});
    };
    CHECK_THROWS(reduce(codes, -1, nullptr), std::invalid_argument);
    CHECK_THROWS(reduce(codes, 0, nullptr), std::invalid_argument);
    CHECK_THROWS(reduce(codes, 1, &codes), std::invalid_argument);
    CHECK_THROWS(reduce(codes, 4, &narrower), std::invalid_argument);
    std::vector<std::int64_t> order(64);
    for (const std::vector<std::int64_t>& layers :
         std::vector<std::vector<std::int64_t>>{{}, {64}, {64, 64, 65}, {-1, 192}, {1 << 20}}) {
        CHECK_THROWS(cuda::column_counts(codes, layers, order.data(), {}), std::invalid_argument);
        CHECK_THROWS(cuda::transpose_bits(codes, layers, out.data(), {}), std::invalid_argument);
    }
    const auto sort = [&](void* workspace, std::size_t bytes) {
        cuda::argsort(codes, order.data(), workspace, bytes, {});
    };
    CHECK_EQ(cuda::argsort_workspace_bytes(4), 32u);
    CHECK_THROWS(sort(out.data(), 31), std::invalid_argument);
    CHECK_THROWS(sort(nullptr, 32), std::invalid_argument);
    CHECK_THROWS(sort(reinterpret_cast<char*>(out.data()) + 4, 32), std::invalid_argument);
    CHECK_THROWS(cuda::argsort_workspace_bytes(-1), std::invalid_argument);
    CHECK_THROWS(cuda::mark_distinct(negative, order.data(), nullptr, {}), std::invalid_argument);
    CHECK_THROWS(cuda::match(codes, narrower, order.data(), order.data(), {}),
                 std::invalid_argument);
    CHECK_THROWS(cuda::unpack(memory.data(), -1, 3, 3, nullptr, {}), std::invalid_argument);
    CHECK_THROWS(cuda::unpack(memory.data(), 1, 3, -3, nullptr, {}), std::invalid_argument);
    CHECK_EQ(emulator::runtime.launches, launches);
}
