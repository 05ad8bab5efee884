#include "routes.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "few_scan.hpp"
#include "runtime.hpp"

namespace splinecode::cuda {
namespace {

constexpr Route all_routes[] = {Route::automatic, Route::few, Route::popc,
                                Route::int8,      Route::b1,  Route::wgmma};

Route route_named(const std::string& name) {
    std::string names;
    for (const Route route : all_routes) {
        if (name == name_of(route)) {
            return route;
        }
        names += std::string(names.empty() ? "" : ", ") + name_of(route);
    }
    throw std::invalid_argument("the CUDA route is '" + name + "'; wanted one of " + names);
}

Route route_of_environment() {
    const char* name = std::getenv("SPLINECODE_CUDA_ROUTE");
    return name == nullptr ? Route::automatic : route_named(name);
}

std::atomic<int> chosen{-1};

#if defined(SPLINECODE_CUDA_WGMMA)
constexpr bool built_for_wgmma = true;
#else
constexpr bool built_for_wgmma = false;
#endif

}  // namespace

const char* name_of(Route route) {
    switch (route) {
        case Route::automatic: return "auto";
        case Route::few: return "few";
        case Route::popc: return "popc";
        case Route::int8: return "int8";
        case Route::b1: return "b1";
        case Route::wgmma: return "wgmma";
    }
    return "unknown";
}

std::vector<Route> routes_of(int compute_capability) {
    std::vector<Route> routes = {Route::few, Route::popc, Route::int8};
    if (compute_capability >= 80 && compute_capability < 100) {
        routes.push_back(Route::b1);
    }
    if (built_for_wgmma && compute_capability == 90) {
        routes.push_back(Route::wgmma);
    }
    return routes;
}

Route route_for(int compute_capability, std::int64_t queries) {
    const std::vector<Route> routes = routes_of(compute_capability);
    const Route forced = forced_route();
    if (forced == Route::automatic) {
        return queries <= most_few_queries ? Route::few : routes.back();
    }
    if (std::find(routes.begin(), routes.end(), forced) == routes.end()) {
        throw std::invalid_argument(std::string("the CUDA route is '") + name_of(forced) +
                                    "', which a device of compute capability " +
                                    std::to_string(compute_capability / 10) + "." +
                                    std::to_string(compute_capability % 10) + " lacks");
    }
    return forced;
}

Route forced_route() {
    const int set = chosen.load();
    return set < 0 ? route_of_environment() : static_cast<Route>(set);
}

std::vector<std::string> routes(int device) {
    std::vector<std::string> names;
    if (device >= device_count()) {
        return names;
    }
    for (const Route route : routes_of(compute_capability(device))) {
        names.emplace_back(name_of(route));
    }
    return names;
}

std::string route() { return name_of(forced_route()); }

void set_route(const std::string& name) { chosen = static_cast<int>(route_named(name)); }

}  // namespace splinecode::cuda
