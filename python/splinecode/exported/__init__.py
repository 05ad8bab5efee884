"""Programs of torch.export: which modules their operators come from, and running them."""

from .calls import Call, function_name, is_control_flow
from .parts import Part
from .pieces import Gathered, Piece
from .program import Program, exported_program
from .running import Watch

__all__ = [
    "Call",
    "Gathered",
    "Part",
    "Piece",
    "Program",
    "Watch",
    "exported_program",
    "function_name",
    "is_control_flow",
]
