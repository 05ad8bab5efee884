#pragma once

#include <stdexcept>
#include <string>

#include "code_rows.hpp"

/// What launchers check before they launch anything.
namespace splinecode::cuda {

inline void require(bool met, const char* name, const char* failure) {
    if (!met) {
        throw std::invalid_argument(std::string(name) + ": " + failure);
    }
}

inline void require_codes(const CodeRows& codes, const char* name) {
    require(codes.rows >= 0 && codes.words >= 0, name, "the number of rows or words is negative");
}

inline void require_same_width(const CodeRows& a, const CodeRows& b, const char* name) {
    require_codes(a, name);
    require_codes(b, name);
    require(a.words == b.words, name, "the codes differ in their number of words");
}

}  // namespace splinecode::cuda
