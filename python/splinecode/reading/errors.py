"""What reading raises."""

from __future__ import annotations


class UnsupportedNetworkError(ValueError):
    """A module holds something that `read_network` does not read."""
