#pragma once

#include <tuple>
#include <utility>

#include "cuda_arrays.hpp"
#include "knot_table.hpp"
#include "sweep_findings.hpp"

/// What a scan of a layer of kinks takes and finds, as tuples of arrays.
namespace splinecode {

using Two = std::pair<py::object, py::object>;

/// (begin, t, snap, error, reach): int64 (tracks + 1), float64 (knots) four times.
using KnotsArrays = std::tuple<py::object, py::object, py::object, py::object, py::object>;

inline cuda::KnotTable knots_of(DeviceArrays& arrays, const KnotsArrays& given,
                                std::int64_t tracks) {
    const auto& [begin, t, snap, error, reach] = given;
    std::int64_t n = 0;
    cuda::KnotTable knots{};
    knots.begin = arrays.in<std::int64_t>(begin, "knots.begin", {tracks + 1});
    knots.t = arrays.list<double>(t, "knots.t", n);
    knots.snap = arrays.in<double>(snap, "knots.snap", {n});
    knots.error = arrays.in<double>(error, "knots.error", {n});
    knots.reach = arrays.in<double>(reach, "knots.reach", {n});
    return knots;
}

inline std::int64_t columns_of(const Array& array) { return need_ndim(array, 2).shape[1]; }

/// (numbers, places): float64 (7, roots), int64 (6, roots).
inline cuda::RootArrays roots_of(DeviceArrays& arrays, const Two& given) {
    using Roots = cuda::RootArrays;
    const Array& numbers = arrays.borrowed(given.first, "roots.numbers");
    const std::int64_t n = columns_of(numbers);
    return {device_out<double>(numbers, ElementType::float64, {Roots::number_fields, n}),
            arrays.out<std::int64_t>(given.second, "roots.places", {Roots::place_fields, n}), n};
}

/// (numbers, places): float64 (2, events), int64 (3, events).
inline cuda::EventArrays events_of(DeviceArrays& arrays, const Two& given) {
    const Array& numbers = arrays.borrowed(given.first, "events.numbers");
    const std::int64_t n = columns_of(numbers);
    return {device_out<double>(numbers, ElementType::float64, {2, n}),
            arrays.out<std::int64_t>(given.second, "events.places", {3, n}), n};
}

/// (ends, track): float64 (2, ranges), int64 (ranges).
inline cuda::RangeArrays ranges_of(DeviceArrays& arrays, const Two& given) {
    const Array& ends = arrays.borrowed(given.first, "ranges.ends");
    const std::int64_t n = columns_of(ends);
    return {device_out<double>(ends, ElementType::float64, {2, n}),
            arrays.out<std::int64_t>(given.second, "ranges.track", {n}), n};
}

/// int64 (tracks, words) of codes, of which a layer's begin at layer_word.
inline cuda::FirstCodes first_codes_of(DeviceArrays& arrays, py::handle given, std::int64_t tracks,
                                       std::int64_t layer_word) {
    const Array& codes = arrays.borrowed(given, "first_codes");
    const std::int64_t words = columns_of(codes);
    return {device_out<std::int64_t>(codes, ElementType::int64, {tracks, words}), words,
            layer_word};
}

}  // namespace splinecode
