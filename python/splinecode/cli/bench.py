"""``splinecode bench``: `splinecode.bench`."""

from ..bench import add_arguments, run

__all__ = ["EXAMPLES", "add_arguments", "run"]

EXAMPLES = """\
  splinecode bench
  splinecode bench hamming segments --threads 1 --json times.json
  splinecode bench --device cuda segments
"""
