#include "array.hpp"

#include <optional>
#include <sstream>

#include "dlpack.hpp"

namespace splinecode {
namespace {

std::string text_of(const std::vector<std::int64_t>& shape) {
    std::ostringstream out;
    out << '(';
    for (std::size_t i = 0; i < shape.size(); ++i) {
        out << (i ? ", " : "") << shape[i];
    }
    out << (shape.size() == 1 ? ",)" : ")");
    return out.str();
}

[[noreturn]] void refuse(const Array& array, const std::string& wanted) {
    throw py::value_error(array.name + " is a " + array.described() + "; wanted " + wanted);
}

std::optional<ElementType> element_type(char kind, std::size_t bytes) {
    switch (kind) {
        case 'f':
            if (bytes == 8) return ElementType::float64;
            if (bytes == 4) return ElementType::float32;
            if (bytes == 2) return ElementType::float16;
            break;
        case 'b':
            if (bytes == 1) return ElementType::boolean;
            break;
        case 'u':
            if (bytes == 8) return ElementType::uint64;
            if (bytes == 2) return ElementType::uint16;
            break;
        case 'i':
            if (bytes == 8) return ElementType::int64;
            if (bytes == 4) return ElementType::int32;
            if (bytes == 1) return ElementType::int8;
            break;
        default: break;
    }
    return std::nullopt;
}

[[noreturn]] void refuse_dtype(const char* name, const std::string& dtype) {
    throw py::type_error(std::string(name) + " has dtype " + dtype +
                         ", which splinecode does not read; wanted float64, float32, float16, "
                         "bfloat16 or bool for pre-activations and uint64 for words");
}

Array from_numpy(const py::array& source, const char* name) {
    Array array;
    array.name = name;
    const py::dtype dtype = source.dtype();
    const auto type = element_type(dtype.kind(), static_cast<std::size_t>(dtype.itemsize()));
    const char order = dtype.byteorder();
    if (!type || (order != '=' && order != '|' && order != '<')) {
        refuse_dtype(name, py::str(dtype).cast<std::string>());
    }
    array.type = *type;
    array.data = const_cast<void*>(source.data());
    array.writable = source.writeable();
    array.owner = source;
    const auto size = static_cast<py::ssize_t>(size_of(array.type));
    bool misaligned = reinterpret_cast<std::uintptr_t>(array.data) % size_of(array.type) != 0;
    for (py::ssize_t axis = 0; axis < source.ndim(); ++axis) {
        array.shape.push_back(source.shape(axis));
        array.strides.push_back(source.strides(axis) / size);
        misaligned |= source.shape(axis) > 1 && source.strides(axis) % size != 0;
    }
    if (misaligned && array.size() > 0) {
        refuse(array, "aligned memory: pass numpy.ascontiguousarray(" + array.name + ")");
    }
    return array;
}

char kind_of(dlpack::DataType type) {
    switch (type.code) {
        case dlpack::floating: return 'f';
        case dlpack::boolean: return 'b';
        case dlpack::unsigned_int: return 'u';
        case dlpack::signed_int: return 'i';
        default: return '?';
    }
}

/// Asks for the capsule; `object` is known to have __dlpack__.
py::capsule request_capsule(py::handle object, const char* name, bool on_cuda,
                            std::intptr_t stream) {
    try {
        return on_cuda ? object.attr("__dlpack__")(py::arg("stream") = stream)
                       : object.attr("__dlpack__")();
    } catch (py::error_already_set& error) {
        if (!error.matches(PyExc_BufferError) && !error.matches(PyExc_RuntimeError)) {
            throw;
        }
        throw py::value_error(std::string(name) +
                              " cannot be borrowed: " + py::str(error.value()).cast<std::string>() +
                              " (a tensor that requires grad: pass " + name + ".detach())");
    }
}

Array from_dlpack(py::handle object, const char* name, std::intptr_t stream) {
    const auto device = object.attr("__dlpack_device__")().cast<std::pair<int, int>>();
    const bool on_cuda = device.first == dlpack::cuda;
    if (!on_cuda && device.first != dlpack::cpu && device.first != dlpack::cuda_host) {
        throw py::value_error(std::string(name) + " is on a device that splinecode does not know " +
                              "(DLPack type " + std::to_string(device.first) +
                              "); move it to the CPU or to a CUDA device");
    }
    const py::capsule capsule = request_capsule(object, name, on_cuda, stream);
    const auto* managed =
        static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
    if (!managed) {
        throw py::error_already_set();
    }
    const dlpack::Tensor& tensor = managed->tensor;
    const auto type = tensor.dtype.code == dlpack::bfloat && tensor.dtype.bits == 16
                          ? std::optional(ElementType::bfloat16)
                          : element_type(kind_of(tensor.dtype), tensor.dtype.bits / 8U);
    if (!type || tensor.dtype.lanes != 1) {
        refuse_dtype(name, py::str(object.attr("dtype")).cast<std::string>());
    }
    Array array;
    array.name = name;
    array.type = *type;
    array.data = static_cast<char*>(tensor.data) + tensor.byte_offset;
    array.cuda_device = on_cuda ? tensor.device.id : -1;
    array.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
    array.strides.resize(array.shape.size());
    std::int64_t packed = 1;
    for (std::size_t axis = array.shape.size(); axis-- > 0;) {
        array.strides[axis] = tensor.strides ? tensor.strides[axis] : packed;
        packed *= array.shape[axis];
    }
    array.owner = capsule;
    return array;
}

}  // namespace

std::int64_t Array::size() const {
    std::int64_t elements = 1;
    for (const std::int64_t extent : shape) {
        elements *= extent;
    }
    return elements;
}

bool Array::contiguous() const {
    std::int64_t packed = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        if (shape[axis] > 1 && strides[axis] != packed) {
            return size() == 0;
        }
        packed *= shape[axis];
    }
    return true;
}

