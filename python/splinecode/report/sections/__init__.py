"""The sections of a report, in its order: to add an analysis, add its section to the list.

A report is about one model and one data set. What compares two (`lens.shared_regions`,
`lens.code_similarity`) has no section.
"""

from __future__ import annotations

from ..section import Section
from .density import DENSITY
from .model import MODEL
from .neighbourhoods import COMPLEXITY, FEATURES, NEAREST
from .paths import PATHS, PLATEAUS
from .regions import MONOSEMANTICITY, REGIONS
from .scaling import SCALING
from .scores import NASWOT, OOD, UNITS
from .segments import SEGMENTS
from .slices import SAMPLED_SLICE, SLICE

SECTIONS: tuple[Section, ...] = (
    MODEL,
    SLICE,
    SAMPLED_SLICE,
    SEGMENTS,
    DENSITY,
    SCALING,
    PATHS,
    PLATEAUS,
    COMPLEXITY,
    NEAREST,
    FEATURES,
    REGIONS,
    MONOSEMANTICITY,
    UNITS,
    NASWOT,
    OOD,
)

__all__ = ["SECTIONS"]
