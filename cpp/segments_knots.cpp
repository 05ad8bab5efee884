#include "segments_knots.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "simd.hpp"

namespace splinecode {
namespace {

constexpr double block_ns = 100e3;

/// A crossing lies in the open interval (0, 1).
const double above_zero = std::numeric_limits<double>::denorm_min();
const double below_one = std::nextafter(1.0, 0.0);

std::int64_t rows_per_block(double row_cost) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(block_ns / (row_cost + 1)));
}

void add_crossing(std::vector<Crossing>& crossings, std::int64_t segment, double t, double error,
                  std::int64_t unit, std::int8_t direction) {
    if (unit >= 0) {
        crossings.push_back({segment, t, error, unit, direction});
    }
}

/// Sorts the crossings from `first` on, all at one knot, by unit and drops opposite pairs.
void cancel_opposite(std::vector<Crossing>& crossings, std::size_t first) {
    const auto begin = crossings.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, crossings.end(), [](const Crossing& a, const Crossing& b) {
        return a.unit != b.unit ? a.unit < b.unit : a.direction < b.direction;
    });
    auto kept = begin;
    for (auto at = begin; at != crossings.end();) {
        const auto next = at + 1;
        if (next != crossings.end() && next->unit == at->unit) {
            at += 2;
        } else {
            *kept++ = *at++;
        }
    }
    crossings.erase(kept, crossings.end());
}

/// Emits one knot at `leader` for the roots [begin, end), which are taken to coincide.
template <class Iterator>
void emit_knot(const Root& leader, Iterator begin, Iterator end, std::int64_t segment,
               std::int64_t left, BlockFindings& findings) {
    const std::size_t zeros = findings.zero_units.size();
    const std::size_t first = findings.crossings.size();
    for (Iterator root = begin; root != end; ++root) {
        if (root->zero_unit >= 0) {
            findings.zero_units.push_back(root->zero_unit);
        }
        const double error = root->error + std::fabs(root->t - leader.t);
        add_crossing(findings.crossings, segment, leader.t, error, root->off, -1);
        add_crossing(findings.crossings, segment, leader.t, error, root->on, +1);
    }
    cancel_opposite(findings.crossings, first);
    findings.knots.push_back({left, leader.weight, leader.t, leader.error,
                              static_cast<std::int64_t>(findings.zero_units.size() - zeros)});
}

bool overlap(const Root& a, const Root& b) { return std::fabs(a.t - b.t) <= a.snap + b.snap; }

/// Splits roots whose snaps overlap among leaders that do not overlap each other: the root
/// known best leads, and each other root joins the nearest leader that it overlaps, if any.
void emit_group(std::vector<Root>& group, std::int64_t segment, std::int64_t left,
                BlockFindings& findings) {
    std::sort(group.begin(), group.end(), [](const Root& a, const Root& b) {
        return a.snap != b.snap ? a.snap < b.snap : a.t < b.t;
    });
    std::vector<std::vector<Root>> clusters;
    for (const Root& root : group) {
        std::vector<Root>* nearest = nullptr;
        for (std::vector<Root>& cluster : clusters) {
            const Root& leader = cluster.front();
            if (overlap(root, leader) && (!nearest || std::fabs(root.t - leader.t) <
                                                          std::fabs(root.t - nearest->front().t))) {
                nearest = &cluster;
            }
        }
        if (nearest) {
            nearest->push_back(root);
        } else {
            clusters.push_back({root});
        }
    }
    std::sort(clusters.begin(), clusters.end(),
              [](const auto& a, const auto& b) { return a.front().t < b.front().t; });
    for (const std::vector<Root>& cluster : clusters) {
        emit_knot(cluster.front(), cluster.begin(), cluster.end(), segment, left, findings);
    }
    findings.ambiguous.push_back(segment);
}

/// The Euclidean norm from the sum of squares, or a bound on it where squares left the range.
double norm_of(double squares, double largest, std::int64_t units) {
    const bool in_range = squares > 1e-280 && squares < 1e300;
    return in_range || std::isnan(squares) ? std::sqrt(squares)
                                           : largest * std::sqrt(static_cast<double>(units));
}

/// Cuts every segment into blocks of rows; a block never spans two segments.
std::vector<RowBlock> cut(const Sweep& sweep, std::int64_t block_rows) {
    std::vector<RowBlock> blocks;
    for (std::int64_t s = 0; s < sweep.segments; ++s) {
        for (std::int64_t row = sweep.offsets[s]; row < sweep.offsets[s + 1]; row += block_rows) {
            blocks.push_back({s, row, std::min(row + block_rows, sweep.offsets[s + 1])});
        }
    }
    return blocks;
}

void append_old_knot(const Sweep& sweep, std::int64_t row, KinkPlan& plan) {
    plan.t.push_back(sweep.t[row]);
    plan.t_error.push_back(sweep.t_error[row]);
    plan.sources.push_back({row, row, 0.0, 0, 0});
}

