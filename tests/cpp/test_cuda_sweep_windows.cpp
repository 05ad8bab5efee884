// The kernels of a sweep's maxima and chords, on the emulator, against plain loops: scans over
// elements drawn from few values, so that they tie.

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "cuda_tests.hpp"
#include "drawn_sweep.hpp"
#include "sweep/envelope.hpp"
#include "sweep_rows.hpp"
#include "sweep_windows.hpp"

namespace {

using namespace splinecode;

/// A layer of maxima over elements at the knots of its cells.
template <class T>
struct DrawnWindows {
    DrawnRows<T> rows;  // of elements
    std::int64_t size;
    std::vector<std::int64_t> begin{0};
    std::vector<std::int32_t> index;
    std::vector<std::int64_t> bits;
    std::vector<std::uint8_t> exact;
    std::vector<double> snap;
    std::vector<double> bound;
    // Knots of the tracks, of which some lists' are part.
    std::vector<std::int64_t> table_begin{0};
    std::vector<double> table_t;
    std::vector<double> table_error;

    DrawnWindows(Random& random, const std::vector<std::int32_t>& widths, std::int64_t tracks)
        : rows(random, widths, tracks, random.one_in(2)), size(random.one_of({1, 2, 4, 9})) {
        const bool ties = random.one_in(2);
        for (T& value : rows.values) {
            value = ties ? static_cast<T>(random.from(-1, 2)) : value;
        }
        for (const std::int32_t width : widths) {
            for (std::int64_t w = random.from(0, 70); w > 0; --w) {
                draw_window(random, width);
            }
            begin.push_back(static_cast<std::int64_t>(bits.size()));
        }
        for (std::int64_t i = 0; i < rows.column_begin.back(); ++i) {
            exact.push_back(random.one_in(2) ? 1 : 0);
        }
        for (std::int64_t track = 0; track < tracks; ++track) {
            snap.push_back(random.one_of({0.0, 1e-9, 0.05}));
            bound.push_back(snap.back() * random.one_of({1.0, 4.0}));
            for (const double t : drawn_knots(random, 60)) {
                table_t.push_back(t);
                table_error.push_back(1e-6 * std::fabs(random.normal()));
            }
            table_begin.push_back(static_cast<std::int64_t>(table_t.size()));
        }
    }

    void draw_window(Random& random, std::int32_t width) {
        const std::size_t first = index.size();
        for (std::int64_t e = 0; e < size; ++e) {
            index.push_back(
                random.one_in(5) ? -1 : static_cast<std::int32_t>(random.from(0, width - 1)));
        }
        index[first + ::index(random.from(0, size - 1))] =
            static_cast<std::int32_t>(random.from(0, width - 1));
        bits.push_back(static_cast<std::int64_t>(bits.size()) * size);
    }

    cuda::Windows windows() const { return {begin.data(), index.data(), size}; }
    cuda::WindowScan<T> scan() const {
        return {windows(),    rows.rows(), rows.t.data(), rows.values.data(),
                exact.data(), snap.data(), bound.data()};
    }
    cuda::KnotTable knots() const {
        return {table_begin.data(), table_t.data(), nullptr, table_error.data(), nullptr};
    }
    double error_at(std::size_t track, double t) const {
        for (std::int64_t i = table_begin[track]; i < table_begin[track + 1]; ++i) {
            if (table_t[::index(i)] == t) {
                return table_error[::index(i)];
            }
        }
        return 0;
    }
};

struct Event {
    double t;
    double error;
    std::int64_t track;
    std::int64_t bit;
    std::int64_t direction;
};

/// What the CPU finds, by row.
struct Found {
    std::vector<std::vector<sweep::Root>> roots;
    std::vector<std::vector<Event>> events;
    std::vector<std::vector<sweep::Range>> ambiguous;
    std::vector<std::vector<sweep::Range>> assumed;
    std::vector<std::vector<std::int64_t>> first;  // bits, by track

    explicit Found(std::size_t rows, std::size_t tracks)
        : roots(rows), events(rows), ambiguous(rows), assumed(rows), first(tracks) {}
};

struct RowSink {
    Found& to;
    std::size_t row;
    std::int64_t bit;
    std::int64_t w;

