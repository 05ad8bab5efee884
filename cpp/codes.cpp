#include "codes.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "simd.hpp"

namespace splinecode {
namespace {

/// Rows are handed out in blocks of about this many bytes of input.
constexpr std::int64_t block_bytes = 1 << 20;
/// A strided row is copied out by pieces of this many elements (a whole number of words).
constexpr std::int64_t gather_elements = 1024;
/// Of a transposed array, pieces of this many rows are read column by column: memory gives long
/// pieces faster (16 KB of float32 1.3 times as fast as 4 KB). They are packed into this many words
/// of each row before any is written, what the second cache holds: written a word at a time, no
/// line of the result would stay in a cache until it is whole.
constexpr std::int64_t strip_rows = 4096;
constexpr std::int64_t strip_words = 4;
constexpr std::int64_t strip_columns = strip_words * word_bits;
/// Fewer adjacent rows than this, and a column's piece is too short to be worth a strip.
constexpr std::int64_t least_strip_rows = 16;
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

/// Packs rows [begin, end) whose columns are contiguous.
bool pack_rows(const StridedRows& z, std::int64_t begin, std::int64_t end,
               const RowPacker& pack_row, std::uint64_t* words) {
    const std::int64_t row_words = words_for(z.columns);
    const bool one_run = z.leading == 1 && z.stride[0] == z.columns && z.columns % word_bits == 0;
    if (one_run) {  // rows that follow each other, without pad bits, are one long row
        return pack_row(at(z, z.row_offset(begin)), (end - begin) * z.columns,
                        words + begin * row_words);
    }
    bool nan = false;
    for (std::int64_t row = begin; row < end; ++row) {
        nan |= pack_row(at(z, z.row_offset(row)), z.columns, words + row * row_words);
    }
    return nan;
}

/// Asks for the first bytes of a column that is packed next, which nothing else would foresee.
void prefetch(const char* p) {
    constexpr std::int64_t bytes = 1024;
    for (std::int64_t line = 0; line < bytes; line += 64) {
        __builtin_prefetch(p + line);
    }
}

/// Packs an array whose rows, not columns, are adjacent in memory (a transposed one), with every
/// byte read in its order in memory: pieces of columns are packed along the rows, and squares of 64
/// rows x 64 columns of bits transposed.
class Strips {
public:
    explicit Strips(const StridedRows& z)
        : z_(z),
          run_(z.leading > 0 && z.stride[z.leading - 1] == 1 ? z.shape[z.leading - 1] : 0),
          strips_per_run_((run_ + strip_rows - 1) / strip_rows),
          pieces_((z.columns + strip_columns - 1) / strip_columns) {}

    bool pay() const { return z_.column_stride != 1 && run_ >= least_strip_rows; }
    std::int64_t count() const { return z_.rows / run_ * strips_per_run_ * pieces_; }

    std::int64_t first_row(std::int64_t block) const {
        const std::int64_t strip = block / pieces_;
        return strip / strips_per_run_ * run_ + strip % strips_per_run_ * strip_rows;
    }

    bool pack(std::int64_t block, const RowPacker& pack_row, std::uint64_t* words) const {
        const std::int64_t row = first_row(block);
        const std::int64_t n = std::min(strip_rows, run_ - row % run_);
        const std::int64_t squares = words_for(n);
        const std::int64_t first_column = block % pieces_ * strip_columns;
        const std::int64_t columns = std::min(strip_columns, z_.columns - first_column);
        const std::int64_t piece_words = words_for(columns);
        alignas(64) Squares piece[strip_words];
        bool nan = false;
        for (std::int64_t w = 0; w < piece_words; ++w) {
            nan |= pack_word(row, n, first_column + w * word_bits, pack_row, piece[w]);
        }
        const std::int64_t row_words = words_for(z_.columns);
        std::uint64_t* to = words + row * row_words + first_column / word_bits;
        for (std::int64_t i = 0; i < word_bits; ++i) {
            for (std::int64_t s = 0; s < squares && s * word_bits + i < n; ++s) {
                for (std::int64_t w = 0; w < piece_words; ++w) {
                    to[(s * word_bits + i) * row_words + w] = piece[w][i * squares + s];
                }
            }
        }
        return nan;
    }

private:
    /// Squares of 64 x 64 bits below each other: word s of row i at i * squares + s.
    using Squares = std::uint64_t[strip_rows];

    /// Packs the 64 columns from `column` of n rows, and turns the columns of bits to rows.
    bool pack_word(std::int64_t row, std::int64_t n, std::int64_t column, const RowPacker& pack_row,
                   Squares& words) const {
        const std::int64_t squares = words_for(n);
        const std::int64_t columns = std::min(word_bits, z_.columns - column);
        const std::int64_t offset = z_.row_offset(row) + column * z_.column_stride;
        bool nan = false;
        for (std::int64_t c = 0; c < columns; ++c) {
            if (column + c + 1 < z_.columns) {
                prefetch(at(z_, offset + (c + 1) * z_.column_stride));
            }
            nan |= pack_row(at(z_, offset + c * z_.column_stride), n, words + c * squares);
        }
        std::fill(words + columns * squares, words + word_bits * squares, 0);
        kernels().transpose_bits(words, static_cast<std::size_t>(squares));
        return nan;
    }

    const StridedRows& z_;
    std::int64_t run_;  // adjacent rows, 0 if rows are not adjacent
    std::int64_t strips_per_run_;
    std::int64_t pieces_;
};

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
    const Strips strips(z);
    const std::int64_t row_bytes = z.columns * static_cast<std::int64_t>(size_of(z.type));
    const std::int64_t block_rows = std::max<std::int64_t>(1, block_bytes / row_bytes);
    const std::int64_t blocks =
        strips.pay() ? strips.count() : (z.rows + block_rows - 1) / block_rows;
    constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
    std::atomic<std::int64_t> nan_row{none};

    const auto pack_block = [&](std::int64_t block) {
        const std::int64_t begin = strips.pay() ? strips.first_row(block) : block * block_rows;
        const std::int64_t end = std::min(z.rows, begin + block_rows);
        const bool nan = strips.pay()           ? strips.pack(block, pack_row, words)
                         : z.column_stride == 1 ? pack_rows(z, begin, end, pack_row, words)
                                                : pack_gathered(z, begin, end, pack_row, words);
        if (nan) {
            lower_to(nan_row, begin);
        }
    };
    const double work = static_cast<double>(z.rows) * static_cast<double>(row_bytes) * ns_per_byte;
    parallel_for(blocks, work, pack_block, interrupt);
    return nan_row == none ? -1 : first_nan_from(z, nan_row);
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

}  // namespace splinecode
