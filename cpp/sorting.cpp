#include "sorting.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "memory.hpp"

namespace splinecode {
namespace {

/// Rows are cut into ranges of about this many before each is sorted by itself: small enough for
/// the second cache and for a quick Ctrl-C.
constexpr std::int64_t range_items = 1 << 14;
constexpr std::int64_t samples_per_range = 16;
constexpr double ns_per_comparison = 5;
/// Scratch a row: its number, its item twice, its range.
constexpr std::int64_t scratch_bytes = 44;

/// A row and the first word of its code, which decides most comparisons without a look at the code.
struct Item {
    std::uint64_t first;
    std::int64_t row;
};

class Before {
public:
    explicit Before(const CodeRows& codes) : codes_(codes) {}

    bool operator()(const Item& a, const Item& b) const {
        if (a.first != b.first) {
            return a.first < b.first;
        }
        const std::uint64_t* left = codes_.row(a.row);
        const std::uint64_t* right = codes_.row(b.row);
        for (std::int64_t w = 1; w < codes_.words; ++w) {
            if (left[w] != right[w]) {
                return left[w] < right[w];
            }
        }
        return a.row < b.row;
    }

private:
    const CodeRows& codes_;
};

/// Evenly spaced items of a sorted sample: what lies between two neighbours is a range.
std::vector<Item> splitters(const std::vector<Item>& items, std::size_t ranges,
                            const Before& before) {
    const std::size_t n = ranges * samples_per_range;
    std::vector<Item> sample(n);
    for (std::size_t i = 0; i < n; ++i) {
        sample[i] = items[items.size() / n * i];
    }
    std::sort(sample.begin(), sample.end(), before);
    std::vector<Item> chosen;
    for (std::size_t i = samples_per_range; i < n; i += samples_per_range) {
        chosen.push_back(sample[i]);
    }
    return chosen;
}

}  // namespace

void sort_by_code(const CodeRows& codes, std::vector<std::int64_t>& rows,
                  const Interrupt& interrupt) {
    const auto n = static_cast<std::int64_t>(rows.size());
    const Before before(codes);
    const std::int64_t blocks = (n + range_items - 1) / range_items;
    const double comparisons = static_cast<double>(n) * 16;
    const auto item_of = [&](std::int64_t row) {
        return Item{codes.words > 0 ? codes.row(row)[0] : 0, row};
    };
    const auto for_each_block = [&](const auto& body) {
        parallel_for(
            blocks, comparisons * ns_per_comparison / 4,
            [&](std::int64_t block) {
                const std::int64_t end = std::min(n, (block + 1) * range_items);
                for (std::int64_t i = block * range_items; i < end; ++i) {
                    body(static_cast<std::size_t>(i));
                }
            },
            interrupt);
    };

    std::vector<Item> items(rows.size());
    for_each_block([&](std::size_t i) { items[i] = item_of(rows[i]); });
    if (blocks <= 1) {
        std::sort(items.begin(), items.end(), before);
    } else {
        // Every item to its range, keeping the ranges apart; then each range by itself.
        const auto between = splitters(items, static_cast<std::size_t>(blocks), before);
        std::vector<std::int32_t> range(rows.size());
        for_each_block([&](std::size_t i) {
            const auto at = std::upper_bound(between.begin(), between.end(), items[i], before);
            range[i] = static_cast<std::int32_t>(at - between.begin());
        });
        std::vector<std::int64_t> begin(static_cast<std::size_t>(blocks) + 1, 0);
        for (const std::int32_t r : range) {
            ++begin[static_cast<std::size_t>(r) + 1];
        }
        std::partial_sum(begin.begin(), begin.end(), begin.begin());
        std::vector<Item> apart(items.size());
        std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
        for (std::size_t i = 0; i < items.size(); ++i) {
            apart[static_cast<std::size_t>(next[static_cast<std::size_t>(range[i])]++)] = items[i];
        }
        items.swap(apart);
        const auto sort_range = [&](std::int64_t r) {
            const auto at = begin.begin() + r;
            std::sort(items.begin() + at[0], items.begin() + at[1], before);
        };
        parallel_for(blocks, comparisons * ns_per_comparison, sort_range, interrupt);
    }
    for_each_block([&](std::size_t i) { rows[i] = items[i].row; });
}

void argsort(const CodeRows& codes, std::int64_t* order, const Interrupt& interrupt) {
    need_memory(saturating_product({codes.rows, scratch_bytes}),
                "places of " + std::to_string(codes.rows) + " codes");
    std::vector<std::int64_t> rows(static_cast<std::size_t>(codes.rows));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    sort_by_code(codes, rows, interrupt);
    std::copy(rows.begin(), rows.end(), order);
}

}  // namespace splinecode
