"""The paper's analyses, a file per question: short functions over codes, distances and crossings.

The paper is Black et al., "Interpreting Neural Networks through the Polytope Lens",
arXiv:2211.12312. What is given a model loads torch on first use; what is given codes does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import loading
from .clusters import Grouping, LabelAgreement, Monosemanticity, monosemanticity
from .density.lengths import endpoint_density, exact_density
from .density.matching import MatchedPairs, matched_pairs
from .density.pairs import LabelPairs, same_and_different_pairs
from .occupancy.regions import Occupancy, Regions, regions
from .occupancy.shared_regions import SharedOccupancy, SharedRegions, shared_regions
from .scores.code_similarity import CodeSimilarity, code_similarity
from .scores.detector import OodDetector, fit_ood, ood_scores
from .scores.naswot import Naswot, naswot
from .scores.ood import Ood, ood
from .scores.unit_pairs import UnitPairs
from .scores.unit_statistics import UnitStatistics, unit_statistics
from .statistics.bootstrap import GroupComparison, Interval, compare_groups, mean_interval

if TYPE_CHECKING:
    from .density.boundaries import boundary_density
    from .density.result import BoundaryDensity
    from .lines.line_density import ClassChanges, LineDensity
    from .lines.rays import directions, scaling
    from .neighbourhoods.complexity import LocalComplexity, local_complexity
    from .neighbourhoods.features import SplineFeatures, spline_features
    from .neighbourhoods.nearest import NearestBoundaries, nearest_boundaries
    from .paths import curves
    from .paths.path_codes import PathAnalysis, path_analysis
    from .paths.stable_regions import Plateaus, plateaus

__getattr__ = loading(
    __name__,
    {
        "BoundaryDensity": "density.result",
        "ClassChanges": "lines.line_density",
        "LineDensity": "lines.line_density",
        "LocalComplexity": "neighbourhoods.complexity",
        "NearestBoundaries": "neighbourhoods.nearest",
        "PathAnalysis": "paths.path_codes",
        "Plateaus": "paths.stable_regions",
        "SplineFeatures": "neighbourhoods.features",
        "boundary_density": "density.boundaries",
        "curves": "paths.curves",
        "directions": "lines.rays",
        "local_complexity": "neighbourhoods.complexity",
        "nearest_boundaries": "neighbourhoods.nearest",
        "path_analysis": "paths.path_codes",
        "plateaus": "paths.stable_regions",
        "scaling": "lines.rays",
        "spline_features": "neighbourhoods.features",
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