    void root(sweep::Root found) const {
        found.off += bit;
        found.on += bit;
        found.column = static_cast<std::int32_t>(w);
        to.roots[row].push_back(found);
    }
    void ambiguous(const sweep::Range& range) const { to.ambiguous[row].push_back(range); }
    void assumed(const sweep::Range& range) const { to.assumed[row].push_back(range); }
};

/// A window of one list, as max_windows.cpp goes over it.
template <class T>
void scan_list(const DrawnWindows<T>& drawn, std::int64_t list, std::int64_t w, Found& found) {
    const cuda::NodeRows rows = drawn.rows.rows();
    const std::int64_t cell = list / rows.tracks;
    const std::size_t track = index(list % rows.tracks);
    const std::int64_t bit = drawn.bits[index(drawn.begin[index(cell)] + w)];
    const auto envelope = [&](std::int64_t row) {
        const T* const left = drawn.rows.values.data() + rows.values(list, row);
        return sweep::Envelope<T>(
            {drawn.windows().window(cell, w), drawn.size, left, left + rows.width(list)},
            drawn.rows.t[index(row)], drawn.rows.t[index(row + 1)],
            {drawn.snap[track], drawn.bound[track]},
            drawn.exact.data() + drawn.rows.column_begin[index(cell)]);
    };
    std::int64_t largest = -1;
    for (std::int64_t row = rows.begin[list]; row + 1 < rows.begin[list + 1]; ++row) {
        const RowSink sink{found, index(row), bit, w};
        const sweep::Envelope<T> here = envelope(row);
        const std::int64_t first = here.first();
        here.mark_ties(sink);
        if (largest < 0) {
            found.first[track].push_back(bit + first);
        } else if (first != largest) {
            const double t = drawn.rows.t[index(row)];
            const double error = envelope(row - 1).doubt_of_change(here, largest, first) +
                                 drawn.error_at(track, t) + sweep::t_rounding;
            const auto of_track = static_cast<std::int64_t>(track);
            found.events[index(row)].push_back({t, error, of_track, bit + largest, -1});
            found.events[index(row)].push_back({t, error, of_track, bit + first, 1});
        }
        largest = here.walk(first, sink);
    }
}

/// Room for what was counted.
struct FoundArrays {
    std::vector<double> numbers;
    std::vector<std::int64_t> places;

