"""The paper's analyses, a file per question: short functions over codes, distances and crossings.

The paper is Black et al., "Interpreting Neural Networks through the Polytope Lens",
arXiv:2211.12312. What is given a model loads torch on first use; what is given codes does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import loading
from .bootstrap import GroupComparison, Interval, compare_groups, mean_interval
from .clusters import Grouping, LabelAgreement, Monosemanticity, monosemanticity
from .code_similarity import CodeSimilarity, code_similarity
from .density import endpoint_density, exact_density
from .detector import OodDetector, fit_ood, ood_scores
from .matching import MatchedPairs, matched_pairs
from .naswot import Naswot, naswot
from .ood import Ood, ood
from .pairs import LabelPairs, same_and_different_pairs
from .regions import Occupancy, Regions, regions
from .shared_regions import SharedOccupancy, SharedRegions, shared_regions
from .unit_pairs import UnitPairs
from .unit_statistics import UnitStatistics, unit_statistics

if TYPE_CHECKING:
    from . import curves
    from .boundaries import boundary_density
    from .complexity import LocalComplexity, local_complexity
    from .density_result import BoundaryDensity
    from .features import SplineFeatures, spline_features
    from .line_density import ClassChanges, LineDensity
    from .nearest import NearestBoundaries, nearest_boundaries
    from .path_codes import PathAnalysis, path_analysis
    from .rays import directions, scaling
    from .stable_regions import Plateaus, plateaus

__getattr__ = loading(
    __name__,
    {
        "BoundaryDensity": "density_result",
        "ClassChanges": "line_density",
        "LineDensity": "line_density",
        "LocalComplexity": "complexity",
        "NearestBoundaries": "nearest",
        "PathAnalysis": "path_codes",
        "Plateaus": "stable_regions",
        "SplineFeatures": "features",
        "boundary_density": "boundaries",
        "curves": "curves",
        "directions": "rays",
        "local_complexity": "complexity",
        "nearest_boundaries": "nearest",
        "path_analysis": "path_codes",
        "plateaus": "stable_regions",
        "scaling": "rays",
        "spline_features": "features",
    },
)

__all__ = [
    "BoundaryDensity",
    "ClassChanges",
    "CodeSimilarity",
    "GroupComparison",
    "Grouping",
    "Interval",
    "LabelAgreement",
    "LabelPairs",
    "LineDensity",
    "LocalComplexity",
    "MatchedPairs",
    "Monosemanticity",
    "Naswot",
    "NearestBoundaries",
    "Occupancy",
    "Ood",
    "OodDetector",
    "PathAnalysis",
    "Plateaus",
    "Regions",
    "SharedOccupancy",
    "SharedRegions",
    "SplineFeatures",
    "UnitPairs",
    "UnitStatistics",
    "boundary_density",
    "code_similarity",
    "compare_groups",
    "curves",
    "directions",
    "endpoint_density",
    "exact_density",
    "fit_ood",
    "local_complexity",
    "matched_pairs",
    "mean_interval",
    "monosemanticity",
    "naswot",
    "nearest_boundaries",
    "ood",
    "ood_scores",
    "path_analysis",
    "plateaus",
    "regions",
    "same_and_different_pairs",
    "scaling",
    "shared_regions",
    "spline_features",
    "unit_statistics",
]
