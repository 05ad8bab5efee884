#include "codes.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "simd.hpp"

namespace splinecode {
namespace {

/// Rows are handed out in blocks of about this many bytes of input.
constexpr std::int64_t block_bytes = 1 << 20;
/// A strided row is copied out by pieces of this many elements (a whole number of words).
constexpr std::int64_t gather_elements = 1024;
constexpr double ns_per_byte = 0.05;

struct HalfFormat {
    int mantissa_bits;
    int least_exponent;  // of a normal number
};

constexpr HalfFormat format_of(ElementType type) {
    return type == ElementType::bfloat16 ? HalfFormat{7, -126} : HalfFormat{10, -14};
}

/// Packs contiguous pieces of rows of one element type; returns whether a NaN was seen.
class RowPacker {
public:
    RowPacker(ElementType type, double threshold)
        : type_(type),
          threshold_(threshold),
          key_(is_half() ? ordered_key(half_bits(threshold, type)) : std::int16_t{0}) {}

    bool operator()(const void* z, std::int64_t n, std::uint64_t* words) const {
        const auto count = static_cast<std::size_t>(n);
        switch (type_) {
            case ElementType::float64:
                return kernels_.pack_float64(static_cast<const double*>(z), count, threshold_,
                                             words) != 0;
            case ElementType::float32:
                return kernels_.pack_float32(static_cast<const float*>(z), count,
                                             static_cast<float>(threshold_), words) != 0;
            case ElementType::float16:
            case ElementType::bfloat16:
                return kernels_.pack_half(static_cast<const std::uint16_t*>(z), count, key_,
                                          infinity_bits(type_), words) != 0;
            default:
                kernels_.pack_bool(static_cast<const std::uint8_t*>(z), count, words);
                return false;
        }
    }

private:
    bool is_half() const { return type_ == ElementType::float16 || type_ == ElementType::bfloat16; }