    FoundArrays(std::int64_t n, std::int64_t number_fields, std::int64_t place_fields)
        : numbers(index(number_fields * n), -1), places(index(place_fields * n), -1) {}
};

template <class T>
std::vector<std::int64_t> check_counts(const DrawnWindows<T>& drawn, const Found& wanted) {
    const std::size_t rows = wanted.roots.size();
    std::vector<std::int64_t> counts(4 * rows, -1);
    cuda::count_windows(drawn.scan(), counts.data(), {});
    bool good = true;
    for (std::size_t row = 0; row < rows; ++row) {
        good = good && index(counts[row]) == wanted.roots[row].size() &&
               index(counts[rows + row]) == wanted.events[row].size() &&
               index(counts[2 * rows + row]) == wanted.ambiguous[row].size() &&
               index(counts[3 * rows + row]) == wanted.assumed[row].size();
    }
    CHECK(good);
    return counts;
}

void check_ranges(const FoundArrays& got, std::int64_t tracks,
                  const std::vector<std::int32_t>& list,
                  const std::vector<std::vector<sweep::Range>>& wanted) {
    const std::size_t n = got.places.size();
    std::size_t i = 0;
    bool good = true;
    for (std::size_t row = 0; row < wanted.size(); ++row) {
        for (const sweep::Range& range : wanted[row]) {
            good = good && got.numbers[i] == range.low && got.numbers[n + i] == range.high &&
                   got.places[i] == list[row] % tracks;
            ++i;
        }
    }
    CHECK(good && i == n);
}

void check_roots(const FoundArrays& got, const std::vector<std::vector<sweep::Root>>& wanted) {
    const std::size_t n = got.places.size() / 6;
    std::size_t i = 0;
    bool good = true;
    for (std::size_t row = 0; row < wanted.size(); ++row) {
        for (const sweep::Root& root : wanted[row]) {
            const double numbers[] = {root.t,     root.snap, root.error, root.slope,
                                      root.reach, root.low,  root.high};
            const std::int64_t places[] = {
                static_cast<std::int64_t>(row), root.column, -1, root.off, root.on, root.at_knot};
            for (std::size_t field = 0; field < 7; ++field) {
                good = good && got.numbers[field * n + i] == numbers[field];
            }
            for (std::size_t field = 0; field < 6; ++field) {
                good = good && got.places[field * n + i] == places[field];
            }
            ++i;
        }
    }
    CHECK(good && i == n);
}

void check_events(const FoundArrays& got, const std::vector<std::vector<Event>>& wanted) {
    const std::size_t n = got.places.size() / 3;
    std::size_t i = 0;
    bool good = true;
    for (const auto& row : wanted) {
        for (const Event& event : row) {
            good = good && got.numbers[i] == event.t && got.numbers[n + i] == event.error &&
                   got.places[i] == event.track && got.places[n + i] == event.bit &&
                   got.places[2 * n + i] == event.direction;
            ++i;
        }
    }
    CHECK(good && i == n);
}

/// Emits what was counted, and checks it.
template <class T>
void check_emitted(const DrawnWindows<T>& drawn, const std::vector<std::int64_t>& counts,
                   const Found& wanted) {
    const std::size_t rows = wanted.roots.size();
    std::vector<std::int64_t> starts(counts.size());
    std::int64_t totals[4];
    for (std::size_t kind = 0; kind < 4; ++kind) {
        const auto from = counts.begin() + static_cast<std::ptrdiff_t>(kind * rows);
        const auto to = starts.begin() + static_cast<std::ptrdiff_t>(kind * rows);
        std::exclusive_scan(from, from + static_cast<std::ptrdiff_t>(rows), to, std::int64_t{0});
        totals[kind] =
            std::accumulate(from, from + static_cast<std::ptrdiff_t>(rows), std::int64_t{0});
    }
    FoundArrays roots(totals[0], 7, 6);
    FoundArrays events(totals[1], 2, 3);
    FoundArrays ambiguous(totals[2], 2, 1);
    FoundArrays assumed(totals[3], 2, 1);
    const auto bits = static_cast<std::int64_t>(drawn.bits.size()) * drawn.size;
    const std::int64_t words = 1 + (bits + 63) / 64 + 1;
    std::vector<std::int64_t> codes(wanted.first.size() * index(words));
    std::vector<std::int64_t> wanted_codes = codes;
    for (std::size_t track = 0; track < wanted.first.size(); ++track) {
        for (const std::int64_t bit : wanted.first[track]) {
            wanted_codes[track * index(words) + index(1 + bit / 64)] |=
                static_cast<std::int64_t>(std::uint64_t{1} << (bit % 64));
        }
    }
    cuda::emit_windows(drawn.scan(),
                       {drawn.bits.data(),
                        drawn.knots(),
                        starts.data(),
                        {roots.numbers.data(), roots.places.data(), totals[0]},
                        {events.numbers.data(), events.places.data(), totals[1]},
                        {ambiguous.numbers.data(), ambiguous.places.data(), totals[2]},
                        {assumed.numbers.data(), assumed.places.data(), totals[3]},
                        {codes.data(), words, 1}},
                       {});
    check_roots(roots, wanted.roots);
    check_events(events, wanted.events);
    check_ranges(ambiguous, drawn.rows.tracks, drawn.rows.row_list, wanted.ambiguous);
    check_ranges(assumed, drawn.rows.tracks, drawn.rows.row_list, wanted.assumed);
    CHECK(codes == wanted_codes);
}

template <class T>
void check_scan(Random& random) {
    const FewerBlocks fewer(random);
    const std::int64_t tracks = random.from(1, 3);
    const DrawnWindows<T> drawn(random, drawn_widths(random), tracks);
    Found wanted(drawn.rows.t.size(), index(tracks));
    for (std::int64_t list = 0; list < drawn.rows.lists(); ++list) {
        for (std::int64_t w = 0; w < drawn.windows().count(list / tracks); ++w) {
            scan_list(drawn, list, w, wanted);
        }
    }
    check_emitted(drawn, check_counts(drawn, wanted), wanted);
}

template <class T>
void check_fill(Random& random) {
    const FewerBlocks fewer(random);
    const std::int64_t tracks = random.from(1, 3);
    const DrawnWindows<T> drawn(random, drawn_widths(random), tracks);
    const cuda::NodeRows from = drawn.rows.rows();
    // New rows: those of the elements, and some between them.
    std::vector<std::int64_t> source;
    std::vector<double> weight;
    std::vector<std::int64_t> begin{0};
    std::vector<std::int32_t> row_list;
    std::vector<std::int64_t> value_begin;
    std::int64_t n = 0;
    for (std::int64_t list = 0; list < drawn.rows.lists(); ++list) {
        value_begin.push_back(n);
        for (std::int64_t row = from.begin[list]; row < from.begin[list + 1]; ++row) {
            source.push_back(row);
            weight.push_back(0);
            while (row + 1 < from.begin[list + 1] && random.one_in(3)) {
                source.push_back(row);
                weight.push_back(static_cast<double>(random.from(1, 15)) / 16);
            }
        }
        row_list.resize(source.size(), static_cast<std::int32_t>(list));
        begin.push_back(static_cast<std::int64_t>(source.size()));
        n += (begin[index(list + 1)] - begin[index(list)]) * drawn.windows().count(list / tracks);
    }
    std::vector<T> values(index(n), -7);
    cuda::fill_windows<T>(drawn.windows(), from, drawn.rows.values.data(),
                          {source.data(), weight.data()},
                          {begin.data(), row_list.data(), value_begin.data(), drawn.begin.data(),
                           static_cast<std::int64_t>(source.size()), tracks},
                          values.data(), {});
    std::vector<T> wanted;
    for (std::size_t row = 0; row < source.size(); ++row) {
        const std::int64_t list = row_list[row];
        const T* const left = drawn.rows.values.data() + from.values(list, source[row]);
        for (std::int64_t w = 0; w < drawn.windows().count(list / tracks); ++w) {
            double largest = -HUGE_VAL;
            for (std::int64_t e = 0; e < drawn.size; ++e) {
                const std::int32_t c = drawn.windows().window(list / tracks, w)[e];
                if (c >= 0) {
                    const double at = static_cast<double>(left[c]);
                    const double next =
                        weight[row] > 0 ? static_cast<double>(left[c + from.width(list)]) : at;
                    largest = std::max(largest, at + weight[row] * (next - at));
                }
            }
            wanted.push_back(static_cast<T>(largest));
        }
    }
    CHECK(values == wanted);
}

template <class T>
void check_chords(Random& random) {
    const FewerBlocks fewer(random);
    const std::int64_t rows = random.from(3, 20);
    const std::int64_t width = random.from(1, 40);
    const std::int64_t columns = random.one_of<std::int64_t>({0, 1, 33, 300});
    const std::vector<T> w = drawn_values<T>(random, index(width * columns));
    std::vector<T> v = drawn_values<T>(random, index(rows * width));
    std::vector<std::int64_t> left(index(rows), -1), right(left), begin(left), end(left);
    std::vector<double> weight(index(rows));
    // Numbers of roots in some order; the columns of some come twice.
    std::vector<std::int64_t> sorted(700);
    std::iota(sorted.begin(), sorted.end(), 0);
    random.shuffle(sorted);
    std::vector<std::int64_t> column;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        column.push_back(random.from(0, width - 1));
    }
    for (std::int64_t row = 1; row + 1 < rows; row += random.from(2, 3)) {
        const std::size_t r = index(row);
        left[r] = row - 1, right[r] = row + 1, weight[r] = 0.25;
        begin[r] = random.from(0, 100);
        end[r] = begin[r] + random.one_of<std::int64_t>({0, 1, 5, 300, 513});
        std::vector<bool> off(index(width));
        for (std::int64_t i = begin[r]; i < end[r]; ++i) {
            off[index(column[index(sorted[index(i)])])] = true;
        }
        for (std::size_t c = 0; c < index(width); ++c) {
            const std::size_t at = r * index(width) + c;
            if (!off[c]) {
                v[at] = static_cast<T>(0.75 * static_cast<double>(v[at - index(width)]) +
                                       0.25 * static_cast<double>(v[at + index(width)]));
            }
        }
    }
    std::vector<double> wanted(index(rows * columns));
    std::vector<T> y(wanted.size());
    bool good = true;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const std::size_t row = i / index(columns);
        for (std::size_t c = 0; c < index(width); ++c) {
            wanted[i] += static_cast<double>(v[row * index(width) + c]) *
                         static_cast<double>(w[c * index(columns) + i % index(columns)]);
        }
        y[i] = left[row] < 0 ? static_cast<T>(wanted[i]) : T{-99};
    }
    cuda::expand_chords<T>(
        {left.data(), right.data(), weight.data(), begin.data(), end.data(), rows},
        {sorted.data(), column.data(), false}, {v.data(), width, w.data(), columns, y.data()}, {});
    const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        good = good && std::fabs(static_cast<double>(y[i]) - wanted[i]) <= 1000 * unit;
    }
    CHECK(good);
}

}  // namespace

