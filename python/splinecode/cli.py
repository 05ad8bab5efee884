"""``python -m splinecode``: info, demo, bench."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from . import _core
from .runtime import info

_JOBS = {
    "demo": "train two small nets on digits and read them through their polytopes",
    "bench": "time the kernels beside what users write in plain PyTorch today",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="splinecode",
        description="Spline codes, Hamming neighbours and exact boundary crossings.",
    )
    parser.add_argument("--version", action="version", version=_core.__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="print version, instruction sets, threads and CUDA devices")
    arguments = sys.argv[1:] if argv is None else argv
    for name, summary in _JOBS.items():
        job = commands.add_parser(name, help=summary, description=summary)
        if arguments[:1] == [name]:  # the jobs import torch: only when asked for
            _load(name).add_arguments(job)
    options = parser.parse_args(arguments)
    if options.command == "info":
        print(info())
        return 0
    return int(_load(options.command).run(options))


def _load(job: str):  # type: ignore[no-untyped-def]  # a module with add_arguments and run
    try:
        return import_module(f".{job}", __package__)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "splinecode"):
            raise
        sys.exit(f"splinecode {job} needs {missing}: pip install 'splinecode[demo]'")
