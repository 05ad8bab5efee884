#pragma once

#include <string>
#include <vector>

#include "sweep/state.hpp"

namespace splinecode::sweep {

/// Values left the range of float64 at a node, whose number is the message.
struct Overflow : std::overflow_error {
    explicit Overflow(Index n) : std::overflow_error(std::to_string(n)), node(n) {}
    Index node;
};

/// The ends of a segment a + t (b - a), exact.
struct Input {
    const double* a;
    const double* b;
};

/// What a sweep of t from `begin` to `end` found.
struct Window {
    std::vector<Event> events;   // by (t, layer, unit)
    std::vector<double> knots;   // begin, every t of an event, end
    std::vector<double> values;  // (knots, outputs)
    std::vector<Range> ambiguous;
    std::vector<Range> assumed;  // elements of windows that were computed equal: taken to be so
    std::vector<std::uint64_t> first_code;  // of all layers: on the first piece
    std::vector<std::uint64_t> last_code;   // and on the last
};

/// Throws OverBudget where the values of the steps need more than the budget, Overflow.
Window sweep_window(const Program& program, const Input& input, double begin, double end,
                    Budget& budget, const Means& means);

}  // namespace splinecode::sweep
