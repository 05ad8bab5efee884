// The unmodified kernels and launchers of cuda/*.cu against plain loops, on the emulator that
// cuda_emulator/emulator.hpp describes.

#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "codes.hpp"
#include "cuda.hpp"
#include "cuda_tests.hpp"
#include "halves.hpp"

namespace {

using namespace splinecode;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t no_nan = std::numeric_limits<std::int64_t>::max();

// ------------------------------------------------------------------ pack

bool is_half(ElementType type) {
    return type == ElementType::float16 || type == ElementType::bfloat16;
}

/// An array and rows of it. The memory is as large as the elements reach, not a byte more.
struct PackInput {
    StridedRows z;
    std::vector<std::byte> memory;
    std::int64_t origin = 0;  // the element at which z.data points

    std::int64_t offset(std::int64_t row, std::int64_t column) const {
        std::int64_t at = origin + column * z.column_stride;
        for (int axis = z.leading - 1; axis >= 0; --axis) {
            at += row % z.shape[axis] * z.stride[axis];
            row /= z.shape[axis];
        }
        return at;
    }

    template <class T>
    T element(std::int64_t at) const {
        T value;
        std::memcpy(&value, memory.data() + index(at) * sizeof(T), sizeof(T));
        return value;
    }
    template <class T>
    void set_element(std::int64_t at, T value) {
        std::memcpy(memory.data() + index(at) * sizeof(T), &value, sizeof(T));
    }

