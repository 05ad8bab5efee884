#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "cuda_runtime.h"
#include "emulator.hpp"

/// cuda/ptx.hpp for the emulator: what the PTX ISA says of the same instructions, spelled out.
///
/// Copies and a warpgroup's products take place when they are asked for or at the wait, at random:
/// a kernel that reads a result or reuses an operand before its wait is likely to be found out.
/// The fences between proxies are taken as given: a missing one passes.
#define __CUDA_ARCH_FEAT_SM90_ALL

namespace splinecode::cuda::ptx {

inline unsigned char* shared_pointer(std::uint32_t address) {
    return emulator::shared_window() + address;
}

inline std::uint32_t shared_address(const void* pointer) {
    const auto* byte = static_cast<const unsigned char*>(pointer);
    return static_cast<std::uint32_t>(byte - emulator::shared_window());
}

inline unsigned char* dynamic_shared_memory() { return emulator::dynamic_shared_memory(); }

inline uint4 load_16(std::uint32_t from) {
    uint4 value{};
    std::memcpy(&value, shared_pointer(from), sizeof(value));
    return value;
}

// ------------------------------------------------------------------ asynchronous copies

namespace emulated {

inline void copy(std::uint32_t to, const void* from, int valid, int bytes) {
    if (to % static_cast<unsigned>(bytes) != 0 ||
        (valid > 0 && reinterpret_cast<std::uintptr_t>(from) % static_cast<unsigned>(bytes) != 0)) {
        emulator::fail("an asynchronous copy is misaligned");
    }
    emulator::async_copies().queue([=] {
        std::memset(shared_pointer(to), 0, static_cast<std::size_t>(bytes));
        if (valid > 0) {
            std::memcpy(shared_pointer(to), from, static_cast<std::size_t>(valid));
        }
    });
}

}  // namespace emulated

inline void copy_16(std::uint32_t to, const void* from, int valid) {
    emulated::copy(to, from, valid, 16);
}
inline void copy_8(std::uint32_t to, const void* from, int valid) {
    emulated::copy(to, from, valid, 8);
}
inline void commit_copies() { emulator::async_copies().commit(); }
template <int Groups>
void wait_copies() {
    emulator::async_copies().wait(Groups);
}

// ------------------------------------------------------------------ a warp's products

inline void load_matrices(std::uint32_t (&to)[4], std::uint32_t row,
                          const std::source_location place = std::source_location::current()) {
    const auto rows = emulator::meet(emulator::Scope::warp, row, place);
    const unsigned lane = threadIdx.x % emulator::warp_lanes;
    for (unsigned matrix = 0; matrix < 4; ++matrix) {
        const auto address = static_cast<std::uint32_t>(rows[matrix * 8 + lane / 4]);
        if (address % 16 != 0) {
            emulator::fail("ldmatrix: a row is not a multiple of 16 bytes");
        }
        std::memcpy(&to[matrix], shared_pointer(address + lane % 4 * 4), sizeof(to[matrix]));
    }
}

namespace emulated {

/// What the lanes hold of A (16 rows) and B (8 columns): element (row, t) of A's half h is register
/// row / 8 + 2 h of lane row % 8 * 4 + t; element (t, column) of B's is register h of lane
/// column * 4 + t.
struct Operands {
    std::uint32_t a[4][emulator::warp_lanes];
    std::uint32_t b[2][emulator::warp_lanes];
};

inline Operands gather(const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1,
                       const std::source_location& place) {
    Operands all{};
    const auto bring = [&](std::uint32_t mine, std::uint32_t (&to)[emulator::warp_lanes]) {
        const auto lanes = emulator::meet(emulator::Scope::warp, mine, place);
        for (unsigned lane = 0; lane < emulator::warp_lanes; ++lane) {
            to[lane] = static_cast<std::uint32_t>(lanes[lane]);
        }
    };
    for (int i = 0; i < 4; ++i) {
        bring(a[i], all.a[i]);
    }
    bring(b0, all.b[0]);
    bring(b1, all.b[1]);
    return all;
}

/// This lane's four sums: rows lane / 4 and lane / 4 + 8, columns lane % 4 * 2 and the next.
template <class Product>
void add_products(std::int32_t (&sums)[4], const Operands& all, const Product& product) {
    const unsigned lane = threadIdx.x % emulator::warp_lanes;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = lane / 4;
        const unsigned column = lane % 4 * 2 + i % 2;
        for (unsigned half = 0; half < 2; ++half) {
            for (unsigned t = 0; t < 4; ++t) {
                sums[i] +=
                    product(all.a[i / 2 + 2 * half][row * 4 + t], all.b[half][column * 4 + t]);
            }
        }
    }
}

inline std::int32_t and_count(std::uint32_t a, std::uint32_t b) { return std::popcount(a & b); }

inline std::int32_t dot_bytes(std::uint32_t a, std::uint32_t b) {
    std::int32_t sum = 0;
    for (int byte = 0; byte < 4; ++byte) {
        sum += static_cast<std::int8_t>(a >> 8 * byte) * static_cast<std::int8_t>(b >> 8 * byte);
    }
    return sum;
}

}  // namespace emulated

