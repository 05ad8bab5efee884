"""The command line: ``splinecode``, or ``python -m splinecode``.

A command is a module here: `add_arguments` declares its options, `run` does it and returns the
exit status, `EXAMPLES` are shown by ``--help``. None of them imports torch at the top, but for demo
and bench: help stays fast.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from .. import _core

_COMMANDS = {
    "info": "print version, instruction sets, threads and CUDA devices",
    "codes": "pack the spline codes of inputs",
    "neighbors": "find the nearest codes",
    "crossings": "find every polytope boundary on line segments between inputs",
    "density": "count the polytope boundaries between inputs of one class and of two",
    "slice": "cut a plane through three inputs into polytopes",
    "lens": "write a report of the analyses that apply to a model, as one HTML file",
    "bench": "time the kernels beside what users write in plain PyTorch today",
    "demo": "train two small nets on digits and read them through their polytopes",
}

_EXTRAS = {
    "torch": "torch",
    "matplotlib": "plots",
    "scipy": "neighbors",
    "hdbscan": "clustering",
    "tqdm": "progress",
    "sklearn": "demo",
}

_EPILOG = """\
MODEL is a program saved by torch.export (model.pt2), or package.module:function or
path/file.py:function, which returns a torch.nn.Module. DATA is .npy, .npz or .pt.

exit status: 0 done; 1 done, but a check failed; 2 bad usage or input; 130 interrupted

examples:
  splinecode codes model.pt2 images.npy -o codes.npz
  splinecode crossings nets.py:make_net digits.npz --pairs 0:1 2:3
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Errors are a line on stderr, with ``--debug`` a traceback.
    """
    arguments = sys.argv[1:] if argv is None else argv
    command = next((name for name in arguments[:1] if name in _COMMANDS), "")
    name = f"splinecode {command}".strip()
    try:
        module = _load(command) if command else None
        options = _parser(command, module).parse_args(arguments)
        return int(_load(options.command).run(options))
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # such as | head: whoever reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if "--debug" in arguments:
            raise
        print(f"{name}: {_in_a_line(error)}", file=sys.stderr)
        return 2


def _parser(command: str, module: ModuleType | None) -> argparse.ArgumentParser:
    """Return the parser; only the command asked for has its options."""
    parser = _Parser(
        prog="splinecode",
        description="Spline codes, Hamming neighbours and exact boundary crossings.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_core.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in _COMMANDS.items():
        epilog = getattr(module, "EXAMPLES", None) if name == command else None
        job = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"examples:\n{epilog}" if epilog else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        job.add_argument("--debug", action="store_true", help="show the traceback of an error")
        if module is not None and name == command:
            module.add_arguments(job)
    return parser


class _Parser(argparse.ArgumentParser):
    """Tells wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _load(command: str) -> ModuleType:
    return import_module(f".{command}", __package__)


def _in_a_line(error: Exception) -> str:
    """Return an error's message; its type as well unless it was raised to be read by people."""
    if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
        return f"needs {error.name}: pip install 'splinecode[{_EXTRAS[error.name]}]'"
    text = " ".join(str(error).split())
    meant = isinstance(error, (ValueError, TypeError, OSError, ImportError, MemoryError))
    return text if text and meant else f"{type(error).__name__}: {text}".removesuffix(": ")
