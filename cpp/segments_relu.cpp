#include <bit>
#include <cmath>

#include "codes.hpp"
#include "segments_knots.hpp"
#include "simd.hpp"

namespace splinecode {
namespace {

constexpr double find_ns_per_unit = 0.6;
constexpr double apply_ns_per_unit = 0.8;

/// The signs of a row of values: a unit is positive, negative, or (neither) on its boundary.
class SignRow {
public:
    explicit SignRow(std::int64_t units)
        : positive_(static_cast<std::size_t>(words_for(units))), negative_(positive_) {}

    void read(const Sweep& sweep, const double* tolerance, std::int64_t row) {
        kernels().classify(sweep.row(row), tolerance, static_cast<std::size_t>(sweep.units),
                           positive_.data(), negative_.data());
    }
    std::uint64_t positive(std::size_t word) const { return positive_[word]; }
    std::uint64_t negative(std::size_t word) const { return negative_[word]; }
    /// Units on their boundary. Pad bits are set too.
    std::uint64_t zero(std::size_t word) const { return ~(positive_[word] | negative_[word]); }
    std::size_t words() const { return positive_.size(); }

private:
    std::vector<std::uint64_t> positive_;
    std::vector<std::uint64_t> negative_;
};

/// Calls visit(unit) for every set bit.
template <class Visit>
void for_each_bit(std::uint64_t bits, std::size_t word, const Visit& visit) {
    for (; bits; bits &= bits - 1) {
        visit(static_cast<std::int64_t>(word) * word_bits + std::countr_zero(bits));
    }
}

/// One block of rows of one segment, taken knot by knot.
class SignScan {
public:
    SignScan(const Sweep& sweep, const Tolerances& tolerances, const RowBlock& block,
             BlockFindings& findings)
        : sweep_(sweep),
          snap_(tolerances.snap + block.segment * sweep.units),
          bound_(tolerances.bound + block.segment * sweep.units),
          rounding_(tolerances.rounding),
          block_(block),
          findings_(findings) {}

    void run() {
        const std::int64_t first = sweep_.offsets[block_.segment];
        const std::int64_t last = sweep_.offsets[block_.segment + 1] - 1;
        SignRow before(sweep_.units);
        SignRow here(sweep_.units);
        SignRow after(sweep_.units);
        if (block_.begin > first) {
            before.read(sweep_, snap_, block_.begin - 1);
        }
        here.read(sweep_, snap_, block_.begin);
        for (std::int64_t row = block_.begin; row < block_.end; ++row) {
            mark_ties(row);
            if (row == last) {
                return;
            }
            after.read(sweep_, snap_, row + 1);
            if (row > first) {
                cross_at_knot(row, before, here, after);
            }
            cross_inside(row, here, after);
            std::swap(before, here);
            std::swap(here, after);
        }
    }

private:
    /// A unit within its bound of the boundary at a knot may lie on either side.
    void mark_ties(std::int64_t row) {
        if (!tied_ &&
            kernels().any_within(sweep_.row(row), bound_, static_cast<std::size_t>(sweep_.units))) {
            tied_ = true;
            findings_.ambiguous.push_back(block_.segment);
        }
    }

    /// Units on their boundary at a knot whose bit differs on its two sides.
    void cross_at_knot(std::int64_t row, const SignRow& before, const SignRow& here,
                       const SignRow& after) {
        for (std::size_t word = 0; word < here.words(); ++word) {
            const std::uint64_t flips =
                here.zero(word) & (before.positive(word) ^ after.positive(word));
            for_each_bit(flips, word, [&](std::int64_t unit) {
                const double left = sweep_.row(row - 1)[unit];
                const double right = sweep_.row(row + 1)[unit];
                const double error = error_at_knot(sweep_, row, left, right, bound_[unit]);
                const auto direction = static_cast<std::int8_t>(left > snap_[unit] ? -1 : 1);
                findings_.crossings.push_back(
                    {block_.segment, sweep_.t[row], error, unit, direction});
            });
        }
    }

    /// Units with opposite signs at the ends of the interval [row, row + 1].
    void cross_inside(std::int64_t row, const SignRow& here, const SignRow& after) {
        roots_.clear();
        for (std::size_t word = 0; word < here.words(); ++word) {
            const std::uint64_t rising = here.negative(word) & after.positive(word);
            const std::uint64_t falling = here.positive(word) & after.negative(word);
            for_each_bit(rising | falling, word, [&](std::int64_t unit) {
                const double left = sweep_.row(row)[unit];
                const double right = sweep_.row(row + 1)[unit];
                Root root = make_root(sweep_, row, left / (left - right), right - left, snap_[unit],
                                      bound_[unit], rounding_);
                (left < 0 ? root.on : root.off) = unit;
                root.zero_unit = unit;
                roots_.push_back(root);
            });
        }
        if (!roots_.empty()) {
            insert_roots(roots_, block_.segment, row, findings_);
        }
    }

    const Sweep& sweep_;
    const double* snap_;
    const double* bound_;
    double rounding_;
    RowBlock block_;
    BlockFindings& findings_;
    std::vector<Root> roots_;
    bool tied_ = false;
};

/// Codes on the first open interval of each segment.
std::vector<std::uint64_t> first_codes(const Sweep& sweep, const double* snap) {
    const auto words = static_cast<std::size_t>(words_for(sweep.units));
    std::vector<std::uint64_t> codes(static_cast<std::size_t>(sweep.segments) * words);
    SignRow here(sweep.units);
    SignRow after(sweep.units);
    for (std::int64_t s = 0; s < sweep.segments; ++s) {
        const double* limits = snap + s * sweep.units;
        here.read(sweep, limits, sweep.offsets[s]);
        after.read(sweep, limits, sweep.offsets[s] + 1);
        for (std::size_t word = 0; word < words; ++word) {
            codes[static_cast<std::size_t>(s) * words + word] =
                here.positive(word) | (here.zero(word) & after.positive(word));
        }
    }
    return codes;
}

}  // namespace

KinkPlan find_relu(const Sweep& sweep, const Tolerances& tolerances, const Interrupt& interrupt) {
    KinkPlan plan = assemble(
        sweep, find_ns_per_unit * static_cast<double>(sweep.units),
        [&](const RowBlock& block, BlockFindings& findings) {
            SignScan(sweep, tolerances, block, findings).run();
        },
        interrupt);
    plan.first_codes = first_codes(sweep, tolerances.snap);
    return plan;
}

RowSizes apply_relu(const Sweep& sweep, const KinkPlan& plan, double slope, double* out,
                    const Interrupt& interrupt) {
    const auto fill = [&](const RowSource& source, double* to) {
        kernels().interpolate_relu(sweep.row(source.left), sweep.row(source.right), source.weight,
                                   slope, static_cast<std::size_t>(sweep.units), to);
        for (std::int64_t i = source.zeros_begin; i < source.zeros_end; ++i) {
            to[plan.zero_units[static_cast<std::size_t>(i)]] = 0;
        }
    };
    return fill_rows(plan, sweep.units, apply_ns_per_unit * static_cast<double>(sweep.units), out,
                     fill, interrupt);
}

}  // namespace splinecode
