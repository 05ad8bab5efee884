"""Spline codes of a torch model's inputs, packed layer by layer as the model runs.

`choosing` finds the layers (`families` those of language models), `batches` cuts the inputs,
`positions` takes the tokens or pixels that become rows, `recording` packs, `streaming` writes a
store and takes it up again.
"""

from .activations import ACTIVATIONS
from .capturing import Captured, capture_codes, spline_codes

__all__ = ["ACTIVATIONS", "Captured", "capture_codes", "spline_codes"]
