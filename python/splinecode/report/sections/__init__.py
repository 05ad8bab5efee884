"""The sections of a report, in its order: to add an analysis, add its section to the list."""

from __future__ import annotations

from ..section import Section
from .model import MODEL
from .segments import SEGMENTS

SECTIONS: tuple[Section, ...] = (MODEL, SEGMENTS)

__all__ = ["SECTIONS"]
