#pragma once

#include <stddef.h>

/// The shape of the tiles that matrix products are made of.
namespace splinecode::products {

/// Columns of a matrix that lie together: element (k, j) is at (j / panel * K + k) * panel + j %
/// panel.
constexpr size_t panel = 16;
/// Rows that are multiplied together.
constexpr size_t rows = 8;
/// Entries past the end of a list of rows that are read, for what they name to be fetched in time.
constexpr size_t ahead = 8;

}  // namespace splinecode::products
