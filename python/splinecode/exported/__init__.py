"""Programs of torch.export: which modules their operators come from, and running them."""

from .calls import Call, function_name
from .program import Program, exported_program
from .running import Watch

__all__ = ["Call", "Program", "Watch", "exported_program", "function_name"]