    double value(std::int64_t at) const {
        switch (z.type) {
            case ElementType::float64: return element<double>(at);
            case ElementType::float32: return static_cast<double>(element<float>(at));
            case ElementType::boolean: return element<std::uint8_t>(at);
            default: return value_of(element<std::uint16_t>(at), z.type);
        }
    }
};

/// Axes in random order in memory, with gaps, reversed or (leading ones) repeated.
PackInput random_layout(Random& random, ElementType type) {
    PackInput input;
    StridedRows& z = input.z;
    z.type = type;
    z.leading = static_cast<int>(random.from(0, 3));
    for (int axis = 0; axis < z.leading; ++axis) {
        z.rows *= z.shape[axis] = random.from(1, 4);
    }
    z.columns = random.one_of<std::int64_t>(
        {1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 511, 512, 513, 600, 1030});
    std::vector<int> axes;  // from the one that varies fastest in memory
    for (int axis = z.leading; axis >= 0; --axis) {
        axes.push_back(axis);
    }
    if (random.one_in(2)) {
        random.shuffle(axes);
    }
    std::int64_t pitch = 1;
    std::int64_t highest = 0;
    for (const int axis : axes) {
        const bool is_column = axis == z.leading;
        const std::int64_t extent = is_column ? z.columns : z.shape[axis];
        std::int64_t stride = random.one_in(4) ? 2 * pitch : pitch;
        pitch = stride * extent;
        if (!is_column && random.one_in(8)) {
            stride = 0;
        } else if (random.one_in(8)) {
            input.origin += stride * (extent - 1);
            stride = -stride;
        } else {
            highest += stride * (extent - 1);
        }
        (is_column ? z.column_stride : z.stride[axis]) = stride;
    }
    const std::size_t size = size_of(type);
    input.memory.resize(index(input.origin + highest + 1) * size);
    z.data = input.memory.data() + index(input.origin) * size;
    return input;
}

void fill(PackInput& input, Random& random, double threshold) {
    const ElementType type = input.z.type;
    const std::int64_t count = static_cast<std::int64_t>(input.memory.size() / size_of(type));
    const std::int64_t nan_rate = random.one_in(3) ? random.from(5, 400) : 0;
    for (std::int64_t at = 0; at < count; ++at) {
        const bool is_nan = nan_rate != 0 && random.one_in(nan_rate);
        const double value = is_nan ? nan
                             : random.one_in(4)
                                 ? random.one_of({0.0, -0.0, threshold, HUGE_VAL, -HUGE_VAL})
                                 : 0.3 * random.normal();
        if (type == ElementType::float64) {
            input.set_element(at, value);
        } else if (type == ElementType::float32) {
            input.set_element(at, static_cast<float>(value));
        } else if (type == ElementType::boolean) {
            input.set_element(at, static_cast<std::uint8_t>(random.one_in(2)));
        } else {
            auto bits = static_cast<std::uint16_t>(random.word());
            if (std::isnan(value_of(bits, type)) != is_nan) {
                bits = is_nan ? random.one_of<std::uint16_t>({0x7fff, 0xffff, 0x7fc1})
                              : random.one_of<std::uint16_t>(
                                    {0, 0x8000, 1, 0x8001, half_bits(threshold, type)});
            }
            input.set_element(at, bits);
        }
    }
}

/// The value of the type that is nearest, by looking at all of them; ties to even bits, and
/// infinity stands where the next number would.
double nearest_half(double value, ElementType type) {
    const double beyond = std::ldexp(1.0, type == ElementType::bfloat16 ? 128 : 16);
    value = std::clamp(value, -beyond, beyond);
    std::uint16_t best = 0;
    double least_error = std::fabs(value);
    for (std::uint32_t i = 0; i < 1u << 16; ++i) {
        const auto bits = static_cast<std::uint16_t>(i);
        const double error = std::fabs(std::clamp(value_of(bits, type), -beyond, beyond) - value);
        if (error < least_error || (error == least_error && bits % 2 == 0 && best % 2 == 1)) {
            best = bits;
            least_error = error;
        }
    }
    return value_of(best, type);
}

double rounded(double threshold, ElementType type) {
    return type == ElementType::boolean   ? 0
           : type == ElementType::float32 ? static_cast<double>(static_cast<float>(threshold))
           : is_half(type)                ? nearest_half(threshold, type)
                                          : threshold;
}

void check_pack(Random& random, ElementType type) {
    const FewerBlocks fewer(random);
    const double threshold =
        random.one_of({0.0, -0.0, 0.5, -0.25, 1e-300, -1e-300, 1e-9, -1e-9, HUGE_VAL, -HUGE_VAL,
                       0.1, -0.1, 65519.9, 65520.0, 1e38, -1e40});
    PackInput input = random_layout(random, type);
    fill(input, random, threshold);
    const StridedRows& z = input.z;
    const std::int64_t row_words = words_for(z.columns);
    const double limit = rounded(threshold, type);
    std::vector<std::uint64_t> wanted(index(z.rows * row_words));
    std::int64_t wanted_nan = no_nan;
    for (std::int64_t row = 0; row < z.rows; ++row) {
        for (std::int64_t column = 0; column < z.columns; ++column) {
            const double value = input.value(input.offset(row, column));
            wanted[index(row * row_words + column / 64)] |= std::uint64_t{value > limit}
                                                            << (column % 64);
            if (std::isnan(value)) {
                wanted_nan = std::min(wanted_nan, row * z.columns + column);
            }
        }
    }

    std::vector<std::uint64_t> words(wanted.size(), 0xdeadbeefdeadbeef);
    std::int64_t first_nan = no_nan;
    const bool asks_for_nan = !random.one_in(4);
    cuda::pack(z, threshold, words.data(), asks_for_nan ? &first_nan : nullptr, {});
    const bool good = words == wanted && (!asks_for_nan || first_nan == wanted_nan);
    check::report(good, __FILE__, __LINE__,
                  std::string("pack of ") + name_of(type) + ", " + std::to_string(z.rows) + " x " +
                      std::to_string(z.columns) + ", threshold " + std::to_string(threshold));
}

// ------------------------------------------------------------------ top_k

struct TopK {
    std::int64_t n_queries;
    std::int64_t n_rows;
    std::int64_t words;
    std::int64_t k;
    bool exclude_self;
};

/// Codes in which ties are the rule, rare or all there is.
enum class Codes { few, random, near, equal };

void check_top_k(Random& random, const TopK& c, Codes style) {
    const FewerBlocks fewer(random);
    const auto word = [&]() -> std::uint64_t {
        switch (style) {
            case Codes::few: return random.word() & 1;
            case Codes::random: return random.word();
            case Codes::near: return random.word() & random.word() & random.word() & random.word();
            case Codes::equal: break;
        }
        return 5;
    };
    std::vector<std::uint64_t> database(index(c.n_rows * c.words));
    std::generate(database.begin(), database.end(), word);
    std::vector<std::uint64_t> queries(index(c.n_queries * c.words));
    std::generate(queries.begin(), queries.end(), word);
    if (c.exclude_self) {
        std::copy_n(database.begin(), std::min(database.size(), queries.size()), queries.begin());
    }
    // Room for some of the queries, and a remainder that is none.
    const std::int64_t fit = random.from(1, c.n_queries);
    const std::size_t bytes =
        cuda::top_k_workspace_bytes(fit, c.n_rows) + random.one_of<std::size_t>({0, 60});
    std::vector<std::int32_t> workspace(bytes / sizeof(std::int32_t), -7);
    std::vector<std::int32_t> distances(index(c.n_queries * c.k), -1);
    std::vector<std::int64_t> indices(index(c.n_queries * c.k), -1);
    cuda::top_k(queries.data(), c.n_queries, database.data(), c.n_rows, c.words, c.k,
                c.exclude_self, distances.data(), indices.data(), workspace.data(), bytes, {});

    bool good = true;
    for (std::int64_t query = 0; query < c.n_queries; ++query) {
        std::vector<std::pair<std::int32_t, std::int64_t>> all;
        for (std::int64_t row = 0; row < c.n_rows; ++row) {
            std::int32_t distance = 0;
            for (std::int64_t w = 0; w < c.words; ++w) {
                distance += std::popcount(queries[index(query * c.words + w)] ^
                                          database[index(row * c.words + w)]);
            }
            if (!c.exclude_self || row != query) {
                all.emplace_back(distance, row);
            }
        }
        std::sort(all.begin(), all.end());
        for (std::int64_t i = 0; i < c.k; ++i) {
            const std::size_t at = index(query * c.k + i);
            good = good && all[index(i)] == std::pair(distances[at], indices[at]);
        }
    }
    check::report(
        good, __FILE__, __LINE__,
        "top_k of " + std::to_string(c.n_queries) + " queries, " + std::to_string(c.n_rows) +
            " rows, " + std::to_string(c.words) + " words, k = " + std::to_string(c.k) +
            (c.exclude_self ? ", without self" : "") + ", " + std::to_string(fit) +
            " queries in the workspace, codes of style " + std::to_string(static_cast<int>(style)));
}

TopK random_top_k(Random& random) {
    TopK c{};
    c.n_queries = random.from(1, random.one_in(4) ? 70 : 5);
    c.exclude_self = random.one_in(2);
    c.n_rows = random.one_of<std::int64_t>(
        {2, 3, 31, 32, 33, 63, 64, 65, 255, 256, 257, 300, 511, 512, 513, 1000});
    c.words = random.one_of<std::int64_t>({0, 1, 2, 3, 5, 15, 16, 17, 33});
    const std::int64_t most = c.n_rows - c.exclude_self;
    c.k = std::clamp<std::int64_t>(random.one_of({std::int64_t{1}, std::int64_t{2}, most,
                                                  (most + 1) / 2, most - 1, std::int64_t{10}}),
                                   1, most);
    return c;
}

}  // namespace

