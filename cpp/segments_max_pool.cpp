#include <algorithm>
#include <limits>

#include "codes.hpp"
#include "segments_knots.hpp"

namespace splinecode {
namespace {

constexpr double ns_per_element = 2.0;

/// A window's elements between two knots: straight lines in the weight, from `left` to `right`.
class Lines {
public:
    Lines(const Windows& windows, std::int64_t window, const double* left, const double* right)
        : index_(windows.index + window * windows.size),
          size_(windows.size),
          left_(left),
          right_(right) {}

    std::int64_t size() const { return size_; }
    bool real(std::int64_t e) const { return index_[e] >= 0; }
    double left(std::int64_t e) const { return left_[index_[e]]; }
    double right(std::int64_t e) const { return right_[index_[e]]; }

    /// The largest element just after the left end: of those that tie there, the largest at the
    /// right end, the lowest of those that tie there too.
    std::int64_t first(double snap) const {
        std::int64_t best = highest(&Lines::left);
        const double top = left(best);
        for (std::int64_t e = 0; e < size_; ++e) {
            if (real(e) && top - left(e) <= snap && right(e) > right(best)) {
                best = e;
            }
        }
        const double top_right = right(best);
        for (std::int64_t e = 0; e < size_; ++e) {
            if (real(e) && top - left(e) <= snap && top_right - right(e) <= snap) {
                return e;
            }
        }
        return best;
    }

    /// Whether another element comes within `bound` of the largest at an end without being equal.
    bool near_tie(double (Lines::*end)(std::int64_t) const, double bound) const {
        const double top = (this->*end)(highest(end));
        for (std::int64_t e = 0; e < size_; ++e) {
            if (real(e) && (this->*end)(e) != top && !(top - (this->*end)(e) > bound)) {
                return true;
            }
        }
        return false;
    }

    /// The element that overtakes `current` first, and where; -1 if none does before the right end.
    std::int64_t next(std::int64_t current, double snap, double& weight) const {
        std::int64_t overtaking = -1;
        for (std::int64_t e = 0; e < size_; ++e) {
            if (!real(e) || right(e) - right(current) <= snap) {
                continue;
            }
            const double behind = std::max(0.0, left(current) - left(e));
            const double at = behind / (behind + (right(e) - right(current)));
            const bool sooner =
                overtaking < 0 || at < weight || (at == weight && right(e) > right(overtaking));
            if (sooner) {
                overtaking = e;
                weight = at;
            }
        }
        return overtaking;
    }

private:
    std::int64_t highest(double (Lines::*end)(std::int64_t) const) const {
        std::int64_t found = -1;
        for (std::int64_t e = 0; e < size_; ++e) {
            if (real(e) && (found < 0 || (this->*end)(e) > (this->*end)(found))) {
                found = e;
            }
        }
        return found;
    }

    const std::int64_t* index_;
    std::int64_t size_;
    const double* left_;
    const double* right_;
};

/// One block of rows of one segment, taken interval by interval.
class WindowScan {
public:
    WindowScan(const Sweep& sweep, const Windows& windows, const Tolerances& tolerances,
               const RowBlock& block, BlockFindings& findings)
        : sweep_(sweep),
          windows_(windows),
          snap_(tolerances.snap[block.segment]),
          bound_(tolerances.bound[block.segment]),
          rounding_(tolerances.rounding),
          block_(block),
          findings_(findings),
          largest_(static_cast<std::size_t>(windows.count)) {}

    void run() {
        const std::int64_t first = sweep_.offsets[block_.segment];
        const std::int64_t last = sweep_.offsets[block_.segment + 1] - 1;
        if (block_.begin > first) {
            scan_interval(block_.begin - 1, false);
            roots_.clear();
        }
        for (std::int64_t row = block_.begin; row < std::min(block_.end, last); ++row) {
            scan_interval(row, row > first);
            if (!roots_.empty()) {
                insert_roots(roots_, block_.segment, row, findings_);
                roots_.clear();
            }
        }
        if (tied_) {
            findings_.ambiguous.push_back(block_.segment);
        }
    }

private:
    /// Walks the upper envelope of every window over [row, row + 1]; `largest_` goes from the
    /// elements at the end of the interval before to those at the end of this one.
    void scan_interval(std::int64_t row, bool compare) {
        for (std::int64_t w = 0; w < windows_.count; ++w) {
            const Lines lines(windows_, w, sweep_.row(row), sweep_.row(row + 1));
            std::int64_t& largest = largest_[static_cast<std::size_t>(w)];
            const std::int64_t first = lines.first(snap_);
            tied_ = tied_ || lines.near_tie(&Lines::left, bound_);
            if (row + 2 == sweep_.offsets[block_.segment + 1]) {
                tied_ = tied_ || lines.near_tie(&Lines::right, bound_);
            }
            if (compare && first != largest) {
                cross_at_knot(row, w, largest, first);
            }
            largest = walk(row, w, lines, first);
        }
    }

