"""``splinecode info``."""

from __future__ import annotations

import argparse

from ..runtime import info

EXAMPLES = """\
  splinecode info
  SPLINECODE_SIMD=scalar splinecode info
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no options: there are none."""


def run(options: argparse.Namespace) -> int:
    """Print what this build and machine have."""
    print(info())
    return 0
