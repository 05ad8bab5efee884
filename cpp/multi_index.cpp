#include "multi_index.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>

#include "codes.hpp"
#include "memory.hpp"
#include "sets.hpp"
#include "simd.hpp"

namespace splinecode {
namespace {

/// Codes, queries or candidates between two polls for Ctrl-C.
constexpr std::int64_t block_codes = 256;
constexpr std::int64_t polled_candidates = 4096;
/// To decide how many threads are worth it.
constexpr double ns_per_part = 50;
constexpr double ns_per_lookup = 1000;

/// Of a sample: rows, bytes of their codes, queries.
constexpr std::int64_t sample_rows = 4096;
constexpr std::int64_t sample_bytes = 16 << 20;
constexpr std::int64_t sample_queries = 512;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

BitOrder dealt(const CodeRows& codes, std::int32_t radius, const Interrupt& interrupt) {
    if (radius < 0) {
        throw std::invalid_argument("radius is " + std::to_string(radius) + "; wanted at least 0");
    }
    if (codes.rows >> 32 != 0) {
        throw std::length_error("multi-index hashing takes fewer than 2^32 codes");
    }
    BitOrder order(codes, interrupt);
    const std::int64_t parts = std::int64_t{radius} + 1;
    if (radius > 0 && order.bits() / parts < MultiIndex::least_part_bits) {
        throw std::invalid_argument("radius is " + std::to_string(radius) + " but only " +
                                    std::to_string(order.bits()) + " bits vary; wanted at least " +
                                    std::to_string(MultiIndex::least_part_bits) +
                                    " for each of radius + 1 parts");
    }
    order.deal(parts);
    return order;
}

}  // namespace

MultiIndex::MultiIndex(const CodeRows& codes, std::int32_t radius, const Interrupt& interrupt)
    : code_words_(codes.words), order_(dealt(codes, radius, interrupt)) {
    const std::int64_t parts = std::int64_t{radius} + 1;
    std::int64_t begin = 0;
    for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t end =
            begin + order_.bits() / parts + (part < order_.bits() % parts ? 1 : 0);
        parts_.push_back({begin, end});
        begin = end;
    }
    need_memory(saturating_product({codes.rows, 8 * order_.words() + 20 * parts + 8 * threads()}),
                "hash tables of the parts of " + std::to_string(codes.rows) + " codes");
    keyed_ = keyed(codes, "codes", interrupt);
    codes_ = {keyed_.words.data(), codes.rows, order_.words(), order_.words()};
    tables_.resize(parts_.size());
    const auto make = [&](std::int64_t part) {
        tables_[static_cast<std::size_t>(part)] =
            KeyTable(keyed_.keys.data() + part, codes.rows, parts);
    };
    parallel_for(parts, ns_per_part * static_cast<double>(parts * codes.rows), make, interrupt);
}

/// Of codes that are given to the index or asked about.
MultiIndex::Keyed MultiIndex::keyed(const CodeRows& codes, const char* what,
                                    const Interrupt& interrupt) const {
    const std::int64_t words = order_.words();
    const auto parts = static_cast<std::int64_t>(parts_.size());
    need_memory(saturating_product({codes.rows, 8 * words + 4 * parts}),
                std::to_string(codes.rows) + " reordered " + what);
    Keyed out{std::vector<std::uint64_t>(static_cast<std::size_t>(codes.rows * words)),
              std::vector<Key>(static_cast<std::size_t>(codes.rows * parts))};
    order_.apply(codes, out.words.data(), interrupt);
    const auto run = [&](std::int64_t block) {
        const std::int64_t end = std::min(codes.rows, (block + 1) * block_codes);
        for (std::int64_t row = block * block_codes; row < end; ++row) {
            write_keys(out.words.data() + row * words, out.keys.data() + row * parts);
        }
    };
    parallel_for(ceil_div(codes.rows, block_codes),
                 ns_per_part * static_cast<double>(parts * codes.rows), run, interrupt);
    return out;
}

