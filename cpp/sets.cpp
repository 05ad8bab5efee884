#include "sets.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "memory.hpp"
#include "sorting.hpp"

namespace splinecode {
namespace {

/// Rows are parted by the top bits of their hash into parts of about this many: the table of a part
/// fits the second cache, and parts share nothing, so that threads need no locks.
constexpr std::int64_t part_rows = 4096;
constexpr int most_part_bits = 14;
/// Bytes of codes hashed between two polls for Ctrl-C.
constexpr std::int64_t block_bytes = 1 << 20;
constexpr double ns_per_byte = 0.1;
constexpr double ns_per_row = 40;

/// Scratch a row: hash and row, its number, the slots of tables, and what sorting takes.
constexpr std::int64_t scratch_bytes = 72;

std::string describe(const char* what, const CodeRows& codes) {
    return std::string(what) + " of " + std::to_string(codes.rows) + " codes";
}

__extension__ using Wide = unsigned __int128;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

bool same_code(const std::uint64_t* a, const std::uint64_t* b, std::int64_t words) {
    return std::equal(a, a + words, b);
}

double work_of(const CodeRows& codes) {
    return static_cast<double>(codes.rows) *
           (ns_per_row + 8 * static_cast<double>(codes.words) * ns_per_byte);
}

std::vector<std::uint64_t> hashes_of(const CodeRows& codes, const Interrupt& interrupt) {
    std::vector<std::uint64_t> hashes(static_cast<std::size_t>(codes.rows));
    const std::int64_t row_bytes = std::max<std::int64_t>(64, 8 * codes.words);
    const std::int64_t block_rows = std::max<std::int64_t>(1, block_bytes / row_bytes);
    const auto hash_block = [&](std::int64_t block) {
        const std::int64_t end = std::min(codes.rows, (block + 1) * block_rows);
        for (std::int64_t row = block * block_rows; row < end; ++row) {
            hashes[static_cast<std::size_t>(row)] = hash_code(codes.row(row), codes.words);
        }
    };
    parallel_for((codes.rows + block_rows - 1) / block_rows, work_of(codes), hash_block, interrupt);
    return hashes;
}

int part_bits_for(std::int64_t rows) {
    int bits = 0;
    while (bits < most_part_bits && rows >> bits > part_rows) {
        ++bits;
    }
    return bits;
}

/// A row and its hash, so that a table need not fetch the hash from elsewhere.
struct Hashed {
    std::uint64_t hash;
    std::int64_t row;
};

/// The rows of a set of codes parted by the top bits of their hashes, ascending within a part.
class Parted {
public:
    Parted(const CodeRows& codes, int part_bits, const Interrupt& interrupt)
        : begin_((std::size_t{1} << part_bits) + 1, 0),
          rows_(static_cast<std::size_t>(codes.rows)) {
        const auto part_of = [&](std::uint64_t hash) {
            return static_cast<std::size_t>(part_bits == 0 ? 0 : hash >> (64 - part_bits));
        };
        const std::vector<std::uint64_t> hashes = hashes_of(codes, interrupt);
        for (const std::uint64_t hash : hashes) {
            ++begin_[part_of(hash) + 1];
        }
        std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
        std::vector<std::size_t> next(begin_.begin(), begin_.end() - 1);
        for (std::size_t row = 0; row < hashes.size(); ++row) {
            rows_[next[part_of(hashes[row])]++] = {hashes[row], static_cast<std::int64_t>(row)};
        }
    }

    std::int64_t parts() const { return static_cast<std::int64_t>(begin_.size()) - 1; }
    std::size_t size(std::int64_t part) const { return end(part) - begin(part); }

    template <class Body>
    void for_each(std::int64_t part, const Body& body) const {
        for (std::size_t i = begin(part); i < end(part); ++i) {
            body(rows_[i]);
        }
    }

private:
    std::size_t begin(std::int64_t part) const { return begin_[static_cast<std::size_t>(part)]; }
    std::size_t end(std::int64_t part) const { return begin_[static_cast<std::size_t>(part) + 1]; }

    std::vector<std::size_t> begin_;
    std::vector<Hashed> rows_;
};

/// The distinct codes of one part, by open addressing; at most half of the slots are ever taken.
class Table {
public:
    Table(const CodeRows& codes, std::size_t most_rows) : codes_(codes) {
        std::size_t slots = 4;
        while (slots < 2 * most_rows) {
            slots *= 2;
        }
        slots_.assign(slots, Slot{0, none});
    }

    /// The number of the row's code among the distinct ones, a new one if it was not there.
    std::int64_t insert(const Hashed& row) {
        Slot& slot = slot_of(row.hash, codes_.row(row.row));
        if (slot.group == none) {
            slot = {row.hash, static_cast<std::int64_t>(first_.size())};
            first_.push_back(row.row);
        }
        return slot.group;
    }