    std::int64_t walk(std::int64_t row, std::int64_t w, const Lines& lines, std::int64_t current) {
        const std::size_t begin = roots_.size();
        double weight = 0;
        for (std::int64_t e = lines.next(current, snap_, weight); e >= 0;
             e = lines.next(current, snap_, weight)) {
            const double change =
                (lines.right(e) - lines.left(e)) - (lines.right(current) - lines.left(current));
            Root root = make_root(sweep_, row, weight, change, snap_, bound_, rounding_);
            root.off = w * windows_.size + current;
            root.on = w * windows_.size + e;
            add_root(root, begin);
            current = e;
        }
        return current;
    }

    /// Three or more elements that meet at one point give one change, from the first to the last.
    void add_root(const Root& root, std::size_t begin) {
        if (roots_.size() > begin && root.t - root.snap <= roots_.back().t + roots_.back().snap) {
            roots_.back().on = root.on;
            roots_.back().error = std::max(roots_.back().error, root.error);
            tied_ = true;
        } else {
            roots_.push_back(root);
        }
    }

    void cross_at_knot(std::int64_t row, std::int64_t w, std::int64_t off, std::int64_t on) {
        const Lines before(windows_, w, sweep_.row(row - 1), sweep_.row(row));
        const Lines after(windows_, w, sweep_.row(row), sweep_.row(row + 1));
        const double error = error_at_knot(sweep_, row, before.left(off) - before.left(on),
                                           after.right(on) - after.right(off), bound_);
        const double t = sweep_.t[row];
        const std::int64_t base = w * windows_.size;
        findings_.crossings.push_back({block_.segment, t, error, base + off, -1});
        findings_.crossings.push_back({block_.segment, t, error, base + on, +1});
    }

    const Sweep& sweep_;
    const Windows& windows_;
    double snap_;
    double bound_;
    double rounding_;
    RowBlock block_;
    BlockFindings& findings_;
    std::vector<std::int64_t> largest_;
    std::vector<Root> roots_;
    bool tied_ = false;
};

std::vector<std::uint64_t> first_codes(const Sweep& sweep, const Windows& windows,
                                       const double* snap) {
    const std::int64_t words = words_for(windows.count * windows.size);
    std::vector<std::uint64_t> codes(static_cast<std::size_t>(sweep.segments * words));
    for (std::int64_t s = 0; s < sweep.segments; ++s) {
        const std::int64_t row = sweep.offsets[s];
        for (std::int64_t w = 0; w < windows.count; ++w) {
            const Lines lines(windows, w, sweep.row(row), sweep.row(row + 1));
            const std::int64_t bit = w * windows.size + lines.first(snap[s]);
            codes[static_cast<std::size_t>(s * words + bit / word_bits)] |= bit_in_word(bit);
        }
    }
    return codes;
}

double row_cost(const Windows& windows) {
    return ns_per_element * static_cast<double>(windows.count * windows.size);
}

}  // namespace

KinkPlan find_max_pool(const Sweep& sweep, const Windows& windows, const Tolerances& tolerances,
                       const Interrupt& interrupt) {
    KinkPlan plan = assemble(
        sweep, row_cost(windows),
        [&](const RowBlock& block, BlockFindings& findings) {
            WindowScan(sweep, windows, tolerances, block, findings).run();
        },
        interrupt);
    plan.first_codes = first_codes(sweep, windows, tolerances.snap);
    return plan;
}

RowSizes apply_max_pool(const Sweep& sweep, const KinkPlan& plan, const Windows& windows,
                        double* out, const Interrupt& interrupt) {
    const auto fill = [&](const RowSource& source, double* to) {
        const double* left = sweep.row(source.left);
        const double* right = sweep.row(source.right);
        for (std::int64_t w = 0; w < windows.count; ++w) {
            const std::int64_t* index = windows.index + w * windows.size;
            double largest = -std::numeric_limits<double>::infinity();
            for (std::int64_t e = 0; e < windows.size; ++e) {
                if (index[e] >= 0) {
                    const double from = left[index[e]];
                    largest = std::max(largest, from + source.weight * (right[index[e]] - from));
                }
            }
            to[w] = largest;
        }
    };
    return fill_rows(plan, windows.count, row_cost(windows), out, fill, interrupt);
}

}  // namespace splinecode
