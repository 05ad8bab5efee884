#include "groups.hpp"

#include <algorithm>

#include "simd.hpp"

namespace splinecode {
namespace {

/// A group of more bytes than this is cut into parts, and small parts are handed out together.
constexpr std::int64_t part_bytes = 1 << 20;
/// Rows are reduced by pieces of this many words, so that the result stays in the first cache.
constexpr std::int64_t piece_words = 1024;
constexpr double ns_per_byte = 0.05;

/// Rows [begin, end) of one group, and where their reduction goes.
struct Part {
    const std::uint64_t* reference;
    std::int64_t begin, end;
    std::uint64_t* to;
};

/// The parts of all groups. The first part of a group is reduced into the group's result, the
/// others into scratch of their own.
class Parts {
public:
    Parts(const CodeRows& rows, const std::vector<std::int64_t>& offsets, const CodeRows* reference,
          std::uint64_t* out)
        : words_(rows.words) {
        const std::int64_t part_rows =
            std::max<std::int64_t>(1, part_bytes / std::max<std::int64_t>(1, 8 * words_));
        for (std::size_t g = 0; g + 1 < offsets.size(); ++g) {
            const auto group = static_cast<std::int64_t>(g);
            const bool own = !reference && offsets[g] < offsets[g + 1];
            const std::uint64_t* const from =
                own ? rows.row(offsets[g]) : (reference ? reference->row(group) : nullptr);
            std::int64_t begin = offsets[g] + (own ? 1 : 0);
            std::uint64_t* to = out + group * words_;
            do {
                const std::int64_t end = std::min(offsets[g + 1], begin + part_rows);
                parts_.push_back({from, begin, end, to});
                group_of_.push_back(group);
                begin = end;
                to = nullptr;
            } while (begin < offsets[g + 1]);
        }
        scratch_.resize((parts_.size() + 1 - offsets.size()) * static_cast<std::size_t>(words_));
        std::uint64_t* next = scratch_.data();
        for (Part& part : parts_) {
            if (!part.to) {
                part.to = next;
                next += words_;
            }
        }
    }

    std::int64_t size() const { return static_cast<std::int64_t>(parts_.size()); }
    const Part& operator[](std::int64_t i) const { return parts_[static_cast<std::size_t>(i)]; }

    /// Brings the scratch of the further parts into the groups' results.
    void combine(Flipped flipped, std::uint64_t* out) const {
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            std::uint64_t* const to = out + group_of_[i] * words_;
            if (parts_[i].to == to) {
                continue;
            }
            for (std::int64_t w = 0; w < words_; ++w) {
                to[w] = flipped == Flipped::any ? to[w] | parts_[i].to[w] : to[w] & parts_[i].to[w];
            }
        }
    }

private:
    std::int64_t words_;
    std::vector<Part> parts_;
    std::vector<std::int64_t> group_of_;
    std::vector<std::uint64_t> scratch_;
};

void reduce(const CodeRows& rows, const Part& part, Flipped flipped) {
    const Kernels& kernel = kernels();
    const auto step = flipped == Flipped::any ? kernel.or_differences : kernel.and_differences;
    const bool empty = part.begin == part.end;
    std::fill(part.to, part.to + rows.words,
              flipped == Flipped::all && !empty ? ~std::uint64_t{0} : 0);
    if (empty) {
        return;
    }
    for (std::int64_t word = 0; word < rows.words; word += piece_words) {
        const auto n = static_cast<std::size_t>(std::min(piece_words, rows.words - word));
        step(rows.row(part.begin) + word, static_cast<std::size_t>(part.end - part.begin),
             rows.stride, part.reference + word, n, part.to + word);
    }
}

}  // namespace

void reduce_differences(const CodeRows& rows, const std::vector<std::int64_t>& offsets,
                        const CodeRows* reference, Flipped flipped, std::uint64_t* out,
                        const Interrupt& interrupt) {
    if (offsets.size() < 2 || rows.words == 0) {
        return;
    }
    const Parts parts(rows, offsets, reference, out);
    const double bytes = 8.0 * static_cast<double>(rows.rows) * static_cast<double>(rows.words);
    const double part_size = bytes / static_cast<double>(parts.size());
    const std::int64_t together = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(part_bytes / std::max(part_size, 1.0)), 1, 1 << 12);
    const auto run = [&](std::int64_t block) {
        const std::int64_t end = std::min(parts.size(), (block + 1) * together);
        for (std::int64_t i = block * together; i < end; ++i) {
            reduce(rows, parts[i], flipped);
        }
    };
    parallel_for((parts.size() + together - 1) / together, bytes * ns_per_byte, run, interrupt);
    parts.combine(flipped, out);
}

}  // namespace splinecode
