#include "segments.hpp"

#include "array.hpp"
#include "codes.hpp"
#include "module.hpp"

namespace splinecode {
namespace {

/// The arrays of a sweep, checked so that no index in them leads outside.
struct SweepArrays {
    Array offsets, t, t_error, values;
    Sweep sweep;

    SweepArrays(py::handle offsets_object, py::handle t_object, py::handle t_error_object,
                py::handle values_object)
        : offsets(borrow(offsets_object, "offsets")),
          t(borrow(t_object, "t")),
          t_error(borrow(t_error_object, "t_error")),
          values(borrow(values_object, "values")) {
        need_ndim(offsets, 1);
        need_ndim(values, 2);
        sweep.segments = offsets.shape[0] - 1;
        sweep.rows = values.shape[0];
        sweep.units = values.shape[1];
        sweep.offsets =
            contiguous_data<std::int64_t>(offsets, ElementType::int64, {sweep.segments + 1});
        sweep.t = contiguous_data<double>(t, ElementType::float64, {sweep.rows});
        sweep.t_error = contiguous_data<double>(t_error, ElementType::float64, {sweep.rows});
        sweep.values =
            contiguous_data<double>(values, ElementType::float64, {sweep.rows, sweep.units});
        need_ordered_offsets();
    }

private:
    void need_ordered_offsets() const {
        bool good = sweep.segments >= 0 && sweep.offsets[0] == 0 &&
                    sweep.offsets[sweep.segments] == sweep.rows;
        for (std::int64_t s = 0; good && s < sweep.segments; ++s) {
            good = sweep.offsets[s + 1] - sweep.offsets[s] >= 2;
        }
        if (!good) {
            throw py::value_error(
                "offsets must rise from 0 to the number of rows with at least two knots a segment");
        }
    }
};

template <class T, class Field>
py::array_t<T> column(const std::vector<Crossing>& crossings, Field field) {
    py::array_t<T> out(static_cast<py::ssize_t>(crossings.size()));
    T* to = out.mutable_data();
    for (const Crossing& crossing : crossings) {
        *to++ = static_cast<T>(crossing.*field);
    }
    return out;
}

/// ((offsets, t, t_error, values), (segment, t, t_error, unit, direction), first_codes, ambiguous,
/// (norm2, largest) of the rows of values)
py::tuple as_tuple(KinkPlan&& plan, RowSizes&& sizes, const Sweep& sweep, py::array values,
                   std::int64_t bits) {
    py::tuple crossings = py::make_tuple(column<std::int64_t>(plan.crossings, &Crossing::segment),
                                         column<double>(plan.crossings, &Crossing::t),
                                         column<double>(plan.crossings, &Crossing::t_error),
                                         column<std::int64_t>(plan.crossings, &Crossing::unit),
                                         column<std::int8_t>(plan.crossings, &Crossing::direction));
    py::tuple knots = py::make_tuple(to_numpy(std::move(plan.offsets)), to_numpy(std::move(plan.t)),
                                     to_numpy(std::move(plan.t_error)), std::move(values));
    return py::make_tuple(
        std::move(knots), std::move(crossings),
        to_numpy(std::move(plan.first_codes), {sweep.segments, words_for(bits)}),
        to_numpy(std::move(plan.ambiguous)),
        py::make_tuple(to_numpy(std::move(sizes.norm2)), to_numpy(std::move(sizes.largest))));
}

Tolerances as_tolerances(const Array& snap, const Array& bound,
                         const std::vector<std::int64_t>& shape, double rounding) {
    return {contiguous_data<double>(snap, ElementType::float64, shape),
            contiguous_data<double>(bound, ElementType::float64, shape), rounding};
}

py::array_t<double> values_of(const KinkPlan& plan, std::int64_t units) {
    return py::array_t<double>({static_cast<py::ssize_t>(plan.t.size()), units});
}

py::tuple relu_step(py::handle offsets, py::handle t, py::handle t_error, py::handle values,
                    py::handle snap_object, py::handle bound_object, double slope,
                    double rounding) {
    const SweepArrays arrays(offsets, t, t_error, values);
    const Sweep& sweep = arrays.sweep;
    const Array snap = borrow(snap_object, "snap");
    const Array bound = borrow(bound_object, "bound");
    const Tolerances tolerances =
        as_tolerances(snap, bound, {sweep.segments, sweep.units}, rounding);
    KinkPlan plan = without_gil(
        [&](const Interrupt& interrupt) { return find_relu(sweep, tolerances, interrupt); });
    py::array_t<double> out = values_of(plan, sweep.units);
    double* to = out.mutable_data();
    RowSizes sizes = without_gil(
        [&](const Interrupt& interrupt) { return apply_relu(sweep, plan, slope, to, interrupt); });
    return as_tuple(std::move(plan), std::move(sizes), sweep, std::move(out), sweep.units);
}

Windows as_windows(const Array& index, std::int64_t units) {
    need_ndim(index, 2);
    const auto* data = contiguous_data<std::int64_t>(index, ElementType::int64, index.shape);
    const Windows windows{index.shape[0], index.shape[1], data};
    for (std::int64_t w = 0; w < windows.count; ++w) {
        bool real = false;
        for (std::int64_t e = 0; e < windows.size; ++e) {
            const std::int64_t unit = data[w * windows.size + e];
            if (unit < -1 || unit >= units) {
                throw py::index_error("windows name unit " + std::to_string(unit) + " of " +
                                      std::to_string(units));
            }
            real |= unit >= 0;
        }
        if (!real) {
            throw py::value_error("window " + std::to_string(w) + " is all padding");
        }
    }
    return windows;
}

py::tuple max_pool_step(py::handle offsets, py::handle t, py::handle t_error, py::handle values,
                        py::handle snap_object, py::handle bound_object, py::handle windows_object,
                        double rounding) {
    const SweepArrays arrays(offsets, t, t_error, values);
    const Sweep& sweep = arrays.sweep;
    const Array snap = borrow(snap_object, "snap");
    const Array bound = borrow(bound_object, "bound");
    const Tolerances tolerances = as_tolerances(snap, bound, {sweep.segments}, rounding);
    const Array index = borrow(windows_object, "windows");
    const Windows windows = as_windows(index, sweep.units);
    KinkPlan plan = without_gil([&](const Interrupt& interrupt) {
        return find_max_pool(sweep, windows, tolerances, interrupt);
    });
    py::array_t<double> out = values_of(plan, windows.count);
    double* to = out.mutable_data();
    RowSizes sizes = without_gil([&](const Interrupt& interrupt) {
        return apply_max_pool(sweep, plan, windows, to, interrupt);
    });
    return as_tuple(std::move(plan), std::move(sizes), sweep, std::move(out),
                    windows.count * windows.size);
}

}  // namespace

void bind_segments(py::module_& module) {
    module.def("relu_step", &relu_step, py::arg("offsets"), py::arg("t"), py::arg("t_error"),
               py::arg("values"), py::arg("snap"), py::arg("bound"), py::arg("slope"),
               py::arg("rounding"));
    module.def("max_pool_step", &max_pool_step, py::arg("offsets"), py::arg("t"),
               py::arg("t_error"), py::arg("values"), py::arg("snap"), py::arg("bound"),
               py::arg("windows"), py::arg("rounding"));
}

}  // namespace splinecode
