#pragma once

#include <cmath>
#include <cstdint>

#include "sweep/doubt.hpp"
#include "sweep/host_device.hpp"
#include "sweep/root.hpp"

/// The largest of some linear functions between two knots: what the sweeps of the CPU and of a GPU
/// decide about the windows of a maximum.
namespace splinecode::sweep {

/// A window's elements between two knots: straight lines in the weight, from `left` to `right`.
/// They are those of two rows at index[0], ..., index[size - 1]; -1 is no element, and one is one.
template <class T>
class Lines {
public:
    SPLINECODE_HOST_DEVICE Lines(const std::int32_t* index, std::int64_t size, const T* left,
                                 const T* right)
        : index_(index), size_(size), left_(left), right_(right) {}

    SPLINECODE_HOST_DEVICE std::int64_t size() const { return size_; }
    SPLINECODE_HOST_DEVICE bool real(std::int64_t e) const { return index_[e] >= 0; }
    SPLINECODE_HOST_DEVICE double left(std::int64_t e) const {
        return static_cast<double>(left_[index_[e]]);
    }
    SPLINECODE_HOST_DEVICE double right(std::int64_t e) const {
        return static_cast<double>(right_[index_[e]]);
    }
    SPLINECODE_HOST_DEVICE double between(std::int64_t e, double weight) const {
        return left(e) + weight * (right(e) - left(e));
    }
    SPLINECODE_HOST_DEVICE std::int32_t element(std::int64_t e) const { return index_[e]; }

    /// The lowest of the largest elements at an end.
    SPLINECODE_HOST_DEVICE std::int64_t highest_left() const { return highest<&Lines::left>(); }
    SPLINECODE_HOST_DEVICE std::int64_t highest_right() const { return highest<&Lines::right>(); }

    /// The largest element just after the left end: of those that tie there, the largest at the
    /// right end, the lowest of those that tie there too.
    SPLINECODE_HOST_DEVICE std::int64_t first(double snap) const {
        std::int64_t best = highest_left();
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

    /// The element that overtakes `current` first, and where; -1 if none does before the right end.
    /// It is larger there by more than snap: a walk from one to the next ends, NaNs or not.
    SPLINECODE_HOST_DEVICE std::int64_t next(std::int64_t current, double snap,
                                             double& weight) const {
        std::int64_t overtaking = -1;
        for (std::int64_t e = 0; e < size_; ++e) {
            if (!real(e) || !(right(e) - right(current) > snap)) {
                continue;
            }
            const double behind = larger(0.0, left(current) - left(e));
            const double here = behind / (behind + (right(e) - right(current)));
            if (overtaking < 0 || here < weight) {
                overtaking = e;
                weight = here;
            }
        }
        return overtaking < 0 ? -1 : largest_after(overtaking, snap, weight);
    }

private:
    /// Of the elements that tie with `e` at `weight`, the largest at the right end, the lowest of
    /// those that tie there too.
    SPLINECODE_HOST_DEVICE std::int64_t largest_after(std::int64_t e, double snap,
                                                      double weight) const {
        double top = right(e);
        for (std::int64_t other = 0; other < size_; ++other) {
            top = tie(e, other, snap, weight) ? larger(top, right(other)) : top;
        }
        for (std::int64_t other = 0; other < size_; ++other) {
            if (tie(e, other, snap, weight) && top - right(other) <= snap) {
                return other;
            }
        }
        return e;
    }

    SPLINECODE_HOST_DEVICE bool tie(std::int64_t e, std::int64_t other, double snap,
                                    double weight) const {
        return real(other) && between(e, weight) - between(other, weight) <= snap;
    }

    template <auto end>
    SPLINECODE_HOST_DEVICE std::int64_t highest() const {
        std::int64_t found = -1;
        for (std::int64_t e = 0; e < size_; ++e) {
            if (real(e) && (found < 0 || (this->*end)(e) > (this->*end)(found))) {
                found = e;
            }
        }
        return found;
    }

    const std::int32_t* index_;
    std::int64_t size_;
    const T* left_;
    const T* right_;
};

/// Elements closer than `snap` are taken to tie; their differences are known to within `bound`.
struct WindowTolerance {
    double snap;
    double bound;
};

/// The upper envelope of a window between the knots `low` and `high`. `exact` tells of each element
/// whether its zeros are those of inactive units (Cell::exact_zeros). What is found goes to a sink:
///   sink.root(root)       a change of the largest, from element root.off to root.on
///   sink.ambiguous(range)
///   sink.assumed(range)   elements that were computed equal: taken to be so; not by walk
template <class T>
class Envelope {
public:
    SPLINECODE_HOST_DEVICE Envelope(const Lines<T>& lines, double low, double high,
                                    const WindowTolerance& tolerance, const std::uint8_t* exact)
        : lines_(lines),
          low_(low),
          high_(high),
          snap_(tolerance.snap),
          bound_(tolerance.bound),
          exact_(exact) {}

    SPLINECODE_HOST_DEVICE std::int64_t first() const { return lines_.first(snap_); }

