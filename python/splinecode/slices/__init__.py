"""Exact slices: a window of a plane in input space, cut into the polygons a network is affine on.

A layer's units are linear on every polygon that the layers before it leave, so each of them cuts
it along a line; the affine steps between layers are taken at the polygons' vertices alone. Such
subdivisions: Hanin and Rolnick, "Complexity of Linear Regions in Deep Networks", ICML 2019; Humayun
et al., "SplineCam", CVPR 2023. The geometry is cut in the compiled core: see cpp/slices.
"""

from .cutting import slice_2d
from .result import DecisionBoundary, Slice2D
from .sampled import SampledSlice2D, sampled_slice_2d

__all__ = ["DecisionBoundary", "SampledSlice2D", "Slice2D", "sampled_slice_2d", "slice_2d"]
