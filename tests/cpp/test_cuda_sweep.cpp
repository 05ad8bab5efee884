// The kernels of a sweep's kinks, on the emulator, against the CPU's step: a layer of
// piecewise-linear units on several tracks at once.

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <numeric>
#include <tuple>
#include <vector>

#include "check.hpp"
#include "cuda_tests.hpp"
#include "ordered_bits.hpp"
#include "sweep.hpp"
#include "sweep/sign_scan.hpp"
#include "sweep/state.hpp"

namespace {

using namespace splinecode;
using sweep::Index;

const double nan = std::nan("");

std::int64_t size_of(const auto& values) { return static_cast<std::int64_t>(values.size()); }

// ------------------------------------------------------------------ what is drawn

/// A network of one affine step in several cells and one layer of kinks; with `twice`, a ReLU comes
/// between.
struct DrawnNetwork {
    sweep::Program program;
    Index affine = 0;
    Index layer = 0;
    std::int64_t thresholds;
    bool twice;

    DrawnNetwork(Random& random, std::int64_t units, std::int64_t cells)
        : thresholds(random.one_of<std::int64_t>({1, 1, 2, 3})), twice(random.one_in(4)) {
        program.add_input(3);
        affine = add_affine(random, units, cells);
        Index last = affine;
        if (twice) {
            last = add_relu(last, units, 0);
        }
        if (random.one_in(2)) {
            last = add_permutation(random, last, units);
        }
        layer = random.one_in(3) ? add_relu(last, units, random.one_of({0.0, 0.0, 0.25, -1.0}))
                                 : add_pieces(random, last, units);
        program.finish();
    }

private:
    Index add_affine(Random& random, std::int64_t units, std::int64_t cells) {
        std::vector<std::int64_t> offsets(index(units) + 1, 0);
        std::vector<std::int64_t> cell(index(units));
        for (std::int64_t& c : cell) {
            c = random.from(0, cells - 1);
        }
        const std::vector<double> bias(index(units));
        sweep::Norms norms;
        for (std::int64_t u = 0; u < units; ++u) {
            norms.row2.push_back(std::fabs(random.normal()));
            norms.row1.push_back(norms.row2.back() * 1.5);
            norms.bias.push_back(std::fabs(random.normal()));
        }
        const std::int64_t none = 0;
        const double no_weight = 0;
        return program.add_sparse(
            0, {units, offsets.data(), &none, &no_weight, bias.data(), cell.data()},
            std::move(norms));
    }

    Index add_relu(Index from, std::int64_t units, double slope) {
        const std::vector<double> zero(index(2 * units));
        std::vector<double> slopes(index(2 * units), slope);
        std::fill(slopes.begin() + units, slopes.end(), 1);
        return program.add_pieces(from, thresholds_of_relu, zero.data(), slopes.data(),
                                  zero.data());
    }

    Index add_permutation(Random& random, Index from, std::int64_t units) {
        std::vector<std::int64_t> order(index(units));
        std::iota(order.begin(), order.end(), 0);
        random.shuffle(order);
        return program.add_view({from}, order.data(), units);
    }

    Index add_pieces(Random& random, Index from, std::int64_t units) {
        std::vector<double> threshold(index(thresholds * units));
        const bool zero = random.one_in(3);
        for (std::int64_t u = 0; u < units; ++u) {
            double level = zero ? 0 : static_cast<double>(random.from(-2, 1));
            for (std::int64_t k = 0; k < thresholds; ++k) {
                threshold[index(k * units + u)] = level;
                level += static_cast<double>(random.from(1, 4)) / 2;
            }
        }
        std::vector<double> slope(index((thresholds + 1) * units)), intercept(slope.size());
        for (std::size_t i = 0; i < slope.size(); ++i) {
            slope[i] = random.normal();
            intercept[i] = random.normal();
        }
        return program.add_pieces(from, thresholds, threshold.data(), slope.data(),
                                  intercept.data());
    }