TEST(emulated_pack_agrees_with_comparison) {
    Random random(1);
    for (int round = 0; round < 25; ++round) {
        for (const auto type : {ElementType::float64, ElementType::float32, ElementType::float16,
                                ElementType::bfloat16, ElementType::boolean}) {
            check_pack(random, type);
        }
    }
}

TEST(emulated_top_k_agrees_with_a_sort) {
    Random random(2);
    for (int round = 0; round < 60; ++round) {
        const TopK c = random_top_k(random);
        check_top_k(random, c,
                    random.one_of({Codes::few, Codes::random, Codes::near, Codes::equal}));
    }
}

TEST(emulated_top_k_of_wide_codes) {
    Random random(3);
    check_top_k(random, {1, 40, 1100, 40, false}, Codes::random);  // distances of three digits
    check_top_k(random, {2, 40, 1100, 20, true}, Codes::near);
}

TEST(emulated_kernels_run_on_the_stream_s_device) {
    const float z[] = {1, -1, 2};
    StridedRows rows;
    rows.data = z;
    rows.type = ElementType::float32;
    rows.columns = 3;
    std::uint64_t word = 0;
    cuda::pack(rows, 0, &word, nullptr, {1, 0x55});
    CHECK_EQ(word, 5u);
    CHECK_EQ(emulator::runtime.launch_device, 1);
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(emulator::runtime.launch_stream), 0x55u);
    CHECK_EQ(emulator::runtime.device, 0);  // as before
    CHECK_THROWS(cuda::pack(rows, 0, &word, nullptr, {2, 0}), std::runtime_error);
    CHECK_EQ(cudaGetLastError(), cudaSuccess);  // forgotten
}

