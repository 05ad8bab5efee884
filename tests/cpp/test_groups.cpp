#include "groups.hpp"

#include "check.hpp"
#include "levels.hpp"

using namespace splinecode;

namespace {

/// The definition, word by word.
std::vector<std::uint64_t> reduced(const CodeRows& rows, const std::vector<std::int64_t>& offsets,
                                   const CodeRows* reference, Flipped flipped) {
    std::vector<std::uint64_t> out;
    for (std::size_t g = 0; g + 1 < offsets.size(); ++g) {
        const std::int64_t begin = offsets[g] + (reference ? 0 : 1);
        for (std::int64_t w = 0; w < rows.words; ++w) {
            const bool ones = flipped == Flipped::all && begin < offsets[g + 1];
            std::uint64_t word = ones ? ~std::uint64_t{0} : 0;
            for (std::int64_t i = begin; i < offsets[g + 1]; ++i) {
                const std::uint64_t* const from =
                    reference ? reference->row(static_cast<std::int64_t>(g)) : rows.row(offsets[g]);
                const std::uint64_t differing = rows.row(i)[w] ^ from[w];
                word = flipped == Flipped::any ? word | differing : word & differing;
            }
            out.push_back(word);
        }
    }
    return out;
}

void check_groups(const CodeRows& rows, const std::vector<std::int64_t>& offsets,
                  const CodeRows* reference) {
    for (const Flipped flipped : {Flipped::any, Flipped::all}) {
        std::vector<std::uint64_t> out((offsets.size() - 1) * static_cast<std::size_t>(rows.words),
                                       5);
        reduce_differences(rows, offsets, reference, flipped, out.data(), {});
        CHECK(out == reduced(rows, offsets, reference, flipped));
    }
}

}  // namespace

TEST(groups_of_any_size_are_reduced) {
    at_every_level([] {
        for (const std::int64_t words : {1, 2, 3, 7, 8, 17, 1025}) {
            const auto data = random_words(static_cast<std::size_t>(30 * words), 1);
            const auto centers = random_words(static_cast<std::size_t>(6 * words), 2);
            const CodeRows rows{data.data(), 30, words, words};
            const CodeRows reference{centers.data(), 6, words, words};
            const CodeRows one{centers.data(), 6, words, 0};
            const std::vector<std::int64_t> offsets{0, 0, 1, 3, 3, 10, 30};
            check_groups(rows, offsets, nullptr);
            check_groups(rows, offsets, &reference);
            check_groups(rows, offsets, &one);
        }
    });
}

TEST(large_groups_are_reduced_in_parts) {
    // 4 MiB a group: several parts each.
    const std::int64_t words = 1100;
    auto data = random_words(static_cast<std::size_t>(1000 * words), 3);
    for (std::size_t i = 0; i < data.size(); ++i) {
        data[i] = i % 3 ? data[i] | 0xff00 : 0xffff;  // so that an AND of 500 keeps something
    }
    const std::vector<std::uint64_t> zeros(static_cast<std::size_t>(words), 0);
    const CodeRows rows{data.data(), 1000, words, words};
    const CodeRows reference{zeros.data(), 2, words, 0};
    for (const int n : {1, 2, 7}) {
        set_threads(n);
        check_groups(rows, {0, 500, 1000}, nullptr);
        check_groups(rows, {0, 500, 1000}, &reference);
    }
    set_threads(0);
}

TEST(no_groups_and_no_words_are_fine) {
    const auto data = random_words(4, 4);
    reduce_differences({data.data(), 0, 2, 2}, {0}, nullptr, Flipped::any, nullptr, {});
    reduce_differences({nullptr, 3, 0, 0}, {0, 3}, nullptr, Flipped::all, nullptr, {});
    check_groups({data.data(), 0, 2, 2}, {0, 0, 0}, nullptr);
}
