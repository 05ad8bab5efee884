"""Polytopes around points: their affine maps, half-spaces, boundaries and neighbours.

A network's polytope at x is where all bits are as at x; there the network is A x + b, and every
unit's pre-activation is linear. Each is computed with the pattern held fixed, in float64.
"""

from .affine import AffineMap, affine_map
from .boundaries import NearestBoundary, nearest_boundary
from .inequalities import HalfSpaces, half_spaces
from .rays import BoundaryAlong, NextPolytope, boundary_along, next_polytope

__all__ = [
    "AffineMap",
    "BoundaryAlong",
    "HalfSpaces",
    "NearestBoundary",
    "NextPolytope",
    "affine_map",
    "boundary_along",
    "half_spaces",
    "nearest_boundary",
    "next_polytope",
]
