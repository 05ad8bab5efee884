#pragma once

#include <cstdint>

#include "strided.hpp"
#include "sweep/root.hpp"

/// What a scan of a layer of kinks finds, as arrays in device memory: a row for each field, an
/// entry for each find.
namespace splinecode::cuda {

struct RootArrays {
    static constexpr std::int64_t number_fields = 7;
    static constexpr std::int64_t place_fields = 6;

    double* numbers;       // t, snap, error, slope, reach, low, high
    std::int64_t* places;  // row, column, threshold, off, on, at_knot: see sweep::Root
    std::int64_t count;

    /// `row` is the layer's row at the root's left knot.
    SPLINECODE_HOST_DEVICE void put(std::int64_t i, std::int64_t row,
                                    const sweep::Root& root) const {
        const double number[] = {root.t,     root.snap, root.error, root.slope,
                                 root.reach, root.low,  root.high};
        for (std::int64_t field = 0; field < number_fields; ++field) {
            numbers[field * count + i] = number[field];
        }
        const std::int64_t place[] = {row,      root.column, root.threshold,
                                      root.off, root.on,     root.at_knot ? 1 : 0};
        for (std::int64_t field = 0; field < place_fields; ++field) {
            places[field * count + i] = place[field];
        }
    }

    /// What settling reads of a root.
    SPLINECODE_HOST_DEVICE sweep::Root numbers_of(std::int64_t i) const {
        sweep::Root root{};
        root.t = numbers[i];
        root.snap = numbers[count + i];
        root.error = numbers[2 * count + i];
        root.slope = numbers[3 * count + i];
        root.reach = numbers[4 * count + i];
        root.low = numbers[5 * count + i];
        root.high = numbers[6 * count + i];
        root.at_knot = places[5 * count + i] != 0;
        return root;
    }

    SPLINECODE_HOST_DEVICE void place(std::int64_t i, double t, double error) const {
        numbers[i] = t;
        numbers[2 * count + i] = error;
    }
};

/// Bits that differ on the two sides of a knot.
struct EventArrays {
    double* numbers;       // t, error
    std::int64_t* places;  // track, bit, direction
    std::int64_t count;

    SPLINECODE_HOST_DEVICE void put(std::int64_t i, double t, double error, std::int64_t track,
                                    std::int64_t bit, std::int64_t direction) const {
        numbers[i] = t;
        numbers[count + i] = error;
        places[i] = track;
        places[count + i] = bit;
        places[2 * count + i] = direction;
    }
};

struct RangeArrays {
    double* ends;         // low, high
    std::int64_t* track;  // one row
    std::int64_t count;

    SPLINECODE_HOST_DEVICE void put(std::int64_t i, std::int64_t of_track,
                                    const sweep::Range& range) const {
        ends[i] = range.low;
        ends[count + i] = range.high;
        track[i] = of_track;
    }
};

/// The codes of the first pieces: `words` a track, of which the layer's begin at `layer_word`.
struct FirstCodes {
    std::int64_t* code;
    std::int64_t words;
    std::int64_t layer_word;
};

}  // namespace splinecode::cuda