std::string Array::described() const {
    const std::string place =
        cuda_device < 0 ? "the CPU" : "CUDA device " + std::to_string(cuda_device);
    return std::string(name_of(type)) + " array of shape " + text_of(shape) + " on " + place;
}

Array borrow(py::handle object, const char* name, std::intptr_t stream) {
    if (py::isinstance<py::array>(object)) {
        return from_numpy(py::reinterpret_borrow<py::array>(object), name);
    }
    if (py::hasattr(object, "__dlpack__") && py::hasattr(object, "__dlpack_device__")) {
        return from_dlpack(object, name, stream);
    }
    throw py::type_error(std::string(name) + " is a " +
                         py::str(py::type::of(object).attr("__name__")).cast<std::string>() +
                         "; wanted a numpy, torch or cupy array");
}

const Array& need_type(const Array& array, ElementType type) {
    if (array.type != type) {
        throw py::type_error(array.name + " has dtype " + name_of(array.type) + "; wanted " +
                             name_of(type));
    }
    return array;
}

const Array& need_preactivations(const Array& array) {
    if (array.type > ElementType::boolean) {
        refuse_dtype(array.name.c_str(), name_of(array.type));
    }
    return array;
}

const Array& need_ndim(const Array& array, std::size_t ndim) {
    if (array.shape.size() != ndim) {
        refuse(array, std::to_string(ndim) + " axes");
    }
    return array;
}

const Array& need_shape(const Array& array, const std::vector<std::int64_t>& shape) {
    if (array.shape != shape) {
        refuse(array, "shape " + text_of(shape));
    }
    return array;
}

const Array& need_contiguous(const Array& array) {
    if (!array.contiguous()) {
        refuse(array, "a C-contiguous array");
    }
    return array;
}

const Array& need_writable(const Array& array) {
    if (!array.writable) {
        refuse(array, "a writable array");
    }
    return array;
}

const Array& need_host(const Array& array) {
    if (array.cuda_device >= 0) {
        refuse(array, "one on the CPU: this function has no CUDA kernel yet; move it with .cpu()");
    }
    return array;
}

int need_same_cuda_device(const std::vector<const Array*>& arrays) {
    for (const Array* array : arrays) {
        if (array->cuda_device < 0 || array->cuda_device != arrays.front()->cuda_device) {
            refuse(*array,
                   "the device of " + arrays.front()->name + ", a " + arrays.front()->described());
        }
    }
    return arrays.front()->cuda_device;
}

void need_same_width(const Array& a, const Array& b) {
    need_ndim(b, 2);
    need_ndim(a, 2);
    if (a.shape[1] != b.shape[1]) {
        throw py::value_error(a.name + " is a " + a.described() + " and " + b.name + " a " +
                              b.described() + "; wanted as many words in both");
    }
    if (a.shape[1] > std::int64_t{1} << 24) {
        throw py::value_error(a.name + " is a " + a.described() +
                              "; wanted at most 2^24 words, so that a distance fits an int32");
    }
}

StridedRows as_strided_rows(const Array& array) {
    if (array.shape.empty()) {
        refuse(array, "at least one axis (the units)");
    }
    StridedRows rows;
    rows.data = array.data;
    rows.type = array.type;
    const std::size_t last = array.shape.size() - 1;
    rows.columns = array.shape[last];
    rows.column_stride = rows.columns > 1 ? array.strides[last] : 1;
    for (std::size_t axis = 0; axis < last; ++axis) {
        const std::int64_t extent = array.shape[axis];
        const std::int64_t stride = array.strides[axis];
        rows.rows *= extent;
        if (extent == 1) {
            continue;
        }
        const int outer = rows.leading - 1;
        if (outer >= 0 && rows.stride[outer] == extent * stride) {
            rows.shape[outer] *= extent;
            rows.stride[outer] = stride;
        } else if (rows.leading == StridedRows::max_leading) {
            refuse(array, "at most 8 leading axes that do not merge: pass a contiguous array");
        } else {
            rows.shape[rows.leading] = extent;
            rows.stride[rows.leading++] = stride;
        }
    }
    return rows;
}

CodeRows as_code_rows(const Array& array) { return as_code_rows_anywhere(need_host(array)); }

CodeRows as_code_rows_anywhere(const Array& array) {
    need_ndim(need_type(array, ElementType::uint64), 2);
    if (array.size() > 0 && array.shape[1] > 1 && array.strides[1] != 1) {
        refuse(array,
               "words that lie side by side within a code (rows may be any stride apart): pass "
               "numpy.ascontiguousarray(" +
                   array.name + ") or " + array.name + ".contiguous()");
    }
    const std::int64_t stride = array.shape[0] > 1 ? array.strides[0] : array.shape[1];
    return {static_cast<const std::uint64_t*>(array.data), array.shape[0], array.shape[1], stride};
}

Interrupt python_interrupt() {
    return [] {
        const py::gil_scoped_acquire acquire;
        return PyErr_CheckSignals() != 0;
    };
}

}  // namespace splinecode
