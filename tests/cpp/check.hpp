#pragma once

// A test harness in one page: TEST bodies register themselves, CHECKs report and go on.

#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace check {

struct Test {
    const char* name;
    std::function<void()> body;
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

inline int& failures() {
    static int count = 0;
    return count;
}

struct Register {
    Register(const char* name, std::function<void()> body) { tests().push_back({name, body}); }
};

inline void report(bool good, const char* file, int line, const std::string& what) {
    if (!good) {
        ++failures();
        std::cerr << file << ':' << line << ": failed: " << what << '\n';
    }
}

}  // namespace check

#define TEST(name)                                                    \
    static void test_##name();                                        \
    static const check::Register register_##name(#name, test_##name); \
    static void test_##name()

#define CHECK(expression) \
    check::report(static_cast<bool>(expression), __FILE__, __LINE__, #expression)
#define CHECK_EQ(a, b) check::report((a) == (b), __FILE__, __LINE__, #a " == " #b)
#define CHECK_THROWS(expression, exception)                                           \
    do {                                                                              \
        bool thrown = false;                                                          \
        try {                                                                         \
            (void)(expression);                                                       \
        } catch (const exception&) {                                                  \
            thrown = true;                                                            \
        }                                                                             \
        check::report(thrown, __FILE__, __LINE__, #expression " throws " #exception); \
    } while (false)
