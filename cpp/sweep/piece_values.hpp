#pragma once

#include <cstdint>

#include "sweep/host_device.hpp"

/// Values of piecewise-linear units.
namespace splinecode::sweep {

/// z where z > 0, else slope * z; never -0.
SPLINECODE_HOST_DEVICE inline double relu_at(double slope, double z) {
    return z > 0 ? z : slope * z + 0.0;
}

/// The functions of the units of a cell: thresholds rise; piece k of unit c is slopes[k * width +
/// c]
/// * z + intercepts[k * width + c], up to thresholds[k * width + c] where there is one.
struct PieceRows {
    const double* thresholds;
    const double* slopes;
    const double* intercepts;
    std::int64_t count;  // of thresholds
    std::int64_t width;

    /// Unit c at z; never -0.
    SPLINECODE_HOST_DEVICE double at(std::int64_t c, double z) const {
        double y = slopes[c] * z + intercepts[c];
        for (std::int64_t k = 0; k < count; ++k) {
            const std::int64_t above = (k + 1) * width + c;
            if (z > thresholds[k * width + c]) {
                y = slopes[above] * z + intercepts[above];
            }
        }
        return y + 0.0;  // turns -0.0 into 0.0
    }

    /// Unit c on its boundary k.
    SPLINECODE_HOST_DEVICE double at_boundary(std::int64_t c, std::int64_t k) const {
        const std::int64_t i = k * width + c;
        return slopes[i] * thresholds[i] + intercepts[i];
    }
};

}  // namespace splinecode::sweep
