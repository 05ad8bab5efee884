"""Reading torch modules into a `Network`."""

from .errors import UnsupportedNetworkError
from .reader import read_network

__all__ = ["UnsupportedNetworkError", "read_network"]