TEST(emulated_windows_are_scanned_as_on_the_cpu) {
    Random random(31);
    for (int round = 0; round < rounds(20); ++round) {
        check_scan<float>(random);
        check_scan<double>(random);
    }
}

TEST(emulated_windows_are_filled) {
    Random random(32);
    for (int round = 0; round < rounds(12); ++round) {
        check_fill<float>(random);
        check_fill<double>(random);
    }
}

TEST(emulated_chords_are_expanded) {
    Random random(33);
    for (int round = 0; round < rounds(20); ++round) {
        check_chords<float>(random);
        check_chords<double>(random);
    }
}

TEST(emulated_windows_have_nothing_to_do) {
    const long launches = emulator::runtime.launches;
    cuda::WindowScan<float> scan{};
    CHECK_THROWS(cuda::count_windows(scan, nullptr, {}), std::invalid_argument);
    CHECK_THROWS(cuda::emit_windows(scan, {}, {}), std::invalid_argument);
    scan.windows.size = 2;
    cuda::count_windows(scan, nullptr, {});
    cuda::emit_windows(scan, {}, {});
    cuda::fill_windows<double>({}, {}, nullptr, {}, {}, nullptr, {});
    cuda::expand_chords<float>({}, {}, {}, {});
    CHECK_EQ(emulator::runtime.launches, launches);
}
