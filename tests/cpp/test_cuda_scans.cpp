// Matrices, radius lists and nearest rows of cuda/ on every route, on the emulator, against plain
// loops.

#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "code_rows.hpp"
#include "cuda.hpp"
#include "cuda_tests.hpp"
#include "memory.hpp"

namespace {

using namespace splinecode;

using Neighbor = std::pair<std::int32_t, std::int64_t>;

/// Codes in memory that ends with the last word of the last code, perhaps words apart and at an
/// odd multiple of 8 bytes.
struct Codes {
    std::vector<std::uint64_t> memory;
    CodeRows rows;

    Codes(Random& random, std::int64_t n, std::int64_t words, const std::string& style)
        : memory(2 * index(n * (words + 3)) + 4) {
        const std::int64_t stride = words + (random.one_in(2) ? 0 : random.from(0, 3));
        const std::int64_t used = n == 0 ? 0 : (n - 1) * stride + words;
        const auto end = memory.data() + memory.size();
        rows = {end - used, n, words, stride};
        for (std::int64_t i = 0; i < n; ++i) {
            for (std::int64_t w = 0; w < words; ++w) {
                const_cast<std::uint64_t*>(rows.row(i))[w] = word(random, style);
            }
        }
    }
    static std::uint64_t word(Random& random, const std::string& style) {
        if (style == "few") {
            return random.word() & 1;
        }
        if (style == "near") {
            return random.word() & random.word() & random.word() & random.word();
        }
        return style == "equal" ? 5 : random.word();
    }
};

std::int32_t distance(const CodeRows& a, std::int64_t i, const CodeRows& b, std::int64_t j) {
    std::int32_t sum = 0;
    for (std::int64_t w = 0; w < a.words; ++w) {
        sum += std::popcount(a.row(i)[w] ^ b.row(j)[w]);
    }
    return sum;
}

std::vector<Neighbor> neighbors(const CodeRows& queries, std::int64_t i, const CodeRows& rows,
                                bool exclude_self) {
    std::vector<Neighbor> all;
    for (std::int64_t j = 0; j < rows.rows; ++j) {
        if (!exclude_self || i != j) {
            all.emplace_back(distance(queries, i, rows, j), j);
        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

/// Forces a route for as long as it lives.
class Forced {
public:
    explicit Forced(const std::string& route) {
        emulator::runtime.compute_capability = 90;
        cuda::set_route(route);
    }
    ~Forced() { cuda::set_route("auto"); }
    Forced(const Forced&) = delete;
    Forced& operator=(const Forced&) = delete;
};

struct Case {
    std::string route;
    std::string style;
    std::int64_t n_queries;
    std::int64_t n_rows;
    std::int64_t words;

    std::string described() const {
        return " by " + route + " of " + std::to_string(n_queries) + " and " +
               std::to_string(n_rows) + " codes of " + std::to_string(words) + " words, " + style;
    }
};

const char* const routes[] = {"few", "popc", "int8", "b1", "wgmma"};

Case random_case(Random& random, const char* route) {
    return {route, random.one_of<const char*>({"few", "random", "near", "equal"}),
            random.one_of<std::int64_t>({1, 2, 3, 4, 5, 17, 64, 65, 130}),
            random.one_of<std::int64_t>({1, 2, 63, 64, 65, 128, 129, 200, 300}),
            random.one_of<std::int64_t>({0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 48, 50})};
}

template <class Out>
void check_matrix(Random& random, const Case& c) {
    const FewerBlocks fewer(random);
    const Forced forced(c.route);
    const Codes x(random, c.n_queries, c.words, c.style);
    const Codes y(random, c.n_rows, c.words, c.style);
    const std::int64_t pitch = c.n_rows + random.from(0, 3);
    std::vector<Out> out(index(c.n_queries * pitch), Out{77});
    cuda::hamming_matrix(x.rows, y.rows, out.data(), {}, pitch);
    bool good = true;
    for (std::int64_t i = 0; i < c.n_queries; ++i) {
        for (std::int64_t j = 0; j < pitch; ++j) {
            const Out wanted =
                j < c.n_rows ? static_cast<Out>(distance(x.rows, i, y.rows, j)) : Out{77};
            good = good && out[index(i * pitch + j)] == wanted;
        }
    }
    check::report(good, __FILE__, __LINE__, "matrix" + c.described());
}

void check_symmetric(Random& random, const Case& c) {
    const FewerBlocks fewer(random);
    const Forced forced(c.route);
    const Codes x(random, c.n_rows, c.words, c.style);
    std::vector<std::int32_t> full(index(c.n_rows * c.n_rows), -1);
    std::vector<std::uint16_t> condensed(index(c.n_rows * (c.n_rows - 1) / 2), 77);
    cuda::hamming_matrix_symmetric(x.rows, full.data(), {});
    cuda::hamming_condensed(x.rows, condensed.data(), {});
    bool good = true;
    std::size_t pair = 0;
    for (std::int64_t i = 0; i < c.n_rows; ++i) {
        for (std::int64_t j = 0; j < c.n_rows; ++j) {
            const std::int32_t wanted = distance(x.rows, i, x.rows, j);
            good = good && full[index(i * c.n_rows + j)] == wanted;
            good = good && (i >= j || condensed[pair++] == wanted);
        }
    }
    check::report(good, __FILE__, __LINE__, "symmetric matrix" + c.described());
}

void check_within(Random& random, const Case& c) {
    const FewerBlocks fewer(random);
    const Forced forced(c.route);
    const bool exclude_self = random.one_in(2);
    const Codes y(random, c.n_rows, c.words, c.style);
    const Codes other(random, c.n_queries, c.words, c.style);
    const CodeRows queries = exclude_self && c.n_queries <= c.n_rows
                                 ? CodeRows{y.rows.data, c.n_queries, c.words, y.rows.stride}
                                 : other.rows;
    const std::int32_t radius = random.one_of<std::int32_t>(
        {-1, 0, 1, static_cast<std::int32_t>(c.words) * 8, static_cast<std::int32_t>(c.words) * 32,
         std::numeric_limits<std::int32_t>::max()});
    std::vector<std::int64_t> counts(index(c.n_queries), -1);
    cuda::count_within(queries, y.rows, radius, exclude_self, counts.data(), {});
    std::vector<std::int64_t> offsets{0};
    for (const std::int64_t count : counts) {
        offsets.push_back(offsets.back() + count);
    }
    std::vector<std::int32_t> distances(index(offsets.back()), -1);
    std::vector<std::int64_t> indices(index(offsets.back()), -1);
    std::vector<std::int64_t> cursors(index(c.n_queries), 99);
    cuda::fill_within(queries, y.rows, radius, exclude_self, offsets.data(), distances.data(),
                      indices.data(), cursors.data(), {});
    bool good = true;
    for (std::int64_t i = 0; i < c.n_queries; ++i) {
        auto wanted = neighbors(queries, i, y.rows, exclude_self);
        wanted.erase(std::partition_point(wanted.begin(), wanted.end(),
                                          [&](const Neighbor& n) { return n.first <= radius; }),
                     wanted.end());
        good = good && counts[index(i)] == static_cast<std::int64_t>(wanted.size());
        for (std::size_t j = 0; good && j < wanted.size(); ++j) {
            const std::size_t at = index(offsets[index(i)]) + j;
            good = wanted[j] == Neighbor(distances[at], indices[at]);
        }
    }
    check::report(
        good, __FILE__, __LINE__,
        "radius " + std::to_string(radius) + (exclude_self ? " without self" : "") + c.described());
}

struct Asked {
    std::int64_t k;
    bool exclude_self;
};

Asked random_asked(Random& random, const Case& c) {
    const bool exclude_self = c.n_rows > 1 && random.one_in(2);
    const std::int64_t most = c.n_rows - (exclude_self ? 1 : 0);
    return {std::clamp<std::int64_t>(
                random.one_of<std::int64_t>({1, 2, 10, most / 2, most - 1, most}), 1, most),
            exclude_self};
}

/// What `search(queries, distances, indices)` writes against a sort.
template <class Search>
void check_nearest(const Case& c, const Asked& asked, const CodeRows& queries, const CodeRows& rows,
                   const std::string& what, const Search& search) {
    std::vector<std::int32_t> distances(index(queries.rows * asked.k), -1);
    std::vector<std::int64_t> indices(index(queries.rows * asked.k), -1);
    search(distances.data(), indices.data());
    bool good = true;
    for (std::int64_t i = 0; i < queries.rows; ++i) {
        const auto wanted = neighbors(queries, i, rows, asked.exclude_self);
        for (std::int64_t j = 0; j < asked.k; ++j) {
            const std::size_t at = index(i * asked.k + j);
            good = good && wanted[index(j)] == Neighbor(distances[at], indices[at]);
        }
    }
    check::report(good, __FILE__, __LINE__,
                  what + ", k = " + std::to_string(asked.k) +
                      (asked.exclude_self ? ", without self" : "") + c.described());
}

void check_top_k(Random& random, const Case& c, const Asked& asked) {
    const FewerBlocks fewer(random);
    const Forced forced(c.route);
    const Codes y(random, c.n_rows, c.words, c.style);
    const Codes other(random, c.n_queries, c.words, c.style);
    const CodeRows queries = asked.exclude_self && c.n_queries <= c.n_rows
                                 ? CodeRows{y.rows.data, c.n_queries, c.words, y.rows.stride}
                                 : other.rows;
    const std::int64_t fit = random.from(1, c.n_queries);
    const std::size_t bytes = cuda::top_k_workspace_bytes(fit, c.n_rows, asked.k) + 8;
    std::vector<std::uint64_t> workspace(bytes / 8, 0x5555555555555555);
    check_nearest(c, asked, queries, y.rows, "top_k", [&](auto* distances, auto* indices) {
        cuda::top_k(queries, y.rows, asked.k, asked.exclude_self, distances, indices,
                    workspace.data(), bytes, {});
    });
}

void check_streamed(Random& random, const Case& c, const Asked& asked) {
    const Forced forced(c.route);
    const Codes y(random, c.n_rows, c.words, c.style);
    const Codes other(random, c.n_queries, c.words, c.style);
    const std::int64_t at_once = random.from(std::min<std::int64_t>(c.n_rows, 20), c.n_rows + 5);
    const std::size_t bytes = cuda::top_k_workspace_bytes(random.from(1, c.n_queries),
                                                          std::min(at_once, c.n_rows), asked.k);
    std::vector<std::uint64_t> workspace(bytes / 8);
    std::vector<std::uint64_t> buffers(2 * index(at_once * c.words));
    check_nearest(c, asked, other.rows, y.rows, "streamed", [&](auto* distances, auto* indices) {
        cuda::top_k_streamed(other.rows, y.rows, asked.k, asked.exclude_self, distances, indices,
                             workspace.data(), bytes, buffers.data(), at_once, {}, {});
    });
    CHECK_EQ(emulator::runtime.streams_and_events, 0);
}

}  // namespace

TEST(emulated_matrices_agree_with_loops) {
    Random random(11);
    for (const char* const route : routes) {
        for (int round = 0; round < rounds(6); ++round) {
            check_matrix<std::int32_t>(random, random_case(random, route));
            check_matrix<std::uint16_t>(random, random_case(random, route));
            check_symmetric(random, random_case(random, route));
        }
    }
}

TEST(emulated_radius_lists_agree_with_loops) {
    Random random(12);
    for (const char* const route : routes) {
        for (int round = 0; round < rounds(8); ++round) {
            check_within(random, random_case(random, route));
        }
    }
}

TEST(emulated_top_k_agrees_with_a_sort) {
    Random random(13);
    for (const char* const route : routes) {
        for (int round = 0; round < rounds(10); ++round) {
            const Case c = random_case(random, route);
            check_top_k(random, c, random_asked(random, c));
        }
    }
}

TEST(emulated_streamed_top_k_agrees_with_a_sort) {
    Random random(14);
    for (const char* const route : routes) {
        for (int round = 0; round < rounds(4); ++round) {
            const Case c = random_case(random, route);
            check_streamed(random, c, random_asked(random, c));
        }
    }
}

TEST(emulated_streaming_can_be_interrupted) {
    const std::vector<std::uint64_t> codes(40);
    std::vector<std::uint64_t> workspace(cuda::top_k_workspace_bytes(1, 4, 1) / 8);
    std::vector<std::uint64_t> buffers(8);
    std::int32_t distance = 0;
    std::int64_t nearest = 0;
    const auto search = [&](std::int64_t stride) {
        cuda::top_k_streamed({codes.data(), 1, 1, 1}, {codes.data() + 39, 10, 1, stride}, 1, false,
                             &distance, &nearest, workspace.data(), 8 * workspace.size(),
                             buffers.data(), 4, {}, [] { return true; });
    };
    CHECK_THROWS(search(-1), std::invalid_argument);
    CHECK_THROWS(search(0), std::invalid_argument);
    CHECK_THROWS(cuda::top_k_streamed({codes.data(), 1, 1, 1}, {codes.data(), 10, 1, 4}, 1, false,
                                      &distance, &nearest, workspace.data(), 8 * workspace.size(),
                                      buffers.data(), 4, {}, [] { return true; }),
                 Interrupted);
    CHECK_EQ(emulator::runtime.streams_and_events, 0);
}

TEST(emulated_streaming_without_memory) {
    const std::vector<std::uint64_t> codes(4);
    std::vector<std::uint64_t> workspace(cuda::top_k_workspace_bytes(1, 4, 1) / 8);
    std::vector<std::uint64_t> buffers(8);
    std::int32_t distance = 0;
    std::int64_t nearest = 0;
    emulator::runtime.out_of_memory = true;
    CHECK_THROWS(cuda::top_k_streamed({codes.data(), 1, 1, 1}, {codes.data(), 4, 1, 1}, 1, false,
                                      &distance, &nearest, workspace.data(), 8 * workspace.size(),
                                      buffers.data(), 4, {}, {}),
                 NotEnoughMemory);
    emulator::runtime.out_of_memory = false;
    CHECK_EQ(emulator::runtime.streams_and_events, 0);
    CHECK_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(emulated_lists_are_settled_many_times) {
    Random random(15);
    for (const char* const route : {"few", "popc", "wgmma"}) {
        // Rows that come nearer and nearer: every one is taken.
        Case c{route, "random", 3, 1'000, 16};
        const Forced forced(c.route);
        Codes y(random, c.n_rows, c.words, "equal");
        for (std::int64_t i = 0; i < c.n_rows; ++i) {
            auto* const row = const_cast<std::uint64_t*>(y.rows.row(i));
            for (std::int64_t w = 0; w < c.words; ++w) {
                const std::int64_t bits = (c.n_rows - i) / 2 - 64 * w;
                row[w] = bits <= 0    ? 0
                         : bits >= 64 ? ~std::uint64_t{0}
                                      : (std::uint64_t{1} << bits) - 1;
            }
        }
        const std::vector<std::uint64_t> zeros(index(c.n_queries * c.words));
        const CodeRows queries{zeros.data(), c.n_queries, c.words, c.words};
        for (const std::int64_t k : {1, 40, 512, 513}) {
            std::vector<std::uint64_t> workspace(
                cuda::top_k_workspace_bytes(c.n_queries, c.n_rows, k) / 8);
            check_nearest(c, {k, false}, queries, y.rows, "nearer and nearer",
                          [&](auto* distances, auto* indices) {
                              cuda::top_k(queries, y.rows, k, false, distances, indices,
                                          workspace.data(), 8 * workspace.size(), {});
                          });
        }
    }
}

TEST(emulated_routes) {
    emulator::runtime.compute_capability = 90;
    CHECK(cuda::routes(0) == (std::vector<std::string>{"few", "popc", "int8", "b1", "wgmma"}));
    emulator::runtime.compute_capability = 86;
    CHECK(cuda::routes(0) == (std::vector<std::string>{"few", "popc", "int8", "b1"}));
    emulator::runtime.compute_capability = 120;
    CHECK(cuda::routes(0) == (std::vector<std::string>{"few", "popc", "int8"}));
    CHECK_THROWS(cuda::set_route("mma"), std::invalid_argument);
    cuda::set_route("wgmma");
    CHECK_EQ(cuda::route(), "wgmma");
    const std::uint64_t code = 1;
    std::int32_t out = 0;
    const CodeRows one{&code, 1, 1, 1};
    CHECK_THROWS(cuda::hamming_matrix(one, one, &out, {}), std::invalid_argument);
    cuda::set_route("auto");
    emulator::runtime.compute_capability = 90;
}

TEST(emulated_probe_of_bit_products) {
    for (const int capability : {80, 90}) {
        emulator::runtime.compute_capability = capability;
        CHECK(cuda::probe_b1(1e-9, 0) > 0);
    }
    emulator::runtime.compute_capability = 100;
    CHECK_THROWS(cuda::probe_b1(1e-9, 0), std::invalid_argument);
    emulator::runtime.compute_capability = 90;
}

TEST(emulated_scans_have_nothing_to_do) {
    const long launches = emulator::runtime.launches;
    const CodeRows none{nullptr, 0, 1, 1};
    std::vector<std::uint64_t> word(1);
    const CodeRows one{word.data(), 1, 1, 1};
    cuda::hamming_matrix<std::int32_t>(none, one, nullptr, {});
    cuda::hamming_matrix<std::int32_t>(one, none, nullptr, {});
    cuda::hamming_condensed<std::int32_t>(none, nullptr, {});
    cuda::count_within(none, one, 3, false, nullptr, {});
    cuda::top_k(none, one, 1, false, nullptr, nullptr, nullptr, 0, {});
    cuda::top_k(one, none, 0, true, nullptr, nullptr, nullptr, 0, {});
    std::int64_t count = 9;
    cuda::count_within(one, none, 3, false, &count, {});
    CHECK_EQ(count, 0);
    CHECK_EQ(emulator::runtime.launches, launches);
}

TEST(emulated_scans_reject_bad_arguments) {
    const long launches = emulator::runtime.launches;
    const std::vector<std::uint64_t> codes(40);
    std::vector<std::int32_t> distances(40);
    std::vector<std::int64_t> indices(40);
    const std::size_t bytes = cuda::top_k_workspace_bytes(1, 40, 1);
    std::vector<std::uint64_t> workspace(bytes / 8 + 1);
    const CodeRows good{codes.data(), 40, 1, 1};
    const CodeRows one{codes.data(), 1, 1, 1};
    const auto run = [&](const CodeRows& x, const CodeRows& y, std::int64_t k, bool exclude_self,
                         void* memory, std::size_t size) {
        cuda::top_k(x, y, k, exclude_self, distances.data(), indices.data(), memory, size, {});
    };
    CHECK_THROWS(run(one, good, 40, true, workspace.data(), bytes), std::invalid_argument);
    CHECK_THROWS(run(one, good, 41, false, workspace.data(), bytes), std::invalid_argument);
    CHECK_THROWS(run(one, good, -1, false, workspace.data(), bytes), std::invalid_argument);
    CHECK_THROWS(run(one, {codes.data(), 0, 1, 1}, 1, false, workspace.data(), bytes),
                 std::invalid_argument);
    for (const CodeRows& bad :
         {CodeRows{codes.data(), -1, 1, 1}, CodeRows{codes.data(), std::int64_t{1} << 34, 1, 1},
          CodeRows{codes.data(), 40, std::int64_t{1} << 24, std::int64_t{1} << 24},
          CodeRows{codes.data(), 40, 2, 2}}) {
        CHECK_THROWS(run(one, bad, 1, false, workspace.data(), bytes), std::invalid_argument);
    }
    CHECK_THROWS(run(one, good, 1, false, workspace.data(), bytes - 1), std::invalid_argument);
    CHECK_THROWS(run(one, good, 1, false, nullptr, bytes), std::invalid_argument);
    CHECK_THROWS(run(one, good, 1, false, reinterpret_cast<char*>(workspace.data()) + 1, bytes),
                 std::invalid_argument);
    const CodeRows wide{codes.data(), 1, 1024, 1024};
    std::uint16_t out = 0;
    CHECK_THROWS(cuda::hamming_matrix(wide, wide, &out, {}), std::invalid_argument);
    CHECK_EQ(emulator::runtime.launches, launches);
}
