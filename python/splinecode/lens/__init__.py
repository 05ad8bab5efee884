"""The paper's analyses, a file per question: short functions over codes, distances and crossings.

The paper is Black et al., "Interpreting Neural Networks through the Polytope Lens",
arXiv:2211.12312. What is given a model loads torch on first use; what is given codes does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import loading
from .code_similarity import CodeSimilarity, code_similarity
from .density import endpoint_density, exact_density
from .detector import OodDetector, fit_ood, ood_scores
from .naswot import Naswot, naswot
from .ood import Ood, ood
from .pairs import LabelPairs, same_and_different_pairs
from .regions import Occupancy, Regions, regions
from .shared_regions import SharedOccupancy, SharedRegions, shared_regions
from .unit_pairs import UnitPairs
from .unit_statistics import UnitStatistics, unit_statistics

if TYPE_CHECKING:
    from . import curves
    from .path_codes import PathAnalysis, path_analysis

__getattr__ = loading(
    __name__,
    {
        "PathAnalysis": "path_codes",
        "curves": "curves",
        "path_analysis": "path_codes",
    },
)

__all__ = [
    "CodeSimilarity",
    "LabelPairs",
    "Naswot",
    "Occupancy",
    "Ood",
    "OodDetector",
    "PathAnalysis",
    "Regions",
    "SharedOccupancy",
    "SharedRegions",
    "UnitPairs",
    "UnitStatistics",
    "code_similarity",
    "curves",
    "endpoint_density",
    "exact_density",
    "fit_ood",
    "naswot",
    "ood",
    "ood_scores",
    "path_analysis",
    "regions",
    "same_and_different_pairs",
    "shared_regions",
    "unit_statistics",
]