void MultiIndex::write_keys(const std::uint64_t* code, Key* keys) const {
    std::vector<std::uint64_t> part_words(static_cast<std::size_t>(order_.words()));
    for (const Part& part : parts_) {
        const std::int64_t first = part.begin / word_bits;
        const std::int64_t n = part.begin == part.end ? 0 : words_for(part.end) - first;
        std::copy_n(code + first, n, part_words.data());
        if (n > 0) {
            part_words.front() &= ~(bit_in_word(part.begin) - 1);
            part_words[static_cast<std::size_t>(n) - 1] &= 2 * bit_in_word(part.end - 1) - 1;
        }
        *keys++ = static_cast<Key>(hash_code(part_words.data(), n) >> 32);
    }
}

std::int64_t MultiIndex::bytes() const {
    std::int64_t bytes =
        static_cast<std::int64_t>(8 * keyed_.words.size() + sizeof(Key) * keyed_.keys.size());
    for (const KeyTable& table : tables_) {
        bytes += table.bytes();
    }
    return bytes;
}

/// One search: the queries, and what was done.
class MultiIndex::Search {
public:
    Search(const MultiIndex& index, const CodeRows* queries, std::int32_t radius,
           const Interrupt& interrupt)
        : index_(index), given_(queries), radius_(radius) {
        if (radius > index.radius()) {
            throw std::invalid_argument("radius is " + std::to_string(radius) +
                                        " but the index is for radii up to " +
                                        std::to_string(index.radius()));
        }
        if (queries) {
            keyed_ = index.keyed(*queries, "queries", interrupt);
        }
        stats_.pairs = size() * index.rows();
        stats_.constant_bits = index.order_.constant_bits();
    }

    std::int64_t size() const { return given_ ? given_->rows : index_.rows(); }

    /// Calls hit(query, row, distance) for each row within the radius of each query, in no order,
    /// and done(query) after those of a query.
    template <class Hit, class Done>
    SearchStats run(const Hit& hit, const Done& done, const Interrupt& interrupt) {
        const std::int64_t block =
            std::clamp<std::int64_t>(size() / (8 * threads()), 1, block_codes);
        const auto search = [&](std::int64_t i) {
            std::int64_t candidates = 0;
            const std::int64_t end = std::min(size(), (i + 1) * block);
            for (std::int64_t query = i * block; query < end; ++query) {
                checkpoint();
                candidates += search_one(query, hit);
                done(query);
            }
            const std::lock_guard lock(mutex_);
            stats_.distances += candidates;
        };
        const double lookups = static_cast<double>(size()) * (1.0 + radius_);
        parallel_for(ceil_div(size(), block), ns_per_lookup * lookups, search, interrupt);
        stats_.bounded_pairs = stats_.pairs - stats_.distances;
        stats_.words = stats_.distances * index_.codes_.words;
        return stats_;
    }

private:
    template <class Hit>
    std::int64_t search_one(std::int64_t query, const Hit& hit) const {
        const Kernels& kernel = kernels();
        const CodeRows& codes = index_.codes_;
        const auto parts = static_cast<std::int64_t>(index_.parts_.size());
        const Keyed& keyed = given_ ? keyed_ : index_.keyed_;
        const std::uint64_t* const code = keyed.words.data() + query * codes.words;
        const Key* const keys = keyed.keys.data() + query * parts;
        const std::int32_t constant =
            given_ ? index_.order_.constant_distance(given_->row(query)) : 0;
        const std::int32_t left = radius_ - constant;
        std::int64_t candidates = 0;
        // `left` differences cannot lie in all of the first left + 1 parts.
        for (std::int64_t part = 0; part <= left; ++part) {
            for (const std::uint64_t entry :
                 index_.tables_[static_cast<std::size_t>(part)].find(keys[part])) {
                const std::int64_t row = KeyTable::row_of(entry);
                if (shares_earlier(keys, index_.keyed_.keys.data() + row * parts, part)) {
                    continue;
                }
                if (++candidates % polled_candidates == 0) {
                    checkpoint();
                }
                const std::int32_t distance = kernel.hamming_distance(
                    code, codes.row(row), static_cast<std::size_t>(codes.words));
                if (distance <= left) {
                    hit(query, row, distance + constant);
                }
            }
        }
        return candidates;
    }

    /// Whether two codes met in a part before this one.
    static bool shares_earlier(const Key* a, const Key* b, std::int64_t part) {
        return !std::equal(a, a + part, b, [](Key x, Key y) { return x != y; });
    }