    static constexpr std::int64_t thresholds_of_relu = 1;
};

/// The knots of a track, now and then neighbours among the numbers.
std::vector<double> drawn_track(Random& random) {
    std::vector<double> t{0, 1};
    for (std::int64_t i = random.from(0, 20); i > 0; --i) {
        t.push_back(static_cast<double>(random.from(1, 63)) / 64);
        if (random.one_in(4)) {
            t.push_back(std::nextafter(t.back(), 1));
        }
    }
    std::ranges::sort(t);
    const auto rest = std::ranges::unique(t);
    t.erase(rest.begin(), rest.end());
    return t;
}

/// How large values, errors and roundings are.
struct Style {
    bool whole;    // values are small whole numbers: many are equal, or 0
    double error;  // of what the affine step takes
    double rounding;
};

Style drawn_style(Random& random) {
    return {random.one_in(2), random.one_of({0.0, 1e-9, 0.05}), random.one_of({0.0, 1e-9, 0.02})};
}

/// A track before the layer: a State of the CPU, all of whose values are exactly a T.
template <class T>
struct DrawnTrack {
    sweep::AffineStep step;
    sweep::Bounds worst;  // of the ReLU in between
    sweep::State state;

    DrawnTrack(Random& random, const DrawnNetwork& network, const Style& style,
               sweep::Budget& budget, const sweep::Means& means)
        : step{style.error, style.error / 2, random.one_of({0.0, 1.0}), 1, style.rounding,
               3,           1e-300},
          state(network.program, 0, 1, budget, means) {
        const std::vector<double> track = drawn_track(random);
        std::vector<sweep::KnotTable::Knot> knots;
        for (const double t : track) {
            knots.push_back({t, random.one_in(2) ? 0 : 1e-3, random.one_in(2) ? 0 : 1e-4});
        }
        state.table.merge(knots);
        worst.snapinf = style.rounding;
        worst.einf = style.rounding + style.error;
        set_tolerances(network);
        const Index source = network.twice ? network.affine + 1 : network.affine;
        const sweep::Node& node = network.program.node(source);
        for (Index c = node.first_cell; c < node.last_cell; ++c) {
            draw_cell(random, state.cell(c), track, network.program.cell(c).width(), network.twice,
                      style);
        }
        state.bound(source) = worst;
    }

private:
    void set_tolerances(const DrawnNetwork& network) {
        const sweep::Norms& norms = network.program.node(network.affine).norms;
        sweep::UnitTolerances& units = state.tolerances[index(network.affine)];
        for (std::size_t u = 0; u < norms.row1.size(); ++u) {
            const sweep::UnitTolerance unit =
                sweep::unit_tolerance(step, {norms.row1[u], norms.row2[u], norms.bias[u]});
            units.snap.push_back(unit.snap);
            units.bound.push_back(unit.bound);
        }
    }

    void draw_cell(Random& random, sweep::CellState& cell, const std::vector<double>& track,
                   std::int64_t width, bool positive, const Style& style) {
        auto knots = std::make_shared<std::vector<double>>();
        for (const double t : track) {
            if (t == 0 || t == 1 || !random.one_in(3)) {
                knots->push_back(t);
            }
        }
        cell.knots = knots;
        cell.values = sweep::Rows(size_of(*knots), width, state.budget);
        for (std::int64_t i = 0; i < size_of(*knots) * width; ++i) {
            const double z = style.whole ? static_cast<double>(random.from(-2, 2))
                                         : static_cast<double>(static_cast<T>(random.normal()));
            cell.values.row(0)[i] = positive ? std::max(0.0, z) : z;
        }
    }
};

// ------------------------------------------------------------------ as the kernels take it

/// Something an array holds, as it lies one after the other.
template <class T>
using Flat = std::vector<T>;

/// The layer and its tracks in arrays.
template <class T>
struct Arrays {
    std::int64_t tracks;
    Flat<std::int32_t> width;
    Flat<std::int64_t> t_address, values_address, count;
    std::deque<Flat<T>> values;
    Flat<std::int32_t> cell, source_column, slot, row_list;
    Flat<std::int64_t> column_begin{0}, unit, begin{0};
    Flat<double> thresholds, slopes, intercepts, norms, slots;
    Flat<std::uint8_t> exact_zeros;
    std::int64_t thresholds_count;
    bool relu = true;
    bool all_zero;

