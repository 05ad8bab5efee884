#include <algorithm>
#include <cstdint>

#include "cuda.hpp"
#include "nearest_search.hpp"
#include "runtime.hpp"
#include "scan_checks.hpp"
#include "top_k_matrix.hpp"

namespace splinecode::cuda {
namespace {

std::int64_t batch_of(std::int64_t queries, std::int64_t rows, std::int64_t k, std::size_t bytes) {
    if (k <= most_listed) {
        return nearest_batch(queries, rows, k, bytes);
    }
    return std::min(queries, static_cast<std::int64_t>(bytes / matrix_bytes(1, rows)));
}

}  // namespace

std::size_t top_k_workspace_bytes(std::int64_t queries, std::int64_t rows, std::int64_t k) {
    if (queries <= 0 || rows <= 0 || k <= 0) {
        return 0;
    }
    return k <= most_listed ? NearestLayout::of(queries, rows, k).bytes()
                            : matrix_bytes(queries, rows);
}

void top_k(const CodeRows& queries, const CodeRows& database, std::int64_t k, bool exclude_self,
           std::int32_t* distances, std::int64_t* indices, void* workspace,
           std::size_t workspace_bytes, Stream stream) {
    require_scan(queries, database, "top_k");
    require_k(database, k, exclude_self, "top_k");
    if (queries.rows == 0 || k == 0) {
        return;
    }
    require_workspace(workspace, workspace_bytes, top_k_workspace_bytes(1, database.rows, k),
                      "top_k");
    const DeviceGuard guard(stream.device);
    const std::int64_t most = batch_of(queries.rows, database.rows, k, workspace_bytes);
    for (std::int64_t first = 0; first < queries.rows; first += most) {
        const CodeRows batch{queries.row(first), std::min(most, queries.rows - first),
                             queries.words, queries.stride};
        if (k <= most_listed) {
            NearestSearch search(NearestLayout::of(batch.rows, database.rows, k), workspace,
                                 stream);
            search.add(batch, database, 0, exclude_self ? first : no_self);
            search.finish(distances + first * k, indices + first * k);
        } else {
            top_k_by_matrix(batch, database, k, exclude_self ? first : no_self,
                            distances + first * k, indices + first * k, workspace, stream);
        }
    }
}

}  // namespace splinecode::cuda
