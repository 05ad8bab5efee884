#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <type_traits>
#include <vector>

#include "array.hpp"
#include "cuda_stream.hpp"

/// Functions of many arrays on one device.
namespace splinecode {

template <class T>
constexpr ElementType element_type_of() {
    if constexpr (std::is_same_v<T, double>) {
        return ElementType::float64;
    } else if constexpr (std::is_same_v<T, float>) {
        return ElementType::float32;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return ElementType::int64;
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        return ElementType::int32;
    } else {
        static_assert(std::is_same_v<T, std::uint8_t>);
        return ElementType::boolean;
    }
}

/// The arrays of one call, borrowed until its end.
class DeviceArrays {
public:
    using Shape = std::vector<std::int64_t>;

    explicit DeviceArrays(std::intptr_t stream) : stream_(stream) {}

    const Array& borrowed(py::handle object, const char* name) {
        return arrays_.emplace_back(borrow(object, name, stream_));
    }
    template <class T>
    const T* in(py::handle object, const char* name, const Shape& shape) {
        return contiguous_data_anywhere<T>(borrowed(object, name), element_type_of<T>(), shape);
    }
    template <class T>
    T* out(py::handle object, const char* name, const Shape& shape) {
        return device_out<T>(borrowed(object, name), element_type_of<T>(), shape);
    }
    /// One axis, as long as it is.
    template <class T>
    const T* list(py::handle object, const char* name, std::int64_t& length) {
        const Array& array = borrowed(object, name);
        length = need_ndim(array, 1).shape[0];
        return contiguous_data_anywhere<T>(array, element_type_of<T>(), {length});
    }
    /// One axis of one entry more than there are parts.
    const std::int64_t* offsets(py::handle object, const char* name, std::int64_t& parts) {
        const std::int64_t* const found = list<std::int64_t>(object, name, parts);
        if (parts == 0) {
            throw py::value_error(std::string(name) +
                                  " is empty; wanted its parts' begins and end");
        }
        --parts;
        return found;
    }

    /// The stream, on the one device of all arrays.
    cuda::Stream on() const {
        std::vector<const Array*> all;
        for (const Array& array : arrays_) {
            all.push_back(&array);
        }
        return stream_of(all, stream_);
    }

private:
    std::intptr_t stream_;
    std::deque<Array> arrays_;
};

/// Calls work(a null pointer of the array's type): float or double.
template <class Work>
void with_value_type(const Array& array, const Work& work) {
    if (array.type == ElementType::float32) {
        work(static_cast<float*>(nullptr));
    } else {
        need_type(array, ElementType::float64);
        work(static_cast<double*>(nullptr));
    }
}

}  // namespace splinecode
