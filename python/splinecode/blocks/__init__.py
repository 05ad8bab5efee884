"""Exact crossings through the norm of a language model's MLP block.

On a straight segment of the residual stream a layer norm or RMS norm, the linear map after it and
the sign of each pre-activation have a closed form: at most two crossings a unit.
"""

from .block import MlpBlock, Norm
from .crossings import block_crossings
from .reading import read_block
from .result import BlockCrossings

__all__ = ["BlockCrossings", "MlpBlock", "Norm", "block_crossings", "read_block"]
