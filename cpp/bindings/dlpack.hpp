#pragma once

#include <cstdint>

/// The part of the DLPack ABI (unversioned "dltensor" capsules, as the array API standard passes
/// them) that is read here. Field order and sizes are the standard's.
namespace splinecode::dlpack {

enum DeviceType : std::int32_t { cpu = 1, cuda = 2, cuda_host = 3, cuda_managed = 13 };
enum TypeCode : std::uint8_t {
    signed_int = 0,
    unsigned_int = 1,
    floating = 2,
    bfloat = 4,
    boolean = 6
};

struct Device {
    std::int32_t type;
    std::int32_t id;
};

struct DataType {
    std::uint8_t code;
    std::uint8_t bits;
    std::uint16_t lanes;
};

struct Tensor {
    void* data;
    Device device;
    std::int32_t ndim;
    DataType dtype;
    std::int64_t* shape;
    std::int64_t* strides;  // in elements; null for C-contiguous
    std::uint64_t byte_offset;
};

struct ManagedTensor {
    Tensor tensor;
    void* manager_context;
    void (*deleter)(ManagedTensor*);
};

}  // namespace splinecode::dlpack