    Arrays(const DrawnNetwork& network, std::deque<DrawnTrack<T>>& of_tracks)
        : tracks(size_of(of_tracks)),
          thresholds_count(network.program.node(network.layer).thresholds) {
        for (std::size_t c = 0; c < network.program.cells().size(); ++c) {
            width.push_back(static_cast<std::int32_t>(network.program.cells()[c].width()));
            for (DrawnTrack<T>& track : of_tracks) {
                add_list(track.state.cells[c]);
            }
        }
        const sweep::Node& node = network.program.node(network.layer);
        for (Index c = node.first_cell; c < node.last_cell; ++c) {
            add_cell(network, node.pieces[index(c - node.first_cell)], network.program.cell(c));
            for (DrawnTrack<T>& track : of_tracks) {
                const std::size_t rows = track.state.cell(cell.back()).knots->size();
                row_list.insert(row_list.end(), rows, static_cast<std::int32_t>(begin.size() - 1));
                begin.push_back(size_of(row_list));
            }
        }
        add_tolerances(network, of_tracks);
        all_zero = std::ranges::all_of(thresholds, [](double t) { return t == 0; });
    }
    Arrays(const Arrays&) = delete;
    Arrays& operator=(const Arrays&) = delete;

    std::int64_t rows() const { return size_of(row_list); }
    std::int64_t lists() const { return size_of(begin) - 1; }
    cuda::ListTable table() const {
        return {t_address.data(), values_address.data(), count.data(), width.data(), tracks};
    }
    cuda::PiecesUnits units() const {
        return {cell.data(), source_column.data(), column_begin.data(), column_begin.back(),
                thresholds_count};
    }
    cuda::PiecesScan<T> scan() const {
        return {table(),
                units(),
                all_zero ? nullptr : thresholds.data(),
                {norms.data(), slot.data(), slots.data()},
                exact_zeros.data(),
                {begin.data(), row_list.data(), rows()}};
    }
    const double* knots(std::int64_t list) const {
        const std::int64_t source = cell[index(list / tracks)];
        return table().knots(source * tracks + list % tracks);
    }

private:
    void add_list(const sweep::CellState& from) {
        const std::int64_t n = from.knots ? size_of(*from.knots) : 0;
        values.emplace_back();
        for (std::int64_t i = 0; i < n * from.values.width(); ++i) {
            values.back().push_back(static_cast<T>(from.values.row(0)[i]));
        }
        t_address.push_back(n > 0 ? reinterpret_cast<std::int64_t>(from.knots->data()) : 0);
        values_address.push_back(reinterpret_cast<std::int64_t>(values.back().data()));
        count.push_back(n);
    }

    void add_cell(const DrawnNetwork& network, const sweep::PiecesCell& pieces,
                  const sweep::Cell& made) {
        cell.push_back(pieces.cell);
        column_begin.push_back(column_begin.back() + made.width());
        exact_zeros.push_back(network.program.cell(pieces.cell).exact_zeros ? 1 : 0);
        slot.push_back(network.twice ? 1 : 0);
        relu = relu && pieces.is_relu;
        const auto add = [](auto& to, const auto& from) {
            to.insert(to.end(), from.begin(), from.end());
        };
        add(source_column, pieces.columns);
        add(unit, made.units);
        add(thresholds, pieces.thresholds);
        add(slopes, pieces.slopes);
        add(intercepts, pieces.intercepts);
    }

    void add_tolerances(const DrawnNetwork& network, std::deque<DrawnTrack<T>>& of_tracks) {
        const sweep::Norms& known = network.program.node(network.affine).norms;
        for (const auto* const row : {&known.row1, &known.row2, &known.bias}) {
            for (std::size_t c = 0; c < cell.size(); ++c) {
                const sweep::Cell& source = network.program.cell(cell[c]);
                for (std::int64_t j = column_begin[c]; j < column_begin[c + 1]; ++j) {
                    norms.push_back((*row)[index(source.units[index(source_column[index(j)])])]);
                }
            }
        }
        slots.resize(index(2 * cuda::PiecesTolerances::slot_fields * tracks), nan);
        for (std::int64_t track = 0; track < tracks; ++track) {
            const sweep::AffineStep& step = of_tracks[index(track)].step;
            const sweep::Bounds& worst = of_tracks[index(track)].worst;
            const std::vector<double> numbers{step.e2,
                                              step.einf,
                                              step.size2,
                                              step.sizeinf,
                                              step.gamma,
                                              step.steps,
                                              step.underflow,
                                              worst.snapinf,
                                              worst.einf,
                                              0,
                                              0,
                                              -1,
                                              0,
                                              0};
            for (std::size_t field = 0; field < numbers.size(); ++field) {
                slots[field * index(tracks) + index(track)] = numbers[field];
            }
        }
    }
};

/// The knots of all tracks before the layer.
struct KnotArrays {
    std::vector<std::int64_t> begin{0}, track;
    std::vector<double> t, snap, error, reach;

