"""``splinecode demo``: `splinecode.demo`."""

from ..demo import add_arguments, run

__all__ = ["EXAMPLES", "add_arguments", "run"]

EXAMPLES = """\
  splinecode demo
  splinecode demo --quick --output /tmp/figures
"""
