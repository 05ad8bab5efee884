"""Exact crossings of line segments with the polytope boundaries of a network.

On an open interval of t where no unit of a layer changes sign, the unit's bit is 1 iff z > 0 there
(identically zero: 0). A *crossing* (t, layer, unit, direction) stands where the bits of the two
open intervals beside t differ. Touching zero without passing is no crossing. Affine maps commute
with interpolation, so a sweep carries a layer's values at the knots of a segment, and each kink
adds knots (ExactLine: Sotoudeh and Thakur, "Computing Linear Restrictions of Neural Networks",
NeurIPS 2019).
"""

from .paths import PathCrossings, polyline_crossings
from .result import Crossings
from .sweep import crossings, iter_crossings

__all__ = ["Crossings", "PathCrossings", "crossings", "iter_crossings", "polyline_crossings"]
