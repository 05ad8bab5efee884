#pragma once

#include <cstddef>
#include <cstdint>

namespace splinecode {

/// Element types that cross the Python boundary; those up to `boolean` (one byte holding 0 or 1)
/// can be packed.
enum class ElementType : std::uint8_t {
    float64,
    float32,
    float16,
    bfloat16,
    boolean,
    uint64,
    int64,
    int32,
    uint16,
    int8,
};

constexpr std::size_t size_of(ElementType type) {
    switch (type) {
        case ElementType::float64:
        case ElementType::uint64:
        case ElementType::int64: return 8;
        case ElementType::float32:
        case ElementType::int32: return 4;
        case ElementType::float16:
        case ElementType::bfloat16:
        case ElementType::uint16: return 2;
        case ElementType::boolean:
        case ElementType::int8: return 1;
    }
    return 0;
}

constexpr const char* name_of(ElementType type) {
    switch (type) {
        case ElementType::float64: return "float64";
        case ElementType::float32: return "float32";
        case ElementType::float16: return "float16";
        case ElementType::bfloat16: return "bfloat16";
        case ElementType::boolean: return "bool";
        case ElementType::uint64: return "uint64";
        case ElementType::int64: return "int64";
        case ElementType::int32: return "int32";
        case ElementType::uint16: return "uint16";
        case ElementType::int8: return "int8";
    }
    return "unknown";
}

}  // namespace splinecode
