#include "checks.hpp"

#include <string>

#include "codes.hpp"

namespace splinecode {

std::vector<std::int64_t> packed_shape(const Array& z) {
    std::vector<std::int64_t> shape = z.shape;
    shape.back() = words_for(shape.back());
    return shape;
}

std::vector<WordRange> checked_layers(const Ranges& ranges, std::int64_t words) {
    std::vector<WordRange> layers;
    for (const auto& [begin, end] : ranges) {
        if (begin < 0 || end < begin || end > words) {
            throw py::value_error("a layer's words lie outside the code");
        }
        layers.push_back({begin, end});
    }
    return layers;
}

std::vector<std::int64_t> checked_offsets(const Array& array, std::int64_t rows) {
    const std::int64_t n = need_ndim(array, 1).shape[0];
    const auto* data = contiguous_data<std::int64_t>(array, ElementType::int64, {n});
    if (n == 0 || data[0] != 0 || data[n - 1] != rows) {
        throw py::value_error(array.name + " must go from 0 to " + std::to_string(rows) +
                              ", the number of rows");
    }
    for (std::int64_t g = 0; g + 1 < n; ++g) {
        if (data[g] > data[g + 1]) {
            throw py::value_error(array.name + " falls from " + std::to_string(data[g]) + " to " +
                                  std::to_string(data[g + 1]));
        }
    }
    return {data, data + n};
}

std::int64_t need_layers(const Array& words, const std::vector<std::int64_t>& layer_bits) {
    std::int64_t width = 0;
    std::int64_t units = 0;
    for (const std::int64_t bits : layer_bits) {
        if (bits < 0 || bits > std::int64_t{1} << 40) {
            throw py::value_error("layer_bits has " + std::to_string(bits) +
                                  "; wanted 0 to 2^40 units a layer");
        }
        width += words_for(bits);
        units += bits;
    }
    need_shape(words, {need_ndim(words, 2).shape[0], width});
    return units;
}

}  // namespace splinecode