    const MultiIndex& index_;
    const CodeRows* given_;
    std::int32_t radius_;
    Keyed keyed_;  // of the queries that were given
    std::mutex mutex_;
    SearchStats stats_;
};

SearchStats MultiIndex::count_within(const CodeRows* queries, std::int32_t radius,
                                     bool exclude_self, std::int64_t* counts,
                                     const Interrupt& interrupt) const {
    Search search(*this, queries, radius, interrupt);
    std::fill_n(counts, search.size(), std::int64_t{0});
    const auto hit = [&](std::int64_t query, std::int64_t row, std::int32_t) {
        counts[query] += !exclude_self || row != query ? 1 : 0;
    };
    return search.run(hit, [](std::int64_t) {}, interrupt);
}

SearchStats MultiIndex::within_radius(const CodeRows* queries, std::int32_t radius,
                                      bool exclude_self, NeighborLists& lists,
                                      const Interrupt& interrupt) const {
    Search search(*this, queries, radius, interrupt);
    std::vector<std::vector<NeighborKey>> found(static_cast<std::size_t>(search.size()));
    const auto hit = [&](std::int64_t query, std::int64_t row, std::int32_t distance) {
        if (!exclude_self || row != query) {
            found[static_cast<std::size_t>(query)].push_back(make_key(distance, row));
        }
    };
    const auto sort = [&](std::int64_t query) {
        std::vector<NeighborKey>& keys = found[static_cast<std::size_t>(query)];
        std::sort(keys.begin(), keys.end());
    };
    const SearchStats stats = search.run(hit, sort, interrupt);
    lists.append(found);
    return stats;
}

namespace {

/// A row from each of n ranges of equal size, at a place that follows no pattern of theirs.
std::vector<std::uint64_t> sample_of(const CodeRows& codes, std::int64_t n) {
    std::vector<std::uint64_t> words;
    words.reserve(static_cast<std::size_t>(n * codes.words));
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t begin = i * codes.rows / n;
        const std::int64_t size = (i + 1) * codes.rows / n - begin;
        const auto seed = static_cast<std::uint64_t>(i);
        const auto place = static_cast<std::int64_t>((hash_code(&seed, 1) >> 32) %
                                                     static_cast<std::uint64_t>(size));
        const std::uint64_t* const from = codes.row(begin + place);
        words.insert(words.end(), from, from + codes.words);
    }
    return words;
}

CodeRows view(const std::vector<std::uint64_t>& words, std::int64_t rows, std::int64_t width) {
    return {words.data(), rows, width, width};
}

}  // namespace

double sampled_candidates(const CodeRows* queries, const CodeRows& codes, std::int32_t radius,
                          const Interrupt& interrupt) {
    const std::int64_t asked = queries ? queries->rows : codes.rows;
    if (codes.rows == 0 || asked == 0) {
        return 0;
    }
    const std::int64_t width = codes.words;
    const std::int64_t affordable = sample_bytes / (8 * std::max<std::int64_t>(1, width));
    const std::int64_t n =
        std::min(codes.rows, std::clamp<std::int64_t>(affordable, sample_queries, sample_rows));
    const std::int64_t m = std::min(queries ? asked : n, sample_queries);
    const std::vector<std::uint64_t> rows = sample_of(codes, n);
    const CodeRows sampled = view(rows, n, width);
    // Without queries some of the sampled rows ask; each finds itself, which counts for nothing.
    const std::vector<std::uint64_t> query_words = sample_of(queries ? *queries : sampled, m);
    const CodeRows asking = view(query_words, m, width);
    std::vector<std::int64_t> counts(static_cast<std::size_t>(m));
    try {
        const MultiIndex index(sampled, radius, interrupt);
        const SearchStats stats =
            index.count_within(&asking, radius, false, counts.data(), interrupt);
        const auto found = static_cast<double>(stats.distances) / static_cast<double>(m);
        const double self = queries ? 0 : 1;
        return (found - self) * (static_cast<double>(codes.rows) - self) /
               std::max(1.0, static_cast<double>(n) - self);
    } catch (const std::invalid_argument&) {
        return std::numeric_limits<double>::infinity();
    }
}

}  // namespace splinecode