    ElementType type_;
    double threshold_;
    std::int16_t key_;
    const Kernels& kernels_ = kernels();
};

const char* at(const StridedRows& z, std::int64_t offset) {
    return static_cast<const char*>(z.data) + offset * static_cast<std::int64_t>(size_of(z.type));
}

template <class T>
void gather_as(const void* from, std::int64_t stride, std::int64_t n, void* to) {
    const T* source = static_cast<const T*>(from);
    T* target = static_cast<T*>(to);
    for (std::int64_t j = 0; j < n; ++j) {
        target[j] = source[j * stride];
    }
}

void gather(const void* from, std::size_t size, std::int64_t stride, std::int64_t n, void* to) {
    switch (size) {
        case 8: return gather_as<std::uint64_t>(from, stride, n, to);
        case 4: return gather_as<std::uint32_t>(from, stride, n, to);
        case 2: return gather_as<std::uint16_t>(from, stride, n, to);
        default: return gather_as<std::uint8_t>(from, stride, n, to);
    }
}

/// Packs rows [begin, end) whose columns are not contiguous. Pieces of columns are the outer loop:
/// in a transposed array neighbouring rows share cache lines.
bool pack_gathered(const StridedRows& z, std::int64_t begin, std::int64_t end,
                   const RowPacker& pack_row, std::uint64_t* words) {
    const std::int64_t row_words = words_for(z.columns);
    alignas(64) std::uint64_t piece[gather_elements];
    bool nan = false;
    for (std::int64_t column = 0; column < z.columns; column += gather_elements) {
        const std::int64_t n = std::min(gather_elements, z.columns - column);
        for (std::int64_t row = begin; row < end; ++row) {
            const std::int64_t offset = z.row_offset(row) + column * z.column_stride;
            gather(at(z, offset), size_of(z.type), z.column_stride, n, piece);
            nan |= pack_row(piece, n, words + row * row_words + column / word_bits);
        }
    }
    return nan;
}

bool is_nan_at(const StridedRows& z, std::int64_t offset) {
    const void* p = at(z, offset);
    switch (z.type) {
        case ElementType::float64: return std::isnan(*static_cast<const double*>(p));
        case ElementType::float32: return std::isnan(*static_cast<const float*>(p));
        case ElementType::float16:
        case ElementType::bfloat16:
            return (*static_cast<const std::uint16_t*>(p) & 0x7fff) > infinity_bits(z.type);
        default: return false;
    }
}

/// Flat C-order index of the first NaN at or after `row`, which is known to exist.
std::int64_t first_nan_from(const StridedRows& z, std::int64_t row) {
    for (; row < z.rows; ++row) {
        const std::int64_t offset = z.row_offset(row);
        for (std::int64_t column = 0; column < z.columns; ++column) {
            if (is_nan_at(z, offset + column * z.column_stride)) {
                return row * z.columns + column;
            }
        }
    }
    return -1;
}

void lower_to(std::atomic<std::int64_t>& least, std::int64_t value) {
    std::int64_t seen = least.load();
    while (value < seen && !least.compare_exchange_weak(seen, value)) {
    }
}

}  // namespace

std::uint16_t half_bits(double value, ElementType type) {
    const HalfFormat format = format_of(type);
    const double magnitude = std::fabs(value);
    std::int64_t bits = infinity_bits(type);
    if (magnitude == 0) {
        bits = 0;
    } else if (!std::isinf(magnitude)) {
        const int exponent = std::max(std::ilogb(magnitude), format.least_exponent);
        // In units of the last place; nearbyint rounds half to even. A mantissa that rounds up to
        // the next power of two carries into the exponent field by itself, at the top to infinity.
        const double units = std::nearbyint(std::ldexp(magnitude, format.mantissa_bits - exponent));
        const std::int64_t field = exponent - format.least_exponent;
        bits = std::min(bits, (field << format.mantissa_bits) + static_cast<std::int64_t>(units));
    }
    return static_cast<std::uint16_t>(std::signbit(value) && bits != 0 ? bits | 0x8000 : bits);
}

std::int64_t pack(const StridedRows& z, double threshold, std::uint64_t* words,
                  const Interrupt& interrupt) {
    if (std::isnan(threshold)) {
        throw std::invalid_argument("threshold is NaN; wanted a number");
    }
    if (z.rows == 0 || z.columns == 0) {
        return -1;
    }
    const RowPacker pack_row(z.type, threshold);
    const std::int64_t row_bytes = z.columns * static_cast<std::int64_t>(size_of(z.type));
    const std::int64_t block_rows = std::max<std::int64_t>(1, block_bytes / row_bytes);
    const std::int64_t row_words = words_for(z.columns);
    constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
    std::atomic<std::int64_t> nan_block_row{none};

    const auto pack_block = [&](std::int64_t block) {
        const std::int64_t begin = block * block_rows;
        const std::int64_t end = std::min(z.rows, begin + block_rows);
        bool nan = false;
        if (z.column_stride == 1) {
            for (std::int64_t row = begin; row < end; ++row) {
                nan |= pack_row(at(z, z.row_offset(row)), z.columns, words + row * row_words);
            }
        } else {
            nan = pack_gathered(z, begin, end, pack_row, words);
        }
        if (nan) {
            lower_to(nan_block_row, begin);
        }
    };
    const std::int64_t blocks = (z.rows + block_rows - 1) / block_rows;
    const double work = static_cast<double>(z.rows) * static_cast<double>(row_bytes) * ns_per_byte;
    parallel_for(blocks, work, pack_block, interrupt);
    return nan_block_row == none ? -1 : first_nan_from(z, nan_block_row);
}

void unpack(const std::uint64_t* words, std::int64_t rows, std::int64_t row_stride,
            std::int64_t n_bits, std::uint8_t* bits, const Interrupt& interrupt) {
    if (rows == 0 || n_bits == 0) {
        return;
    }
    const std::int64_t block_rows = std::max<std::int64_t>(1, block_bytes / n_bits);
    const auto unpack_block = [&](std::int64_t block) {
        const std::int64_t end = std::min(rows, (block + 1) * block_rows);
        for (std::int64_t row = block * block_rows; row < end; ++row) {
            const std::uint64_t* from = words + row * row_stride;
            std::uint8_t* to = bits + row * n_bits;
            for (std::int64_t j = 0; j < n_bits; ++j) {
                to[j] = static_cast<std::uint8_t>(from[j / word_bits] >> (j % word_bits) & 1);
            }
        }
    };
    const double work = static_cast<double>(rows) * static_cast<double>(n_bits);
    parallel_for((rows + block_rows - 1) / block_rows, work, unpack_block, interrupt);
}

std::int64_t unique(const std::uint64_t* words, std::int64_t rows, std::int64_t row_words,
                    std::int64_t* representative, std::int64_t* inverse, std::int64_t* counts) {
    const auto row = [&](std::int64_t i) { return words + i * row_words; };
    const auto same = [&](std::int64_t i, std::int64_t j) {
        return std::equal(row(i), row(i) + row_words, row(j));
    };
    std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) {
        for (std::int64_t w = 0; w < row_words; ++w) {
            if (row(i)[w] != row(j)[w]) {
                return row(i)[w] < row(j)[w];
            }
        }
        return i < j;
    });
    std::int64_t distinct = 0;
    for (std::size_t at = 0; at < order.size(); ++at) {
        if (at == 0 || !same(order[at - 1], order[at])) {
            representative[distinct] = order[at];
            counts[distinct++] = 0;
        }
        inverse[order[at]] = distinct - 1;
        ++counts[distinct - 1];
    }
    return distinct;
}

}  // namespace splinecode
