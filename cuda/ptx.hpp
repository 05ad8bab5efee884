#pragma once

#include <cstdint>

/// The instructions that CUDA C++ has no function for, one function each. Their operands are those
/// of the PTX ISA ("Warp Level Matrix Instructions", "Asynchronous Warpgroup Level Matrix
/// Instructions", "Asynchronous copy").
///
/// Shared memory is addressed by the 32-bit addresses of its own window.
#if defined(__CUDACC__)

#include <cuda_runtime.h>

namespace splinecode::cuda::ptx {

__device__ inline std::uint32_t shared_address(const void* pointer) {
    return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// The block's dynamic shared memory, at a multiple of 16 bytes.
__device__ inline unsigned char* dynamic_shared_memory() {
    extern __shared__ __align__(16) unsigned char splinecode_dynamic_shared_memory[];
    return splinecode_dynamic_shared_memory;
}

/// 16 bytes of shared memory, at a multiple of 16.
__device__ inline uint4 load_16(std::uint32_t from) {
    uint4 value;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
                 : "r"(from)
                 : "memory");
    return value;
}

// ------------------------------------------------------------------ asynchronous copies

/// Copies `valid` <= 16 bytes and fills with zeros up to 16. Both addresses are multiples of 16.
__device__ inline void copy_16(std::uint32_t to, const void* from, int valid) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;\n" ::"r"(to), "l"(from),
                 "r"(valid));
}

/// Likewise of 8 bytes; both addresses are multiples of 8.
__device__ inline void copy_8(std::uint32_t to, const void* from, int valid) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;\n" ::"r"(to), "l"(from), "r"(valid));
}

/// Ends a group of this thread's copies, which may be empty.
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;\n" ::); }

/// Waits for this thread's copies, except for those of its last `Groups` groups.
template <int Groups>
__device__ inline void wait_copies() {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(Groups) : "memory");
}

// ------------------------------------------------------------------ a warp's products

/// Four 8 x 16-byte matrices, whose rows the lanes 0 to 7, 8 to 15, 16 to 23 and 24 to 31 point at:
/// lane l gets bytes [4 (l % 4), 4 (l % 4) + 4) of row l / 4 of each.
__device__ inline void load_matrices(std::uint32_t (&to)[4], std::uint32_t row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(row)
                 : "memory");
}

/// sums += popcount of the AND of 16 rows and 8 columns of 256 bits: sm_80 to sm_90.
__device__ inline void multiply_b1(std::int32_t (&sums)[4], const std::uint32_t (&a)[4],
                                   std::uint32_t b0, std::uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// sums += products of 16 rows and 8 columns of 32 signed bytes.
__device__ inline void multiply_s8(std::int32_t (&sums)[4], const std::uint32_t (&a)[4],
                                   std::uint32_t b0, std::uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// ------------------------------------------------------------------ a warpgroup's products

/// Before a warpgroup's products read what this thread has written to shared memory, by copies that
/// it has waited for or by stores.
__device__ inline void publish_to_products() {
    asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");
}

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)

/// Before the first product of a batch.
__device__ inline void begin_products() {
    asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
}

__device__ inline void commit_products() {
    asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory");
}

/// Waits for all products; only then may sums be read, and shared memory be written.
__device__ inline void wait_products() {
    asm volatile("wgmma.wait_group.sync.aligned 0;\n" ::: "memory");
}

/// sums (+)= popcount of the AND of 64 rows and 128 columns of 256 bits that descriptors tell of;
/// with accumulate = 0 what sums held is forgotten. sums[j] is of columns 8 j and on, as
/// multiply_b1's of the 16 rows of the warp. All 128 threads of the warpgroup call it.
__device__ inline void multiply_b1_warpgroup(std::int32_t (&sums)[16][4], std::uint64_t a,
                                             std::uint64_t b, int accumulate) {
#define SPLINECODE_SUMS(j) "+r"(sums[j][0]), "+r"(sums[j][1]), "+r"(sums[j][2]), "+r"(sums[j][3])
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "setp.ne.b32 p, %66, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k256.s32.b1.b1.and.popc "
        "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
        "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
        "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
        "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
        "%64, %65, p;\n"
        "}\n"
        : SPLINECODE_SUMS(0), SPLINECODE_SUMS(1), SPLINECODE_SUMS(2), SPLINECODE_SUMS(3),
          SPLINECODE_SUMS(4), SPLINECODE_SUMS(5), SPLINECODE_SUMS(6), SPLINECODE_SUMS(7),
          SPLINECODE_SUMS(8), SPLINECODE_SUMS(9), SPLINECODE_SUMS(10), SPLINECODE_SUMS(11),
          SPLINECODE_SUMS(12), SPLINECODE_SUMS(13), SPLINECODE_SUMS(14), SPLINECODE_SUMS(15)
        : "l"(a), "l"(b), "r"(accumulate));
#undef SPLINECODE_SUMS
}

#endif

}  // namespace splinecode::cuda::ptx

#else
#include <emulated_ptx.hpp>
#endif
