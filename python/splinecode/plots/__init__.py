"""Figures for slides and papers, a function an analysis: numbers in, matplotlib Axes out.

Every function takes a title. It returns Axes if all it draws is one panel, and an array of Axes, of
one figure, if there may be several; given `ax`, it draws the first panel alone, into that. Names,
of layers and classes say, are drawn as they are; a title may hold mathtext.

Save with ``ax.figure.savefig(path)``; in a notebook end the cell with ``ax.figure``. Nothing here
touches pyplot: no window, no global state, any thread. `style` holds the colours.
"""

from .boundary_density import boundary_density
from .clusters import monosemanticity
from .counts import counts_by_method
from .density import density_by_layer
from .line_density import line_density
from .local_complexity import local_complexity
from .nearest_boundaries import nearest_boundaries
from .neighbours import label_agreement
from .ood import ood
from .paths import paths
from .plateaus import plateaus
from .regions import regions, shared_regions
from .scores import code_similarity, naswot, unit_statistics
from .segment import segment_crossings
from .slices import sampled_slice_2d, slice_2d
from .spline_features import spline_features

__all__ = [
    "boundary_density",
    "code_similarity",
    "counts_by_method",
    "density_by_layer",
    "label_agreement",
    "line_density",
    "local_complexity",
    "monosemanticity",
    "naswot",
    "nearest_boundaries",
    "ood",
    "paths",
    "plateaus",
    "regions",
    "sampled_slice_2d",
    "segment_crossings",
    "shared_regions",
    "slice_2d",
    "spline_features",
    "unit_statistics",
]
