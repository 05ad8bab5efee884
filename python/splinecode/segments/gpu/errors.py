"""What makes a sweep start again with less."""

from __future__ import annotations


class OverBudgetError(Exception):
    """The tracks need more memory than they may have."""


class ValueOverflowError(OverflowError):
    """Values left the range of their type at a node, whose number is the argument."""
