#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <vector>

#include "code_rows.hpp"
#include "element_type.hpp"
#include "parallel.hpp"
#include "strided.hpp"

namespace splinecode {

namespace py = pybind11;

/// An array of the caller, borrowed for one call: numpy through the buffer protocol, torch and cupy
/// through DLPack. Nothing is copied, cast or moved.
struct Array {
    std::string name;  // the argument's, for messages
    void* data = nullptr;
    ElementType type = ElementType::float64;
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides;  // in elements
    int cuda_device = -1;               // -1: host memory
    bool writable = true;
    py::object owner;  // keeps `data` alive

    std::int64_t size() const;
    bool contiguous() const;
    std::string described() const;  // "float32 array of shape (3, 4) on the CPU"
};

/// Borrows `object`. `stream` is the CUDA stream (DLPack numbering) that will use the data.
/// Throws TypeError for what is no array or has a dtype unknown here, ValueError for an array that
/// cannot be borrowed as it is (needs detach, byte-swapped, misaligned, wrong device).
Array borrow(py::handle object, const char* name, std::intptr_t stream = 1);

/// Requirements: each throws TypeError (dtype) or ValueError naming the argument.
const Array& need_type(const Array& array, ElementType type);
/// Pre-activations or bits: floating or boolean.
const Array& need_preactivations(const Array& array);
const Array& need_ndim(const Array& array, std::size_t ndim);
const Array& need_shape(const Array& array, const std::vector<std::int64_t>& shape);
const Array& need_contiguous(const Array& array);
const Array& need_writable(const Array& array);
const Array& need_host(const Array& array);
/// All of the arrays on one CUDA device, which is returned.
int need_same_cuda_device(const std::vector<const Array*>& arrays);

/// Two arrays of codes of one width that fits an int32 distance.
void need_same_width(const Array& a, const Array& b);

/// A contiguous array of one type and shape, to read or to write, on a CUDA device or on the CPU.
template <class T>
T* contiguous_data_anywhere(const Array& array, ElementType type,
                            const std::vector<std::int64_t>& shape) {
    need_contiguous(need_shape(need_type(array, type), shape));
    return static_cast<T*>(array.data);
}
/// Likewise, on the CPU.
template <class T>
T* contiguous_data(const Array& array, ElementType type, const std::vector<std::int64_t>& shape) {
    auto* data = contiguous_data_anywhere<T>(array, type, shape);
    need_host(array);
    return data;
}

/// The last axis as columns, the others as rows; merges axes where strides allow it.
StridedRows as_strided_rows(const Array& array);

/// A 2-d host array of uint64 words whose rows are contiguous.
CodeRows as_code_rows(const Array& array);
/// Likewise, on a CUDA device or on the CPU.
CodeRows as_code_rows_anywhere(const Array& array);

/// Polls Python's signals with the GIL held: true once Ctrl-C (or a raising handler) came.
Interrupt python_interrupt();

/// Runs `work(interrupt)` without the GIL; a signal's exception is raised as itself.
template <class Work>
auto without_gil(const Work& work) {
    try {
        const py::gil_scoped_release release;
        return work(python_interrupt());
    } catch (const Interrupted&) {
        throw py::error_already_set();
    }
}

/// Hands a vector to numpy without a copy.
template <class T>
py::array_t<T> to_numpy(std::vector<T>&& values, std::vector<py::ssize_t> shape = {}) {
    if (shape.empty()) {
        shape.push_back(static_cast<py::ssize_t>(values.size()));
    }
    auto* moved = new std::vector<T>(std::move(values));
    const py::capsule owner(moved, [](void* p) { delete static_cast<std::vector<T>*>(p); });
    return py::array_t<T>(std::move(shape), moved->data(), owner);
}

}  // namespace splinecode