inline void multiply_b1(std::int32_t (&sums)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                        std::uint32_t b1,
                        const std::source_location place = std::source_location::current()) {
    emulated::add_products(sums, emulated::gather(a, b0, b1, place), emulated::and_count);
}

inline void multiply_s8(std::int32_t (&sums)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                        std::uint32_t b1,
                        const std::source_location place = std::source_location::current()) {
    emulated::add_products(sums, emulated::gather(a, b0, b1, place), emulated::dot_bytes);
}

// ------------------------------------------------------------------ a warpgroup's products

inline void publish_to_products() {}
inline void begin_products() {}
inline void commit_products() { emulator::async_products().commit(); }
// A warp's own products only: another warp of the warpgroup may still read shared memory.
inline void wait_products() { emulator::async_products().wait(0); }

namespace emulated {

/// A matrix in shared memory as its descriptor tells: rows of 128 bytes in groups of 8, whose
/// 16-byte pieces are swizzled by the address bits of the row ("128-Byte swizzling mode").
class Matrix {
public:
    explicit Matrix(std::uint64_t descriptor)
        : start_(static_cast<std::uint32_t>(descriptor & 0x3fff) << 4),
          group_bytes_(static_cast<std::uint32_t>(descriptor >> 32 & 0x3fff) << 4) {
        if (descriptor >> 62 != 1 || (descriptor >> 49 & 7) != 0) {
            emulator::fail("wgmma: only the 128-byte swizzle without a base offset");
        }
    }

    std::uint32_t piece(unsigned row, unsigned byte) const {
        const std::uint32_t address = start_ + row / 8 * group_bytes_ + row % 8 * 128 + byte;
        const std::uint32_t swizzled = address ^ (address >> 7 & 7) << 4;
        std::uint32_t bits = 0;
        std::memcpy(&bits, shared_pointer(swizzled), sizeof(bits));
        return bits;
    }

private:
    std::uint32_t start_;
    std::uint32_t group_bytes_;
};

}  // namespace emulated

inline void multiply_b1_warpgroup(
    std::int32_t (&sums)[16][4], std::uint64_t a, std::uint64_t b, int accumulate,
    const std::source_location place = std::source_location::current()) {
    for (const std::uint64_t brought : emulator::meet(emulator::Scope::warpgroup, a, place)) {
        if (brought != a) {
            emulator::fail("wgmma: threads of a warpgroup brought different descriptors");
        }
    }
    const unsigned thread = threadIdx.x % emulator::warpgroup_threads;
    emulator::async_products().queue([&sums, a, b, accumulate, thread] {
        const emulated::Matrix rows(a);
        const emulated::Matrix columns(b);
        for (unsigned j = 0; j < 16; ++j) {
            for (unsigned i = 0; i < 4; ++i) {
                const unsigned row = thread / 32 * 16 + thread % 32 / 4 + i / 2 * 8;
                const unsigned column = j * 8 + thread % 4 * 2 + i % 2;
                std::int32_t sum = accumulate ? sums[j][i] : 0;
                for (unsigned byte = 0; byte < 32; byte += 4) {
                    sum += emulated::and_count(rows.piece(row, byte), columns.piece(column, byte));
                }
                sums[j][i] = sum;
            }
        }
    });
}

}  // namespace splinecode::cuda::ptx