    /// Elements within the bound of the largest at an end of the interval, as far as they stay so.
    template <class Sink>
    SPLINECODE_HOST_DEVICE void mark_ties(const Sink& sink) const {
        const std::int64_t left_top = lines_.highest_left();
        const std::int64_t right_top = lines_.highest_right();
        const double gap = high_ - low_;
        for (std::int64_t e = 0; e < lines_.size(); ++e) {
            if (!lines_.real(e)) {
                continue;
            }
            if (e != left_top && !(lines_.left(left_top) - lines_.left(e) > bound_)) {
                mark(e, left_top, low_, 0, gap, sink);
            }
            if (e != right_top && !(lines_.right(right_top) - lines_.right(e) > bound_)) {
                mark(e, right_top, high_, gap, 0, sink);
            }
        }
    }

    /// The changes of the largest from `current` on, which is the largest at the left end. Returns
    /// that at the right end.
    template <class Sink>
    SPLINECODE_HOST_DEVICE std::int64_t walk(std::int64_t current, const Sink& sink) const {
        Root last{};
        bool any = false;
        double weight = 0;
        for (std::int64_t e = lines_.next(current, snap_, weight); e >= 0;
             e = lines_.next(current, snap_, weight)) {
            const Root root = change(weight, current, e);
            // Three or more elements that meet at one point give one change, from first to last.
            if (any && root.t - root.snap <= last.t + last.snap) {
                last.on = e;
                last.error = larger(last.error, root.error);
                sink.ambiguous(Range{smaller(root.t, last.t) - last.error,
                                     larger(root.t, last.t) + last.error});
            } else {
                if (any) {
                    sink.root(last);
                }
                last = root;
                any = true;
            }
            mark_others(weight, current, e, sink);
            current = e;
        }
        if (any) {
            sink.root(last);
        }
        return current;
    }

    /// Half width of what is known of a change from element `off` to `on` at the knot between this
    /// interval and the one after it.
    SPLINECODE_HOST_DEVICE double doubt_of_change(const Envelope& after, std::int64_t off,
                                                  std::int64_t on) const {
        // Where both are inactive on one side, the change is where a unit crossed, which is a knot.
        if (both_inactive(off, on) || after.both_inactive(off, on)) {
            return 0;
        }
        return doubt_at_knot(bound_, lines_.left(off) - lines_.left(on), high_ - low_,
                             after.lines_.right(on) - after.lines_.right(off),
                             after.high_ - after.low_);
    }

private:
    template <class Sink>
    SPLINECODE_HOST_DEVICE void mark(std::int64_t e, std::int64_t top, double knot, double before,
                                     double after, const Sink& sink) const {
        const double left = lines_.left(top) - lines_.left(e);
        const double right = lines_.right(top) - lines_.right(e);
        const double near = after > 0 ? left : right;
        const double reach =
            reach_of(bound_, near, after > 0 ? right : left, larger(before, after));
        const Range range{before > 0 ? knot - reach : knot, after > 0 ? knot + reach : knot};
        if (near != 0) {
            sink.ambiguous(Range{range.low - t_rounding, range.high + t_rounding});
        } else if (!both_inactive(e, top)) {
            sink.assumed(range);
        }
    }

    SPLINECODE_HOST_DEVICE bool inactive(std::int64_t e) const {
        return lines_.left(e) == 0 && lines_.right(e) == 0 && exact_[lines_.element(e)] != 0;
    }
    SPLINECODE_HOST_DEVICE bool both_inactive(std::int64_t a, std::int64_t b) const {
        return bound_ == 0 || (inactive(a) && inactive(b));
    }

    SPLINECODE_HOST_DEVICE Root change(double weight, std::int64_t off, std::int64_t on) const {
        const double left = lines_.left(on) - lines_.left(off);
        const double right = lines_.right(on) - lines_.right(off);
        Root root = root_of({low_, high_, left, right, snap_, bound_}, weight);
        root.off = off;
        root.on = on;
        root.threshold = -1;
        return root;
    }

    /// Elements within the bound of the largest where it changes from `off` to `on`: between the
    /// ends of an interval, an element comes closest to the largest there or at an end, since the
    /// largest is convex.
    template <class Sink>
    SPLINECODE_HOST_DEVICE void mark_others(double weight, std::int64_t off, std::int64_t on,
                                            const Sink& sink) const {
        const double top = larger(lines_.between(off, weight), lines_.between(on, weight));
        const double gap = high_ - low_;
        const double knot = low_ + weight * gap;
        for (std::int64_t e = 0; e < lines_.size(); ++e) {
            if (e == off || e == on || !lines_.real(e)) {
                continue;
            }
            const double near = top - lines_.between(e, weight);
            if (!(near > bound_)) {
                const double before =
                    reach_of(bound_, near, lines_.left(off) - lines_.left(e), weight * gap);
                const double after =
                    reach_of(bound_, near, lines_.right(on) - lines_.right(e), (1 - weight) * gap);
                sink.ambiguous(Range{knot - before - t_rounding, knot + after + t_rounding});
            }
        }
    }

    Lines<T> lines_;
    double low_;
    double high_;
    double snap_;
    double bound_;
    const std::uint8_t* exact_;
};

}  // namespace splinecode::sweep
