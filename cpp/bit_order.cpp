#include "bit_order.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

#include "bit_transpose.hpp"
#include "codes.hpp"
#include "units.hpp"

namespace splinecode {

BitOrder::BitOrder(const CodeRows& codes, const Interrupt& interrupt)
    : code_words_(codes.words),
      constant_mask_(static_cast<std::size_t>(codes.words)),
      constant_(constant_mask_) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(word_bits * codes.words));
    column_counts(codes, {word_bits * codes.words}, counts.data(), interrupt);
    for (std::int64_t bit = 0; bit < word_bits * codes.words; ++bit) {
        const std::int64_t count = counts[static_cast<std::size_t>(bit)];
        const auto word = static_cast<std::size_t>(bit / word_bits);
        if (count != 0 && count != codes.rows) {
            bits_.push_back(bit);
            continue;
        }
        ++constant_bits_;
        constant_mask_[word] |= bit_in_word(bit);
        constant_[word] |= count != 0 ? bit_in_word(bit) : 0;
    }
    const auto imbalance = [&](std::int64_t bit) {
        return std::abs(2 * counts[static_cast<std::size_t>(bit)] - codes.rows);
    };
    std::sort(bits_.begin(), bits_.end(), [&](std::int64_t a, std::int64_t b) {
        return std::pair(imbalance(a), a) < std::pair(imbalance(b), b);
    });
}

std::int64_t BitOrder::words() const { return words_for(bits()); }

void BitOrder::deal(std::int64_t parts) {
    const std::vector<std::int64_t> from = bits_;
    auto to = bits_.begin();
    for (std::int64_t part = 0; part < parts; ++part) {
        for (std::int64_t i = part; i < bits(); i += parts) {
            *to++ = from[static_cast<std::size_t>(i)];
        }
    }
}

void BitOrder::apply(const CodeRows& codes, std::uint64_t* out, const Interrupt& interrupt) const {
    const std::int64_t out_words = words();
    // 64 codes at a time are turned to a word a bit, which is then easy to move.
    const auto run = [&](std::int64_t block) {
        const std::int64_t first = block * word_bits;
        const std::int64_t n = std::min(word_bits, codes.rows - first);
        std::vector<std::uint64_t> units(static_cast<std::size_t>(word_bits * code_words_));
        for (std::int64_t w = 0; w < code_words_; ++w) {
            std::uint64_t* const turned = units.data() + w * word_bits;
            for (std::int64_t i = 0; i < n; ++i) {
                turned[i] = codes.row(first + i)[w];
            }
            transpose64(turned);
        }
        for (std::int64_t w = 0; w < out_words; ++w) {
            std::uint64_t turned[word_bits] = {};
            const auto begin = static_cast<std::size_t>(w * word_bits);
            for (std::size_t j = begin; j < std::min<std::size_t>(bits_.size(), begin + word_bits);
                 ++j) {
                turned[j - begin] = units[static_cast<std::size_t>(bits_[j])];
            }
            transpose64(turned);
            for (std::int64_t i = 0; i < n; ++i) {
                out[(first + i) * out_words + w] = turned[i];
            }
        }
    };
    const double words = static_cast<double>(codes.rows) * static_cast<double>(code_words_);
    parallel_for((codes.rows + word_bits - 1) / word_bits, 20 * words, run, interrupt);
}

std::int32_t BitOrder::constant_distance(const std::uint64_t* code) const {
    std::int32_t distance = 0;
    for (std::size_t w = 0; w < constant_.size(); ++w) {
        distance += std::popcount((code[w] ^ constant_[w]) & constant_mask_[w]);
    }
    return distance;
}

}  // namespace splinecode
