"""What researchers write today in plain PyTorch: the peer to check against and to measure against.

Nothing here uses the compiled core, and `import splinecode` does not import this package.
"""

from splinecode.reference.codes import bool_codes, pack_torch
from splinecode.reference.density import boundary_density
from splinecode.reference.hamming import paired, pm1_topk, xor_matrix
from splinecode.reference.local_complexity import local_complexity
from splinecode.reference.segments import exact_crossings, sampled_crossings
from splinecode.reference.slices import Subdivision, slice_regions

__all__ = [
    "Subdivision",
    "bool_codes",
    "boundary_density",
    "exact_crossings",
    "local_complexity",
    "pack_torch",
    "paired",
    "pm1_topk",
    "sampled_crossings",
    "slice_regions",
    "xor_matrix",
]
