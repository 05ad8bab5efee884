#include "memory.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

namespace splinecode {
namespace {

constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least_asked = 16 << 20;

/// The number in a file that holds nothing else; none for "max" or a file that is not there.
std::optional<std::int64_t> number_in(const std::string& path) {
    std::ifstream file(path);
    std::int64_t value = 0;
    return file >> value ? std::optional(value) : std::nullopt;
}

/// The number that follows `name` in a file of lines "name number".
std::optional<std::int64_t> number_of(const std::string& name, const std::string& path) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string first;
        std::int64_t value = 0;
        if (words >> first >> value && first == name) {
            return value;
        }
    }
    return std::nullopt;
}

/// The names of the files of a version of control groups.
struct GroupFiles {
    const char* mount;
    const char* limit;
    const char* usage;
    const char* cache;
};
constexpr GroupFiles version_2{"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};
constexpr GroupFiles version_1{"sys/fs/cgroup/memory", "memory.limit_in_bytes",
                               "memory.usage_in_bytes", "total_inactive_file"};

/// What one group leaves.
std::int64_t left_by_group(const std::string& folder, const GroupFiles& files) {
    const auto limit = number_in(folder + "/" + files.limit);
    const auto usage = number_in(folder + "/" + files.usage);
    if (!limit || !usage) {
        return unlimited;
    }
    const std::int64_t cache = number_of(files.cache, folder + "/memory.stat").value_or(0);
    return std::max<std::int64_t>(0, *limit - *usage + cache);
}

/// What a group and all that it lies in leave.
std::int64_t left_by_groups(const std::string& root, std::string path, const GroupFiles& files) {
    std::int64_t left = unlimited;
    const std::string mount = root + files.mount;
    for (;;) {
        std::string folder = mount;
        folder += path;
        left = std::min(left, left_by_group(folder, files));
        const std::size_t slash = path.find_last_of('/');
        if (slash == std::string::npos || path == "/") {
            return left;
        }
        path.resize(slash);
    }
}

/// Follows /proc/self/cgroup: lines "number:controllers:path", of version 2 without controllers.
std::int64_t left_by_control_groups(const std::string& root) {
    std::int64_t left = unlimited;
    std::ifstream file(root + "proc/self/cgroup");
    std::string line;
    while (std::getline(file, line)) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) {
            continue;
        }
        std::string controllers = ",";
        controllers += line.substr(first + 1, second - first - 1);
        controllers += ',';
        const std::string path = line.substr(second + 1);
        if (controllers == ",,") {
            left = std::min(left, left_by_groups(root, path, version_2));
        } else if (controllers.find(",memory,") != std::string::npos) {
            left = std::min(left, left_by_groups(root, path, version_1));
        }
    }
    return left;
}

std::int64_t left_by_rlimit(const std::string& root) {
    rlimit limit{};
    const auto pages = number_in(root + "proc/self/statm");
    if (!pages || getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return unlimited;
    }
    const auto most =
        static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(unlimited)));
    return std::max<std::int64_t>(0, most - *pages * sysconf(_SC_PAGESIZE));
}

std::string size_text(std::int64_t bytes) {
    const char* const units[] = {"bytes", "KB", "MB", "GB", "TB", "PB", "EB"};
    double size = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; size >= 1000 && unit < 6; ++unit) {
        size /= 1000;
    }
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
    return text;
}

}  // namespace

std::int64_t available_memory(const std::string& root) {
    const auto kilobytes = number_of("MemAvailable:", root + "proc/meminfo");
    const std::int64_t of_the_system =
        kilobytes ? saturating_product({*kilobytes, 1024}) : unlimited;
    return std::min({of_the_system, left_by_control_groups(root), left_by_rlimit(root)});
}

void need_memory(std::int64_t bytes, const std::string& what) {
    if (bytes < least_asked) {
        return;
    }
    const std::int64_t available = available_memory();
    if (bytes > available) {
        throw NotEnoughMemory(what + " take " + size_text(bytes) + " of memory, and " +
                              size_text(available) + " are available");
    }
}

}  // namespace splinecode
