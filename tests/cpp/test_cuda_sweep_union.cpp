// Unions of the knots of lists, on the emulator, against sets of the standard library.

#include <cuda_runtime.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "check.hpp"
#include "cuda_tests.hpp"
#include "drawn_sweep.hpp"
#include "sweep_union.hpp"

namespace {

using namespace splinecode;

/// All knots of some tracks: from 0 to 1, as many as are wanted, of which some may occur twice.
struct DrawnKnots {
    std::vector<std::int64_t> begin{0};
    std::vector<double> t;

    DrawnKnots(const std::vector<std::int64_t>& sizes, Random& random) {
        for (const std::int64_t size : sizes) {
            for (std::int64_t i = 0; i < size; ++i) {
                t.push_back(static_cast<double>(i) / static_cast<double>(size - 1));
            }
            if (random.one_in(3)) {
                t.insert(t.end() - 1, t[t.size() - index(random.from(2, size))]);
                std::ranges::sort(t.begin() + begin.back(), t.end());
            }
            begin.push_back(static_cast<std::int64_t>(t.size()));
        }
    }
    std::int64_t tracks() const { return static_cast<std::int64_t>(begin.size()) - 1; }
    cuda::KnotWords layout() const {
        return {begin.data(), tracks(), static_cast<std::int64_t>(t.size())};
    }
    /// Some of a track's: the ends alone, all, or one in a few.
    std::vector<double> some(Random& random, std::int64_t track) const {
        const std::int64_t one_in = random.one_of<std::int64_t>({1, 2, 30, 1 << 30});
        std::set<double> chosen{0, 1};
        for (std::int64_t i = begin[index(track)]; i < begin[index(track) + 1]; ++i) {
            if (random.one_in(one_in)) {
                chosen.insert(t[index(i)]);
            }
        }
        return {chosen.begin(), chosen.end()};
    }
};

/// The lists of some cells, with no values.
struct DrawnLists {
    std::vector<std::vector<double>> knots;
    std::vector<std::int64_t> t_address;
    std::vector<std::int64_t> count;
    std::int64_t tracks;

    DrawnLists(Random& random, const DrawnKnots& all, std::int64_t cells) : tracks(all.tracks()) {
        for (std::int64_t list = 0; list < cells * tracks; ++list) {
            knots.push_back(all.some(random, list % tracks));
        }
        for (const std::vector<double>& of : knots) {
            t_address.push_back(reinterpret_cast<std::int64_t>(of.data()));
            count.push_back(static_cast<std::int64_t>(of.size()));
        }
    }
    DrawnLists(const DrawnLists&) = delete;
    DrawnLists& operator=(const DrawnLists&) = delete;

    cuda::ListTable table() const {
        return {t_address.data(), nullptr, count.data(), nullptr, tracks};
    }
};

struct Rows {
    std::vector<std::int64_t> begin;
    std::vector<std::int32_t> row_list;
    std::vector<double> t;

    bool operator==(const Rows&) const = default;
};

/// Marks, counts and writes, as a sweep does.
Rows united(const DrawnLists& lists, const DrawnKnots& all, const cuda::CellPairs& pairs,
            std::int64_t cells) {
    const cuda::KnotWords layout = all.layout();
    std::vector<std::uint64_t> words(index(cells * layout.per_cell()));
    std::vector<std::int64_t> row(words.size() + 1);
    cuda::mark_knots(lists.table(), pairs, layout, all.t.data(), words.data(), {});
    cuda::count_knots(words.data(), static_cast<std::int64_t>(words.size()), row.data() + 1, {});
    for (std::size_t w = 0; w < words.size(); ++w) {
        row[w + 1] += row[w];
    }
    const std::size_t n = index(row.back());
    Rows found{std::vector<std::int64_t>(index(cells * layout.tracks) + 1, -1),
               std::vector<std::int32_t>(n, -1), std::vector<double>(n, -1)};
    cuda::write_knots({words.data(), row.data(), cells}, layout, all.t.data(),
                      {found.begin.data(), found.row_list.data(), found.t.data()}, {});
    return found;
}

void check_union(Random& random, const std::vector<std::int64_t>& sizes) {
    const FewerBlocks fewer(random);
    const DrawnKnots all(sizes, random);
    const std::int64_t cells = random.from(1, 4);
    const DrawnLists lists(random, all, cells);
    const std::int64_t out_cells = random.from(1, 4);
    std::vector<std::int64_t> cell;
    std::vector<std::int64_t> out;
    for (std::int64_t pair = random.from(0, 8); pair > 0; --pair) {
        cell.push_back(random.from(0, cells - 1));
        out.push_back(random.from(0, out_cells - 1));  // some cells may take none
    }
    Rows wanted{{0}, {}, {}};
    for (std::int64_t list = 0; list < out_cells * all.tracks(); ++list) {
        std::set<double> together;
        for (std::size_t pair = 0; pair < cell.size(); ++pair) {
            if (out[pair] == list / all.tracks()) {
                const auto& some =
                    lists.knots[index(cell[pair] * all.tracks() + list % all.tracks())];
                together.insert(some.begin(), some.end());
            }
        }
        std::ranges::copy(together, std::back_inserter(wanted.t));
        wanted.row_list.resize(wanted.t.size(), static_cast<std::int32_t>(list));
        wanted.begin.push_back(static_cast<std::int64_t>(wanted.t.size()));
    }
    const auto pairs = static_cast<std::int64_t>(cell.size());
    CHECK(united(lists, all, {cell.data(), out.data(), pairs}, out_cells) == wanted);
}

}  // namespace

TEST(emulated_unions_are_those_of_sets) {
    Random random(61);
    check_union(random, {2});
    check_union(random, {64, 65, 2, 63});
    check_union(random, {65, 64, 128, 129});
    for (int round = 0; round < rounds(40); ++round) {
        std::vector<std::int64_t> sizes;
        for (std::int64_t track = random.from(1, 9); track > 0; --track) {
            sizes.push_back(random.one_of<std::int64_t>({2, 3, 62, 63, 64, 65, 127, 128, 300}));
        }
        check_union(random, sizes);
    }
}

TEST(emulated_unions_of_nothing_launch_nothing) {
    const long launches = emulator::runtime.launches;
    const std::int64_t begin[] = {0, 2};
    const cuda::KnotWords layout{begin, 1, 2};
    cuda::mark_knots({}, {}, layout, nullptr, nullptr, {});
    cuda::count_knots(nullptr, 0, nullptr, {});
    cuda::write_knots({}, layout, nullptr, {}, {});
    CHECK_EQ(emulator::runtime.launches, launches);
}
