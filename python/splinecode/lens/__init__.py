"""The paper's analyses, a file per question: short functions over codes, distances and crossings.

The paper is Black et al., "Interpreting Neural Networks through the Polytope Lens",
arXiv:2211.12312.
"""

from .density import endpoint_density, exact_density
from .pairs import LabelPairs, same_and_different_pairs

__all__ = ["LabelPairs", "endpoint_density", "exact_density", "same_and_different_pairs"]