    template <class T>
    explicit KnotArrays(const std::deque<DrawnTrack<T>>& of_tracks) {
        std::vector<double> end;
        for (const DrawnTrack<T>& of_track : of_tracks) {
            for (const sweep::KnotTable::Knot& knot : of_track.state.table.knots()) {
                t.push_back(knot.t);
                snap.push_back(knot.snap);
                error.push_back(knot.error);
                end.push_back(knot.t + knot.snap);
                track.push_back(size_of(begin) - 1);
            }
            begin.push_back(size_of(t));
        }
        reach = largest_before(track, end);
    }
    cuda::KnotTable table() const {
        return {begin.data(), t.data(), snap.data(), error.data(), reach.data()};
    }

    static std::vector<double> largest_before(const std::vector<std::int64_t>& keys,
                                              const std::vector<double>& values) {
        std::vector<double> largest(values.size(), nan);
        std::vector<char> room(cuda::running_max_workspace_bytes(size_of(values)));
        cuda::running_max(keys.data(), values.data(), size_of(values), largest.data(), room.data(),
                          room.size(), {});
        return largest;
    }
};

// ------------------------------------------------------------------ the layer by kernels

/// What the kernels found, settled and filled in.
template <class T>
class LayerByKernels {
public:
    LayerByKernels(const Arrays<T>& arrays, const KnotArrays& knots, std::int64_t bits)
        : arrays_(arrays), knots_(knots), words_(words_for(bits) + 2) {
        scan();
        settle();
        make_rows();
        fill();
    }

    using EventKey = std::tuple<double, double, std::int64_t, std::int64_t>;
    using RangeKey = std::pair<double, double>;
    using KnotKey = std::tuple<double, double, double>;

    std::vector<EventKey> events(std::int64_t track) const {
        std::vector<EventKey> found;
        for (std::int64_t i = 0; i < n_roots_; ++i) {
            for (const std::int64_t field : {3, 4}) {
                if (root_track_[index(i)] == track && place(field, i) >= 0) {
                    found.emplace_back(number(0, i), number(2, i), place(field, i),
                                       field == 3 ? -1 : 1);
                }
            }
        }
        const std::int64_t n = size_of(event_numbers_) / 2;
        for (std::int64_t i = 0; i < n; ++i) {
            if (event_places_[index(i)] == track) {
                found.emplace_back(event_numbers_[index(i)], event_numbers_[index(n + i)],
                                   event_places_[index(n + i)], event_places_[index(2 * n + i)]);
            }
        }
        std::ranges::sort(found);
        return found;
    }

    std::vector<RangeKey> ambiguous(std::int64_t track) const {
        std::vector<RangeKey> found;
        const std::int64_t n = size_of(range_track_);
        for (std::int64_t i = 0; i < n; ++i) {
            if (range_track_[index(i)] == track) {
                found.emplace_back(range_ends_[index(i)], range_ends_[index(n + i)]);
            }
        }
        for (std::int64_t i = 0; i < n_roots_; ++i) {
            if (root_track_[index(i)] != track) {
                continue;
            }
            if (place(5, i) != 0) {
                found.emplace_back(number(0, i) - number(2, i), number(0, i) + number(2, i));
            }
            if (!std::isnan(joined_[index(i)])) {
                found.emplace_back(joined_[index(i)], joined_[index(n_roots_ + i)]);
            }
        }
        std::ranges::sort(found);
        return found;
    }

    std::vector<KnotKey> fresh(std::int64_t track) const {
        std::vector<KnotKey> found;
        for (std::int64_t i = 0; i < n_roots_; ++i) {
            if (root_track_[index(i)] == track && fresh_[index(i)] != 0) {
                found.emplace_back(number(0, i), number(1, i), number(2, i));
            }
        }
        std::ranges::sort(found);
        return found;
    }

