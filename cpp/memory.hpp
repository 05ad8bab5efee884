#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <new>
#include <string>

/// Memory asked for before a long job starts, so that it fails at once with a reason and not after
/// an hour, or by the system's killing the process.
namespace splinecode {

/// What a job needs is more than there is; MemoryError in Python, with this message.
class NotEnoughMemory : public std::bad_alloc {
public:
    explicit NotEnoughMemory(std::string message) : message_(std::move(message)) {}
    const char* what() const noexcept override { return message_.c_str(); }

private:
    std::string message_;
};

/// The product of numbers >= 0, or the largest int64 where it does not fit: a size that need_memory
/// refuses instead of one that wrapped around.
constexpr std::int64_t saturating_product(std::initializer_list<std::int64_t> factors) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::int64_t product = 1;
    for (const std::int64_t factor : factors) {
        if (factor == 0) {
            return 0;
        }
        product = product > most / factor ? most : product * factor;
    }
    return product;
}

/// Bytes that this process can still take: the least of what the system calls available, of what
/// its control groups (a container's limits) leave, page cache that they can drop counted as free,
/// and of RLIMIT_AS. The largest int64 where nothing tells. Files are read below `root`, for tests.
std::int64_t available_memory(const std::string& root = "/");

/// Throws NotEnoughMemory unless `bytes` can be had; `what` begins its message, such as "the
/// distances of 9 x 9 codes". Less than 16 MiB is never refused and costs nothing to ask for.
void need_memory(std::int64_t bytes, const std::string& what);

}  // namespace splinecode
