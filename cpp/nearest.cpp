#include "nearest.hpp"

#include <algorithm>

namespace splinecode {

bool Nearest::add(NeighborKey key) {
    if (keys_.size() >= static_cast<std::size_t>(most_keys(static_cast<std::int64_t>(k_)))) {
        keep_least();
    }
    keys_.push_back(key);
    const std::int64_t distance = distance_of(key);
    if (distance == kth_) {
        return false;  // in any order: perhaps before another of the same distance
    }
    ++below_;
    if (kth_ != open_limit && distance > top_ - window) {
        ++count(distance);
    }
    if (below_ < k_) {
        return false;
    }
    lower();
    return true;
}

/// k keys are nearer than the k-th distance: the farthest of them has the new one.
void Nearest::lower() {
    const bool counted = kth_ != open_limit;
    std::int64_t farthest = kth_ - 1;
    while (counted && farthest > top_ - window && count(farthest) == 0) {
        --farthest;
    }
    if (!counted || farthest <= top_ - window) {
        recount();
        farthest = top_;
    }
    kth_ = farthest;
    below_ -= count(farthest);
}

/// Counts anew from the farthest key below the k-th distance on.
void Nearest::recount() {
    top_ = 0;
    for (const NeighborKey key : keys_) {
        if (distance_of(key) < kth_) {
            top_ = std::max<std::int64_t>(top_, distance_of(key));
        }
    }
    counts_.fill(0);
    for (const NeighborKey key : keys_) {
        const std::int64_t distance = distance_of(key);
        if (distance <= top_ && distance > top_ - window) {
            ++count(distance);
        }
    }
}

void Nearest::keep_least() {
    const auto kth = keys_.begin() + static_cast<std::ptrdiff_t>(k_) - 1;
    std::nth_element(keys_.begin(), kth, keys_.end());
    keys_.resize(k_);
}

}  // namespace splinecode
