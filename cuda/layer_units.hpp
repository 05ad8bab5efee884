#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "codes.hpp"
#include "strided.hpp"

/// Which units the words of a code hold. Plain arithmetic, so the CPU tests run it.
namespace splinecode::cuda {

/// The units whose bits a word holds: none in a layer's pad bits.
struct WordUnits {
    std::int64_t first;
    std::int64_t count;
};

/// Some neighbouring layers of a code, none of them empty, handed to a kernel by value. Words are
/// numbered from the first layer's first one; units as in the whole code.
struct LayerUnits {
    static constexpr int most = 64;

    int count = 0;
    std::int64_t words = 0;
    std::int64_t first_word[most];
    std::int64_t first_unit[most];
    std::int64_t bits[most];

    /// 0 <= word < words. O(log count).
    SPLINECODE_HOST_DEVICE WordUnits of_word(std::int64_t word) const {
        int low = 0;
        int high = count;
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            if (first_word[middle] <= word) {
                low = middle;
            } else {
                high = middle;
            }
        }
        const std::int64_t bit = (word - first_word[low]) * word_bits;
        const std::int64_t left = bits[low] - bit;
        return {first_unit[low] + bit, left < word_bits ? left : word_bits};
    }

    bool full() const { return count == most; }
    void add(std::int64_t unit, std::int64_t layer_bits) {
        first_word[count] = words;
        first_unit[count] = unit;
        bits[count++] = layer_bits;
        words += words_for(layer_bits);
    }
};

/// Calls body(first word of the code, LayerUnits) for all layers, as few times as may be.
template <class Body>
void for_each_layers(const std::vector<std::int64_t>& layer_bits, const Body& body) {
    LayerUnits layers;
    std::int64_t first_word = 0;
    std::int64_t unit = 0;
    const auto flush = [&] {
        if (layers.count > 0) {
            body(first_word, layers);
            first_word += layers.words;
            layers = {};
        }
    };
    for (const std::int64_t bits : layer_bits) {
        if (layers.full()) {
            flush();
        }
        if (bits > 0) {
            layers.add(unit, bits);
            unit += bits;
        }
    }
    flush();
}

/// The units of all layers. Throws std::invalid_argument unless their words are `words`.
inline std::int64_t units_of_layers(const std::vector<std::int64_t>& layer_bits, std::int64_t words,
                                    const char* name) {
    std::int64_t width = 0;
    std::int64_t units = 0;
    for (const std::int64_t bits : layer_bits) {
        if (bits < 0 || bits > words * word_bits) {
            throw std::invalid_argument(std::string(name) + ": a layer of " + std::to_string(bits) +
                                        " units in a code of " + std::to_string(words) + " words");
        }
        width += words_for(bits);
        units += bits;
    }
    if (width != words) {
        throw std::invalid_argument(std::string(name) + ": the layers take " +
                                    std::to_string(width) + " words, the codes have " +
                                    std::to_string(words));
    }
    return units;
}

}  // namespace splinecode::cuda