    /// The first row inserted with this code, or -1.
    std::int64_t find(std::uint64_t hash, const std::uint64_t* code) {
        const std::int64_t group = slot_of(hash, code).group;
        return group == none ? -1 : first_[static_cast<std::size_t>(group)];
    }

    const std::vector<std::int64_t>& first_rows() const { return first_; }

private:
    static constexpr std::int64_t none = -1;
    struct Slot {
        std::uint64_t hash;
        std::int64_t group;
    };

    /// The slot that holds the code, or the empty one where it belongs.
    Slot& slot_of(std::uint64_t hash, const std::uint64_t* code) {
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t at = static_cast<std::size_t>(hash) & mask;; at = (at + 1) & mask) {
            Slot& slot = slots_[at];
            if (slot.group == none || (slot.hash == hash && holds(slot, code))) {
                return slot;
            }
        }
    }
    bool holds(const Slot& slot, const std::uint64_t* code) const {
        const std::int64_t row = first_[static_cast<std::size_t>(slot.group)];
        return same_code(codes_.row(row), code, codes_.words);
    }

    const CodeRows& codes_;
    std::vector<Slot> slots_;
    std::vector<std::int64_t> first_;
};

}  // namespace

std::uint64_t hash_code(const std::uint64_t* words, std::int64_t n) {
    std::uint64_t even = hash_keys[0];
    std::uint64_t odd = hash_keys[2];
    std::int64_t i = 0;
    for (; i + 4 <= n; i += 4) {  // two chains, for a product takes longer than a step
        even = fold(words[i] ^ even, words[i + 1] ^ hash_keys[1]);
        odd = fold(words[i + 2] ^ odd, words[i + 3] ^ hash_keys[3]);
    }
    for (; i < n; ++i) {
        even = fold(words[i] ^ even, hash_keys[1]);
    }
    return fold(even ^ hash_keys[2], odd ^ hash_keys[3]);
}

std::int64_t unique(const CodeRows& codes, std::int64_t* representative, std::int64_t* inverse,
                    std::int64_t* counts, const Interrupt& interrupt) {
    need_memory(saturating_product({codes.rows, scratch_bytes}), describe("hashes", codes));
    const Parted parted(codes, part_bits_for(codes.rows), interrupt);
    const double work = work_of(codes);
    // Number the distinct codes part by part: inverse holds a code's number within its part.
    std::vector<std::vector<std::int64_t>> first(static_cast<std::size_t>(parted.parts()));
    const auto number_part = [&](std::int64_t part) {
        Table table(codes, parted.size(part));
        parted.for_each(part, [&](const Hashed& row) { inverse[row.row] = table.insert(row); });
        first[static_cast<std::size_t>(part)] = table.first_rows();
    };
    parallel_for(parted.parts(), work, number_part, interrupt);

    std::vector<std::int64_t> sorted;
    for (const auto& rows : first) {
        sorted.insert(sorted.end(), rows.begin(), rows.end());
    }
    sort_by_code(codes, sorted, interrupt);
    const auto distinct = static_cast<std::int64_t>(sorted.size());
    std::copy(sorted.begin(), sorted.end(), representative);

    // rank[row] of the first row of each code is its place; every other row asks its first row.
    std::vector<std::int64_t> rank(static_cast<std::size_t>(codes.rows));
    for (std::int64_t place = 0; place < distinct; ++place) {
        rank[static_cast<std::size_t>(representative[place])] = place;
        counts[place] = 0;
    }
    const auto rank_part = [&](std::int64_t part) {
        const std::vector<std::int64_t>& rows = first[static_cast<std::size_t>(part)];
        parted.for_each(part, [&](const Hashed& row) {
            const std::int64_t lowest = rows[static_cast<std::size_t>(inverse[row.row])];
            inverse[row.row] = rank[static_cast<std::size_t>(lowest)];
            ++counts[inverse[row.row]];  // of codes of this part alone
        });
    };
    parallel_for(parted.parts(), work / 4, rank_part, interrupt);
    return distinct;
}

void match(const CodeRows& a, const CodeRows& b, std::int64_t* found, const Interrupt& interrupt) {
    need_memory(saturating_product({std::max(a.rows, b.rows), 2, scratch_bytes}),
                describe("hashes", a.rows < b.rows ? b : a));
    const int part_bits = part_bits_for(b.rows);
    const Parted a_parted(a, part_bits, interrupt);
    const Parted b_parted(b, part_bits, interrupt);
    const auto match_part = [&](std::int64_t part) {
        Table table(b, b_parted.size(part));
        b_parted.for_each(part, [&](const Hashed& row) { table.insert(row); });
        a_parted.for_each(part, [&](const Hashed& row) {
            found[row.row] = table.find(row.hash, a.row(row.row));
        });
    };
    parallel_for(a_parted.parts(), work_of(a) + work_of(b), match_part, interrupt);
}

}  // namespace splinecode
