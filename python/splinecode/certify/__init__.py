"""Crossings that are proven: what a sweep's rounding left open, resolved in exact arithmetic.

The argument
------------
*What is certified.* The network read is a function of real numbers: its float64 weights and the
float64 ends a, b are taken as they are, and x(t) = a + t (b - a) with the exact difference. A
segment is certified if the list of crossings, their order, directions and the codes of the pieces
are those of this function.

*The sweep.* At every t the sweep's value of a pre-activation differs from the true one by at most
`bound`, which holds along the whole segment whatever was decided about ties (cpp/sweep/bounds.hpp).
(1) If a unit's computed values at both ends of an interval between knots exceed `bound` and have
one sign, so has the true value throughout. (2) If they have opposite signs, the true value has
these signs outside of the set where the computed one is within `bound` of zero, which is the
enclosure t +- t_error of the crossing. (3) If no other enclosure, of any layer, meets it, then no
earlier unit changes piece within it, the true value is linear there, and it crosses exactly once.
So wherever neither a value is within its bound away from a crossing (reported as an ambiguous
range), nor two enclosures meet (likewise), the crossings are proven, complete, and in order.
Of a window, the same holds of the differences of its elements. How far an element is below the
largest is convex between two knots, so it is least at one of them or where the largest changes: an
element within the bound there makes an ambiguous range (cpp/sweep/max_windows.cpp).
Elements of a window that were computed equal are the third kind of range. An inactive ReLU's zero
is exact: if it is inactive, its value is zero in truth.

*The walk.* In each remaining range, extended on both sides into proven pieces, the polytopes are
walked one by one. On a polytope every pre-activation is alpha + beta t with alpha, beta sums of
products of float64 numbers: integers at a common power of two. Right of a point t0 the bits follow
layer by layer from the signs of (value at t0, then slope); identically zero is inactive, and of
elements that are identically equal the first is the largest. The least t > t0 where a boundary form
vanishes is the next point, compared as fractions. Bits that differ on its two sides are the
crossings, by definition. Signs and roots are first sought in float64 with the bounds of `floats`;
what these cannot tell is computed in integers (`exact`), modulo primes with float64 products that
cannot round (`residues`), put together by the Chinese remainder theorem within proven sizes
(`plan`). Nothing is decided by a tolerance.

*Putting together.* At the ends of a range, inside proven pieces, the walk's code must be the
sweep's; if it is not, a bound was wrong: the segment is not certified and a warning says so. A
range whose walk would exceed the budget leaves its segment uncertified.

*What is assumed.* IEEE arithmetic with gradual underflow, and matrix products and convolutions of
float64 (numpy, torch) that sum products in any order, fused or not, but without fast algorithms
(Winograd, Strassen); the sweep's own products are sums in a fixed order. On a GPU they are those of
cuBLAS: its emulation of float64 or float32 by narrower numbers, which is off unless its environment
variables ask for it, breaks the bounds.
"""

from .resolve import Certificate, SegmentRun, SegmentTie, certified

__all__ = ["Certificate", "SegmentRun", "SegmentTie", "certified"]
