#include <exception>

#include "check.hpp"

int main() {
    for (const check::Test& test : check::tests()) {
        try {
            test.body();
        } catch (const std::exception& error) {
            check::report(false, test.name, 0, std::string("no exception, but: ") + error.what());
        }
    }
    std::cout << check::tests().size() << " C++ tests, " << check::failures() << " failures\n";
    return check::failures() == 0 ? 0 : 1;
}
