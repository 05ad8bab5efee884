#include "sweep/sweep.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "codes.hpp"
#include "memory.hpp"

namespace splinecode::sweep {
namespace {

/// Windows shorter than 2^-deepest of the segment are refused.
constexpr int deepest = 40;
/// About what a segment of a small network takes, for the choice of threads.
constexpr double least_segment_ns = 30e3;
constexpr std::int64_t kept_between_calls = 32 << 20;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class T>
void append(std::vector<T>& to, const std::vector<T>& more) {
    to.insert(to.end(), more.begin(), more.end());
}

/// Half width of what is known of a crossing at t: the ranges that rounding left open there.
double doubt_at(double t, const std::vector<Range>& ranges) {
    double error = 4 * unit_roundoff;
    for (const Range& range : ranges) {
        if (range.low <= t && t <= range.high) {
            error = std::max({error, t - range.low, range.high - t});
        }
    }
    return error;
}

/// One segment, window after window.
class SegmentSweep {
public:
    SegmentSweep(const Program& program, const Input& input, std::int64_t max_bytes, Pool& pool,
                 const Means& means)
        : program_(program),
          input_(input),
          budget_(max_bytes, pool),
          max_bytes_(max_bytes),
          means_(means) {}

    Window run() { return range(0, 1, 0); }

private:
    Window range(double begin, double end, int depth) {
        if (depth >= depth_needed_) {
            try {
                Window window = sweep_window(program_, input_, begin, end, budget_, means_);
                depth_needed_ = depth - 1;  // what follows may need less
                return window;
            } catch (const OverBudget&) {
                if (depth == deepest) {
                    throw NotEnoughMemory("a part of 2^-" + std::to_string(deepest) +
                                          " of a segment needs more than max_memory, " +
                                          std::to_string(max_bytes_) +
                                          " bytes a thread; give it more");
                }
            }
            depth_needed_ = depth + 1;
        }
        const double middle = (begin + end) / 2;
        Window left = range(begin, middle, depth + 1);
        return joined(std::move(left), range(middle, end, depth + 1), middle);
    }

    /// Two windows that meet at t. A knot stays there only if a bit changes there.
    Window joined(Window left, const Window& right, double t) const {
        append(left.ambiguous, right.ambiguous);
        append(left.assumed, right.assumed);
        const std::vector<Event> here = changes(left, right, t);
        if (here.empty()) {
            left.knots.pop_back();
            left.values.resize(left.values.size() - at(program_.nodes().back().size()));
        } else {
            left.ambiguous.push_back({t - here[0].error, t + here[0].error});
        }
        append(left.events, here);
        append(left.events, right.events);
        left.knots.insert(left.knots.end(), right.knots.begin() + 1, right.knots.end());
        left.values.insert(left.values.end(), right.values.begin() + program_.nodes().back().size(),
                           right.values.end());
        left.last_code = right.last_code;
        return left;
    }

    std::vector<Event> changes(const Window& left, const Window& right, double t) const {
        std::vector<Event> events;
        if (left.last_code == right.first_code) {
            return events;
        }
        const double error = doubt_at(t, left.ambiguous);
        std::size_t word = 0;
        for (const Node& node : program_.nodes()) {
            if (node.layer < 0) {
                continue;
            }
            for (std::int64_t w = 0; w < words_for(node.bits); ++w, ++word) {
                const std::uint64_t after = right.first_code[word];
                for (std::uint64_t bits = left.last_code[word] ^ after; bits; bits &= bits - 1) {
                    const int bit = std::countr_zero(bits);
                    events.push_back({t, error, node.layer, w * word_bits + bit,
                                      static_cast<std::int8_t>(after >> bit & 1 ? 1 : -1)});
                }
            }
        }
        return events;
    }

    const Program& program_;
    Input input_;
    Budget budget_;
    std::int64_t max_bytes_;
    const Means& means_;
    int depth_needed_ = 0;  // wider windows are not tried
};

}  // namespace

std::vector<Window> sweep_segments(const Program& program, const Segments& segments,
                                   std::int64_t max_bytes, const Interrupt& interrupt) {
    const std::int64_t width = program.node(0).size();
    std::vector<Window> found(at(segments.count));
    static Pool pool;  // from call to call: small, for short ones
    const auto run = [&](std::int64_t s, std::int64_t bytes, const Means& means) {
        const Input input{segments.a + s * width, segments.b + s * width};
        found[at(s)] = SegmentSweep(program, input, bytes, pool, means).run();
    };
    const std::int64_t workers = threads();
    if (segments.count >= 2 * workers) {
        const Means alone{false, {}};
        const double work = least_segment_ns * static_cast<double>(segments.count);
        parallel_for(
            segments.count, work, [&](std::int64_t s) { run(s, max_bytes / workers, alone); },
            interrupt);
    } else {
        const Means together{true, interrupt};
        for (std::int64_t s = 0; s < segments.count; ++s) {
            run(s, max_bytes, together);
        }
    }
    pool.shrink(kept_between_calls);
    return found;
}

}  // namespace splinecode::sweep