TEST(emulated_kernels_have_nothing_to_do) {
    const long launches = emulator::runtime.launches;
    cuda::top_k(nullptr, 0, nullptr, 5, 1, 2, false, nullptr, nullptr, nullptr, 0, {});
    cuda::top_k(nullptr, 3, nullptr, 0, 1, 0, true, nullptr, nullptr, nullptr, 0, {});
    StridedRows z;
    z.rows = 0, z.columns = 4;
    cuda::pack(z, 0, nullptr, nullptr, {});
    z.rows = 4, z.columns = 0;
    cuda::pack(z, 0, nullptr, nullptr, {});
    CHECK_EQ(emulator::runtime.launches, launches);
}

TEST(emulated_launchers_reject_bad_arguments) {
    const long launches = emulator::runtime.launches;
    const std::vector<std::uint64_t> codes(40);
    std::vector<std::int32_t> distances(40), workspace(64);
    std::vector<std::int64_t> indices(40);
    const auto run = [&](const TopK& c, void* memory, std::size_t bytes) {
        cuda::top_k(codes.data(), c.n_queries, codes.data(), c.n_rows, c.words, c.k, c.exclude_self,
                    distances.data(), indices.data(), memory, bytes, {});
    };
    for (const TopK& c :
         {TopK{1, 40, 1, 40, true}, TopK{1, 40, 1, 41, false}, TopK{-1, 40, 1, 1, false},
          TopK{1, -1, 1, 1, false}, TopK{1, 40, -1, 1, false}, TopK{1, 40, 1, -1, false},
          TopK{1, 0, 1, 1, true}, TopK{1, std::int64_t{1} << 35, 1, 1, false},
          TopK{1, 40, std::int64_t{1} << 26, 1, false}}) {
        CHECK_THROWS(run(c, workspace.data(), 256), std::invalid_argument);
    }
    const TopK good{1, 40, 1, 1, false};
    CHECK_THROWS(run(good, workspace.data(), 255), std::invalid_argument);
    CHECK_THROWS(run(good, nullptr, 256), std::invalid_argument);
    CHECK_THROWS(run(good, reinterpret_cast<char*>(workspace.data()) + 1, 256),
                 std::invalid_argument);
    StridedRows z;
    z.columns = 1;
    z.type = ElementType::int32;
    CHECK_THROWS(cuda::pack(z, 0, nullptr, nullptr, {}), std::invalid_argument);
    CHECK_EQ(emulator::runtime.launches, launches);
}

TEST(emulated_devices) {
    CHECK_EQ(cuda::device_count(), 2);
    CHECK_EQ(cuda::status(), "Emulated 0 (sm_90, 80 GiB); Emulated 1 (sm_90, 80 GiB)");
    emulator::runtime.devices = 0;
    CHECK_EQ(cuda::device_count(), 0);
    CHECK_EQ(cuda::status(), "no CUDA device: no CUDA-capable device is detected");
    CHECK_EQ(cudaGetLastError(), cudaSuccess);
    emulator::runtime.devices = 2;
}