    /// Units of all lists and thresholds may be taken to be on their boundary at one t.
    sweep::KinkErrors errors(std::int64_t track, std::int64_t thresholds) const {
        sweep::KinkErrors found;
        found.shift = cuda::number_of_bits(shift_[index(track)]);
        found.together = together_[index(track)];
        for (std::int64_t list = track; list < arrays_.lists(); list += arrays_.tracks) {
            found.together += static_cast<double>(thresholds * snapped_[index(list)]);
        }
        return found;
    }

    /// The layer's words of the first code; those beside it are as they were.
    std::vector<std::uint64_t> first_code(std::int64_t track) const {
        const auto* const code = first_.data() + track * words_;
        CHECK(code[0] == 0 && code[words_ - 1] == 0);
        return {code + 1, code + words_ - 1};
    }

    std::vector<double> new_knots(std::int64_t list) const {
        return {new_t_.begin() + new_begin_[index(list)],
                new_t_.begin() + new_begin_[index(list) + 1]};
    }
    T value(std::int64_t list, std::int64_t i) const {
        return values_[index(value_begin_[index(list)] + i)];
    }

private:
    double number(std::int64_t field, std::int64_t i) const {
        return numbers_[index(field * n_roots_ + i)];
    }
    std::int64_t place(std::int64_t field, std::int64_t i) const {
        return places_[index(field * n_roots_ + i)];
    }

    void scan() {
        const std::int64_t rows = arrays_.rows();
        std::vector<std::int64_t> starts(index(3 * rows), -1);
        cuda::count_pieces(arrays_.scan(), starts.data(), {});
        std::array<std::int64_t, 3> totals{};
        for (std::int64_t kind = 0; kind < 3; ++kind) {
            auto* const begin = starts.data() + kind * rows;
            totals[index(kind)] = std::accumulate(begin, begin + rows, std::int64_t{0});
            std::exclusive_scan(begin, begin + rows, begin, std::int64_t{0});
        }
        n_roots_ = totals[0];
        numbers_.assign(index(7 * n_roots_), nan);
        places_.assign(index(6 * n_roots_), -7);
        event_numbers_.assign(index(2 * totals[1]), nan);
        event_places_.assign(index(3 * totals[1]), -7);
        range_ends_.assign(index(2 * totals[2]), nan);
        range_track_.assign(index(totals[2]), -7);
        first_.assign(index(words_ * arrays_.tracks), 0);
        shift_.assign(index(arrays_.tracks), 0);
        snapped_.assign(index(arrays_.lists()), 0);
        cuda::emit_pieces(arrays_.scan(),
                          {arrays_.unit.data(),
                           knots_.table(),
                           starts.data(),
                           {numbers_.data(), places_.data(), n_roots_},
                           {event_numbers_.data(), event_places_.data(), totals[1]},
                           {range_ends_.data(), range_track_.data(), totals[2]},
                           {first_.data(), words_, 1},
                           shift_.data(),
                           snapped_.data()},
                          {});
    }

    std::int64_t list_of(std::int64_t root) const {
        return arrays_.row_list[index(place(0, root))];
    }

    void settle() {
        std::vector<std::int64_t> order(index(n_roots_));
        std::iota(order.begin(), order.end(), 0);
        for (const std::int64_t i : order) {
            root_track_.push_back(list_of(i) % arrays_.tracks);
        }
        const auto low = [&](std::int64_t i) { return number(0, i) - number(1, i); };
        std::ranges::sort(order, {}, [&](std::int64_t i) {
            return std::tuple(root_track_[index(i)], low(i), number(0, i), i);
        });
        std::vector<std::int64_t> track;
        std::vector<double> high;
        for (const std::int64_t i : order) {
            track.push_back(root_track_[index(i)]);
            high.push_back(number(0, i) + number(1, i));
        }
        const std::vector<double> reach = KnotArrays::largest_before(track, high);
        std::vector<std::uint8_t> starts(order.size());
        std::vector<std::int64_t> group(order.size());
        std::int64_t groups = 0;
        for (std::size_t i = 0; i < order.size(); ++i) {
            starts[i] = i == 0 || track[i] != track[i - 1] || low(order[i]) > reach[i - 1];
            groups += starts[i];
            group[index(order[i])] = groups;
        }
        std::ranges::sort(order, {}, [&](std::int64_t i) {
            return std::tuple(group[index(i)], number(1, i), number(0, i), i);
        });
        fresh_.assign(order.size(), 7);
        joined_.assign(2 * order.size(), nan);
        together_.assign(index(arrays_.tracks), 0);
        std::vector<sweep::FollowedLeader> followed(order.size());
        cuda::settle_roots(knots_.table(),
                           {order.data(), starts.data(), root_track_.data(), followed.data()},
                           {numbers_.data(), places_.data(), n_roots_},
                           {fresh_.data(), joined_.data(), shift_.data(), together_.data()}, {});
    }