/// The plan's rows: old knots in order, each followed by the new knots of its interval.
void merge_knots(const Sweep& sweep, const std::vector<RowBlock>& blocks,
                 const std::vector<BlockFindings>& findings, KinkPlan& plan) {
    plan.offsets.push_back(0);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        auto knot = findings[b].knots.begin();
        auto zero = findings[b].zero_units.begin();
        for (std::int64_t row = blocks[b].begin; row < blocks[b].end; ++row) {
            append_old_knot(sweep, row, plan);
            for (; knot != findings[b].knots.end() && knot->left == row; ++knot) {
                plan.t.push_back(knot->t);
                plan.t_error.push_back(knot->t_error);
                const auto zeros = static_cast<std::int64_t>(plan.zero_units.size());
                plan.sources.push_back(
                    {row, row + 1, knot->weight, zeros, zeros + knot->zero_units});
                plan.zero_units.insert(plan.zero_units.end(), zero, zero + knot->zero_units);
                zero += knot->zero_units;
            }
        }
        if (blocks[b].end == sweep.offsets[blocks[b].segment + 1]) {
            plan.offsets.push_back(static_cast<std::int64_t>(plan.t.size()));
        }
    }
}

}  // namespace

Root make_root(const Sweep& sweep, std::int64_t left, double weight, double change, double snap,
               double bound, double rounding) {
    const double begin = sweep.t[left];
    const double end = sweep.t[left + 1];
    const double t = std::clamp(begin + weight * (end - begin), std::max(begin, above_zero),
                                std::min(end, below_one));
    const double width = (end - begin) / std::fabs(change);
    return {weight, t, snap * width + rounding, bound * width + rounding, -1, -1, -1};
}

void insert_roots(std::vector<Root>& roots, std::int64_t segment, std::int64_t left,
                  BlockFindings& findings) {
    std::sort(roots.begin(), roots.end(),
              [](const Root& a, const Root& b) { return a.t - a.error < b.t - b.error; });
    for (auto begin = roots.begin(); begin != roots.end();) {
        double reach = begin->t + begin->snap;
        auto end = begin + 1;
        for (; end != roots.end() && end->t - end->snap <= reach; ++end) {
            reach = std::max(reach, end->t + end->snap);
        }
        if (end - begin == 1) {
            emit_knot(*begin, begin, end, segment, left, findings);
        } else {
            std::vector<Root> group(begin, end);
            emit_group(group, segment, left, findings);
        }
        begin = end;
    }
}

double error_at_knot(const Sweep& sweep, std::int64_t row, double before, double after,
                     double bound) {
    double error = 0;
    if (std::fabs(before) > bound) {
        error = (sweep.t[row] - sweep.t[row - 1]) * (2 * bound / std::fabs(before));
    }
    if (std::fabs(after) > bound) {
        error = std::max(error, (sweep.t[row + 1] - sweep.t[row]) * (2 * bound / std::fabs(after)));
    }
    return sweep.t_error[row] + error;
}

KinkPlan assemble(const Sweep& sweep, double row_cost,
                  const std::function<void(const RowBlock&, BlockFindings&)>& find,
                  const Interrupt& interrupt) {
    const std::vector<RowBlock> blocks = cut(sweep, rows_per_block(row_cost));
    std::vector<BlockFindings> findings(blocks.size());
    parallel_for(
        static_cast<std::int64_t>(blocks.size()), row_cost * static_cast<double>(sweep.rows),
        [&](std::int64_t b) {
            find(blocks[static_cast<std::size_t>(b)], findings[static_cast<std::size_t>(b)]);
        },
        interrupt);

    KinkPlan plan;
    merge_knots(sweep, blocks, findings, plan);
    plan.ambiguous.assign(static_cast<std::size_t>(sweep.segments), 0);
    for (const BlockFindings& found : findings) {
        plan.crossings.insert(plan.crossings.end(), found.crossings.begin(), found.crossings.end());
        for (const std::int64_t segment : found.ambiguous) {
            plan.ambiguous[static_cast<std::size_t>(segment)] = 1;
        }
    }
    return plan;
}

RowSizes fill_rows(const KinkPlan& plan, std::int64_t units, double row_cost, double* out,
                   const std::function<void(const RowSource&, double*)>& fill,
                   const Interrupt& interrupt) {
    const auto rows = static_cast<std::int64_t>(plan.sources.size());
    const std::int64_t block_rows = rows_per_block(row_cost);
    RowSizes sizes{std::vector<double>(plan.sources.size()),
                   std::vector<double>(plan.sources.size())};
    const auto fill_block = [&](std::int64_t block) {
        const std::int64_t end = std::min(rows, (block + 1) * block_rows);
        for (std::int64_t i = block * block_rows; i < end; ++i) {
            const auto row = static_cast<std::size_t>(i);
            double* const to = out + i * units;
            fill(plan.sources[row], to);
            double squares = 0;
            kernels().row_size(to, static_cast<std::size_t>(units), &squares, &sizes.largest[row]);
            sizes.norm2[row] = norm_of(squares, sizes.largest[row], units);
        }
    };
    parallel_for((rows + block_rows - 1) / block_rows, row_cost * static_cast<double>(rows),
                 fill_block, interrupt);
    return sizes;
}

}  // namespace splinecode
