#include <new>

#include "sweep/rows.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace splinecode::sweep {
namespace {

/// Blocks at least this large are worth keeping; the allocator keeps smaller ones itself.
constexpr std::int64_t least_kept = 1 << 13;
constexpr std::int64_t most_kept_bytes = 1 << 28;

constexpr std::size_t alignment = 64;
/// Blocks at least this large are asked for in huge pages, which cost a fault each.
constexpr std::size_t huge_page = 1 << 21;

double* allocate(std::int64_t size) {
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(double);
    void* const p = ::operator new(bytes, std::align_val_t(alignment));
#if defined(__linux__)
    if (bytes >= 2 * huge_page) {
        const std::size_t skip = huge_page - reinterpret_cast<std::uintptr_t>(p) % huge_page;
        const std::size_t whole = (bytes - skip) / huge_page * huge_page;
        madvise(static_cast<char*>(p) + skip, whole, MADV_HUGEPAGE);  // a hint: may fail
    }
#endif
    return static_cast<double*>(p);
}

/// Sizes in steps of an eighth, so that blocks fit again.
std::int64_t rounded(std::int64_t size) {
    std::int64_t step = 1;
    while (step * 16 <= size) {
        step *= 2;
    }
    return (size + step - 1) / step * step;
}

}  // namespace

void Pool::Free::operator()(double* p) const { ::operator delete(p, std::align_val_t(alignment)); }

Pool::Block Pool::take(std::int64_t& size) {
    if (size >= least_kept) {
        size = rounded(size);
        const std::lock_guard lock(mutex_);
        const auto found = blocks_.lower_bound(size);
        if (found != blocks_.end() && found->first <= 2 * size) {
            size = found->first;
            Block block = std::move(found->second);
            blocks_.erase(found);
            kept_ -= size * 8;
            return block;
        }
    }
    return Block(allocate(size));
}

void Pool::give(Block block, std::int64_t size) {
    if (size < least_kept) {
        return;
    }
    const std::lock_guard lock(mutex_);
    if (kept_ + size * 8 <= most_kept_bytes) {
        kept_ += size * 8;
        blocks_.emplace(size, std::move(block));
    }
}

void Pool::shrink(std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    while (kept_ > bytes) {
        const auto largest = std::prev(blocks_.end());
        kept_ -= largest->first * 8;
        blocks_.erase(largest);
    }
}

}  // namespace splinecode::sweep