    void make_rows() {
        for (std::int64_t i = 0; i < n_roots_; ++i) {
            if (place(5, i) == 0) {
                sorted_.push_back(i);
            }
        }
        std::ranges::sort(sorted_, {},
                          [&](std::int64_t i) { return std::tuple(list_of(i), number(0, i), i); });
        std::size_t next = 0;
        std::int64_t n_values = 0;
        for (std::int64_t list = 0; list < arrays_.lists(); ++list) {
            value_begin_.push_back(n_values);
            for (std::int64_t row = arrays_.begin[index(list)];
                 row < arrays_.begin[index(list) + 1]; ++row) {
                const double* const t = arrays_.knots(list) + (row - arrays_.begin[index(list)]);
                add_row(list, row, *t, 0);
                while (next < sorted_.size() && list_of(sorted_[next]) == list &&
                       row + 1 < arrays_.begin[index(list) + 1] &&
                       number(0, sorted_[next]) < t[1]) {
                    const double root = number(0, sorted_[next]);
                    add_row(list, row, root, (root - t[0]) / (t[1] - t[0]));
                    while (next < sorted_.size() && list_of(sorted_[next]) == list &&
                           number(0, sorted_[next]) == root) {
                        ++next;
                    }
                    root_begin_.push_back(static_cast<std::int64_t>(next));
                }
            }
            new_begin_.push_back(size_of(new_t_));
            const std::size_t cell = index(list / arrays_.tracks);
            n_values += (new_begin_[index(list) + 1] - new_begin_[index(list)]) *
                        (arrays_.column_begin[cell + 1] - arrays_.column_begin[cell]);
        }
        values_.assign(index(n_values), static_cast<T>(nan));
    }

    /// A row whose roots, none if it is an old one, are added by the caller.
    void add_row(std::int64_t list, std::int64_t source, double t, double weight) {
        new_list_.push_back(static_cast<std::int32_t>(list));
        source_row_.push_back(source);
        new_t_.push_back(t);
        weight_.push_back(weight);
        if (weight == 0) {
            root_begin_.push_back(root_begin_.back());
        }
    }

    void fill() {
        const cuda::PieceFunctions functions =
            arrays_.relu ? cuda::PieceFunctions{true, arrays_.slopes[0], nullptr, nullptr, nullptr}
                         : cuda::PieceFunctions{false, 0, arrays_.thresholds.data(),
                                                arrays_.slopes.data(), arrays_.intercepts.data()};
        cuda::fill_pieces(arrays_.table(), arrays_.units(), functions,
                          {arrays_.begin.data(), source_row_.data(), weight_.data(),
                           root_begin_.data(), sorted_.data(), places_.data(), n_roots_},
                          {new_begin_.data(), new_list_.data(), value_begin_.data(),
                           arrays_.column_begin.data(), size_of(new_t_), arrays_.tracks},
                          values_.data(), {});
    }

