#include "pruning.hpp"

namespace splinecode {

ToCenters::ToCenters(LookupTables& tables, const LookupBlock& block, const CodeRows& centers,
                     std::size_t head_chunks) {
    const std::size_t chunks = lookup_chunks(centers.words);
    const std::size_t head = std::min(head_chunks, chunks);
    for (std::int64_t begin = 0; begin < centers.rows; begin += LookupTables::tile_rows()) {
        const std::int64_t n = std::min(LookupTables::tile_rows(), centers.rows - begin);
        const RowList list{begin, static_cast<std::size_t>(n)};
        tables.add(block, centers, list, 0, head);
        const auto sums = tables.sums(block, begin, list.count);
        rest.insert(rest.end(), sums.distances, sums.row(sums.rows));
        if (head < chunks) {
            tables.add(block, centers, list, head, chunks);
        }
        whole.insert(whole.end(), sums.distances, sums.row(sums.rows));
    }
    for (std::size_t i = 0; i < rest.size(); ++i) {
        rest[i] = static_cast<std::uint16_t>(whole[i] - rest[i]);
    }
}

Alive Staged::alive_by_head(const DistanceTile<std::uint16_t>& sums,
                            const std::vector<std::uint32_t>& ids, const ToCenters& to_centers,
                            const Limits<std::uint16_t>& limits) const {
    std::vector<std::uint16_t> row_cluster;
    std::vector<std::uint16_t> row_rest;
    row_cluster.reserve(ids.size());
    row_rest.reserve(ids.size());
    for (const std::uint32_t id : ids) {
        row_cluster.push_back(cluster[id]);
        row_rest.push_back(rest[id]);
    }
    const BoundedTile tile{sums.distances,         sums.rows,          sums.queries,
                           to_centers.rest.data(), row_cluster.data(), row_rest.data()};
    const Kernels& kernel = kernels();
    return alive_in(tile.rows, [&](std::size_t row, std::uint64_t* lanes) {
        return kernel.next_bounded(tile, row, limits.below, lanes);
    });
}

}  // namespace splinecode
