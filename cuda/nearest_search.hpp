#pragma once

#include <cstddef>
#include <cstdint>

#include "code_rows.hpp"
#include "cuda.hpp"
#include "geometry.hpp"
#include "nearest_key.hpp"

/// The k nearest rows of some queries while a database comes by in parts.
namespace splinecode::cuda {

/// More neighbours than these are selected from a matrix of all distances (top_k_matrix.hpp).
constexpr std::int64_t most_listed = 512;

/// For searches without a row to leave out.
constexpr std::int64_t no_self = std::int64_t{-1} << 62;

/// The workspace of a search for a batch of queries: what is laid out in it, in bytes.
struct NearestLayout {
    std::int64_t queries;
    std::int64_t k;
    std::int64_t most_splits;
    std::int64_t lists;

    /// For rows > 0 in each part, and k <= most_listed.
    static NearestLayout of(std::int64_t queries, std::int64_t rows, std::int64_t k);

    std::size_t best_at() const;
    std::size_t nearest_at() const;
    std::size_t lists_at() const;
    std::size_t bytes() const;
};

/// Queries of a batch: all, or half as many and so on until their workspace fits; 0 if none does.
std::int64_t nearest_batch(std::int64_t queries, std::int64_t rows, std::int64_t k,
                           std::size_t workspace_bytes);

/// A search that is under way in a workspace. The stream's device must be current.
class NearestSearch {
public:
    NearestSearch(const NearestLayout& layout, void* workspace, Stream stream);

    /// Searches further rows too, the first of which is number `first_index`. Query i never gets
    /// row first_self + i.
    void add(const CodeRows& queries, const CodeRows& rows, std::int64_t first_index,
             std::int64_t first_self);
    /// Writes the k nearest of all rows in order.
    void finish(std::int32_t* distances, std::int64_t* indices) const;

private:
    template <class T>
    T* at(std::size_t offset) const {
        return reinterpret_cast<T*>(static_cast<unsigned char*>(workspace_) + offset);
    }

    NearestLayout layout_;
    void* workspace_;
    Stream stream_;
    bool has_best_ = false;
};

}  // namespace splinecode::cuda