    const Arrays<T>& arrays_;
    const KnotArrays& knots_;
    std::int64_t words_;
    std::int64_t n_roots_ = 0;
    std::vector<double> numbers_, event_numbers_, range_ends_, joined_;
    std::vector<std::int64_t> places_, event_places_, range_track_, first_, shift_, root_track_;
    std::vector<std::int32_t> snapped_, together_, new_list_;
    std::vector<std::uint8_t> fresh_;
    std::vector<std::int64_t> sorted_, new_begin_{0}, value_begin_, source_row_, root_begin_{0};
    std::vector<double> new_t_, weight_;
    std::vector<T> values_;
};

// ------------------------------------------------------------------ compared

template <class T>
void check_track(const DrawnNetwork& network, const LayerByKernels<T>& found, std::int64_t track,
                 std::int64_t tracks, sweep::State& state) {
    const std::vector<sweep::KnotTable::Knot> before = state.table.knots();
    sweep::run_pieces(state, network.layer);
    const sweep::Node& node = network.program.node(network.layer);

    std::vector<typename LayerByKernels<T>::EventKey> events;
    for (const sweep::Event& event : state.events) {
        events.emplace_back(event.t, event.error, event.unit, event.direction);
    }
    std::ranges::sort(events);
    CHECK(found.events(track) == events);
    std::vector<typename LayerByKernels<T>::RangeKey> ranges;
    for (const sweep::Range& range : state.ambiguous) {
        ranges.emplace_back(range.low, range.high);
    }
    std::ranges::sort(ranges);
    CHECK(found.ambiguous(track) == ranges);
    CHECK(found.first_code(track) == state.first_code);

    sweep::KnotTable table(0, 1);
    table.merge(before);
    std::vector<sweep::KnotTable::Knot> fresh;
    for (const auto& [t, snap, error] : found.fresh(track)) {
        fresh.push_back({t, snap, error});
    }
    table.merge(fresh);
    CHECK(std::ranges::equal(table.knots(), state.table.knots(), [](const auto& a, const auto& b) {
        return a.t == b.t && a.snap == b.snap && a.error == b.error;
    }));

    const sweep::Bounds bounds = sweep::kink_bounds(state.bound(node.inputs[0]), node.steepest, 1,
                                                    found.errors(track, node.thresholds));
    CHECK_EQ(bounds.e2, state.bound(network.layer).e2);
    CHECK_EQ(bounds.einf, state.bound(network.layer).einf);

    for (Index c = node.first_cell; c < node.last_cell; ++c) {
        const sweep::CellState& cell = state.cell(c);
        const std::int64_t list = (c - node.first_cell) * tracks + track;
        CHECK(found.new_knots(list) == *cell.knots);
        bool same = true;
        for (std::int64_t i = 0; i < cell.values.rows() * cell.values.width(); ++i) {
            const T wanted = static_cast<T>(cell.values.row(0)[i]);
            const T value = found.value(list, i);
            same = same && std::memcmp(&value, &wanted, sizeof(T)) == 0;
        }
        CHECK(same);
    }
}

template <class T>
void check_layer(Random& random) {
    const FewerBlocks fewer(random);
    const std::int64_t units = random.one_of<std::int64_t>({1, 7, 32, 33, 70});
    DrawnNetwork network(random, units, random.from(1, 3));
    sweep::Pool pool;
    sweep::Budget budget(std::int64_t{1} << 30, pool);
    const sweep::Means means{false, {}};
    const Style style = drawn_style(random);
    std::deque<DrawnTrack<T>> tracks;
    for (std::int64_t i = random.from(1, 3); i > 0; --i) {
        tracks.emplace_back(random, network, style, budget, means);
    }
    const Arrays<T> arrays(network, tracks);
    const KnotArrays knots(tracks);
    const LayerByKernels<T> found(arrays, knots, network.program.node(network.layer).bits);
    for (std::int64_t i = 0; i < size_of(tracks); ++i) {
        check_track(network, found, i, size_of(tracks), tracks[index(i)].state);
    }
}

}  // namespace

TEST(emulated_kinks_are_those_of_the_cpu) {
    Random random(71);
    for (int i = 0; i < rounds(60); ++i) {
        check_layer<double>(random);
        check_layer<float>(random);
    }
}

TEST(emulated_running_max_restarts_with_each_key) {
    const std::vector<std::int64_t> keys{0, 0, 0, 2, 2, 5};
    const std::vector<double> values{1, 3, 2, -4, -5, 0};
    CHECK(KnotArrays::largest_before(keys, values) == (std::vector<double>{1, 3, 3, -4, -4, 0}));
    CHECK(KnotArrays::largest_before({}, {}).empty());
    double largest = 0;
    CHECK_THROWS(cuda::running_max(keys.data(), values.data(), 1, &largest, nullptr, 0, {}),
                 std::invalid_argument);
}
