#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "neighbor_key.hpp"

namespace splinecode {

/// The k least keys of a stream, with the limit, the k-th least distance so far, exact after every
/// key: distances are small integers, so counting them tells it without sorting. O(1) a key on
/// average.
class Nearest {
public:
    /// Above every distance: fewer than k keys were seen.
    static constexpr std::int64_t open_limit = std::int64_t{1} << 31;

    /// In which order the indices of the stream come.
    enum class Order { rising, any };

    /// Keys that are kept at a time, at most, to find k.
    static constexpr std::int64_t most_keys(std::int64_t k) { return 2 * k + 64; }

    explicit Nearest(std::size_t k, Order order = Order::rising) : k_(k), order_(order) {}

    /// Only keys below this distance matter from now on. At the k-th distance itself rising indices
    /// come too late.
    std::int64_t limit() const {
        return kth_ == open_limit || order_ == Order::rising ? kth_ : kth_ + 1;
    }

    /// Takes a key below the limit; returns whether the limit fell.
    bool add(NeighborKey key);

    /// The k least keys, or all if fewer were seen, and perhaps others; in no order.
    const std::vector<NeighborKey>& keys() const { return keys_; }

private:
    /// Counts reach this far below the highest distance counted; what is nearer is recounted when
    /// the k-th distance comes there.
    static constexpr std::int64_t window = 64;

    std::uint32_t& count(std::int64_t distance) {
        return counts_[static_cast<std::size_t>(top_ - distance)];
    }
    void lower();
    void recount();
    void keep_least();

    std::size_t k_;
    Order order_;
    std::size_t below_ = 0;  // keys nearer than the k-th distance
    std::int64_t kth_ = open_limit;
    std::int64_t top_ = 0;  // counts_[i] is of distance top_ - i
    std::array<std::uint32_t, window> counts_{};
    std::vector<NeighborKey> keys_;
};

}  // namespace splinecode
