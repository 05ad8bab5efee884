#include "memory.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "check.hpp"
#include "codes.hpp"
#include "hamming.hpp"

using namespace splinecode;

namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

/// A folder that looks like / to available_memory.
class FakeRoot {
public:
    FakeRoot() {
        char name[] = "/tmp/splinecode-XXXXXX";
        path_ = std::string(mkdtemp(name)) + "/";
    }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;
    ~FakeRoot() { std::filesystem::remove_all(path_); }

    void write(const std::string& file, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(path_ + file).parent_path());
        std::ofstream(path_ + file) << text;
    }
    std::int64_t available() const { return available_memory(path_); }

private:
    std::string path_;
};

}  // namespace

TEST(available_memory_is_the_least_of_the_limits) {
    const FakeRoot root;
    CHECK_EQ(root.available(), most);
    root.write("proc/meminfo", "MemTotal: 9 kB\nMemFree: 5 kB\nMemAvailable:   7000 kB\n");
    CHECK_EQ(root.available(), 7000 * 1024);
    root.write("proc/self/cgroup", "0::/a/b\n");
    root.write("sys/fs/cgroup/a/b/memory.max", "max\n");
    root.write("sys/fs/cgroup/a/b/memory.current", "5000\n");
    CHECK_EQ(root.available(), 7000 * 1024);
    root.write("sys/fs/cgroup/a/memory.max", "6000\n");
    root.write("sys/fs/cgroup/a/memory.current", "5500\n");
    CHECK_EQ(root.available(), 500);
    root.write("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 300\nfile 9\n");
    CHECK_EQ(root.available(), 800);
    root.write("sys/fs/cgroup/a/memory.current", "9000\n");
    CHECK_EQ(root.available(), 0);
}

TEST(available_memory_reads_the_older_control_groups_too) {
    const FakeRoot root;
    root.write("proc/self/cgroup", "3:cpu:/x\n2:hugetlb,memory:/\nnonsense\n");
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n");
    root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "400\n");
    CHECK_EQ(root.available(), 600);
}

TEST(too_much_memory_is_refused_with_the_sizes) {
    need_memory(1 << 20, "a few codes");
    CHECK(available_memory() > 0);
    CHECK_THROWS(need_memory(most, "all codes"), std::bad_alloc);
    try {
        need_memory(most, "all codes");
    } catch (const NotEnoughMemory& error) {
        const std::string text = error.what();
        CHECK_EQ(text.find("all codes take 9.2 EB of memory, and "), 0);
        CHECK(text.find(" are available") != std::string::npos);
    }
}

TEST(sizes_beyond_32_bits_do_not_wrap) {
    constexpr std::int64_t billion = 1000000000;
    static_assert(saturating_product({}) == 1);
    static_assert(saturating_product({3 * billion, 4}) == 12 * billion);
    static_assert(saturating_product({3 * billion, 3 * billion}) == 9 * billion * billion);
    static_assert(saturating_product({3 * billion, 4 * billion}) == most);
    static_assert(saturating_product({most, most, 0}) == 0);
    static_assert(saturating_product({most, 1}) == most);
    static_assert(words_for(std::int64_t{1} << 31) == std::int64_t{1} << 25);
    static_assert(words_for((std::int64_t{1} << 40) + 1) == (std::int64_t{1} << 34) + 1);
    static_assert(words_for(most) == most / 64 + 1);

    StridedRows rows;
    rows.leading = 2;
    rows.shape[0] = 5, rows.stride[0] = 3 * billion;
    rows.shape[1] = billion, rows.stride[1] = 3;
    CHECK_EQ(rows.row_offset(4 * billion + 7), 12 * billion + 21);
}

TEST(rows_beyond_2_to_the_31_elements_are_reached) {
    // Two rows of 64 flags, more than 2^31 bytes apart: of the memory between nothing is touched.
    constexpr std::int64_t apart = (std::int64_t{1} << 31) + 64;
    constexpr std::size_t bytes = static_cast<std::size_t>(apart) + 64;
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        std::cerr << "not tested: 2 GiB of addresses are not to be had\n";
        return;
    }
    auto* flags = static_cast<std::uint8_t*>(memory);
    flags[3] = flags[apart + 5] = 1;
    StridedRows rows;
    rows.data = memory;
    rows.type = ElementType::boolean;
    rows.leading = 1;
    rows.rows = rows.shape[0] = 2;
    rows.stride[0] = apart;
    rows.columns = 64;
    std::uint64_t words[2] = {};
    CHECK_EQ(pack(rows, 0, words, {}), -1);
    CHECK(words[0] == 8 && words[1] == 32);

    const CodeRows codes{static_cast<const std::uint64_t*>(memory), 2, 8, apart / 8};
    std::int32_t distance = -1;
    hamming_matrix({codes.row(0), 1, 8, 8}, {codes.row(1), 1, 8, 8}, &distance, {});
    CHECK_EQ(distance, 2);
    munmap(memory, bytes);
}
