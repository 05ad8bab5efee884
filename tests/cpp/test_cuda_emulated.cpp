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

}  // namespace

TEST(emulated_pack_agrees_with_comparison) {
    Random random(1);
    for (int round = 0; round < rounds(25); ++round) {
        for (const auto type : {ElementType::float64, ElementType::float32, ElementType::float16,
                                ElementType::bfloat16, ElementType::boolean}) {
            check_pack(random, type);
        }
    }
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
    StridedRows z;
    z.rows = 0, z.columns = 4;
    cuda::pack(z, 0, nullptr, nullptr, {});
    z.rows = 4, z.columns = 0;
    cuda::pack(z, 0, nullptr, nullptr, {});
    CHECK_EQ(emulator::runtime.launches, launches);
}

TEST(emulated_launchers_reject_bad_arguments) {
    const long launches = emulator::runtime.launches;
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
