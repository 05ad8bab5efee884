"""Running the analyses that apply to a model, and writing what they found as one HTML file."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._core import __version__
from ..arrays import Array
from ..exported import exported_program
from ..files import replaced_atomically
from ..lens.subjects import batch_of
from ..progress import progress_bar
from .page import page_html
from .section import Labels, Outcome, Section, Skipped, Subject, failure
from .sections import SECTIONS


def lens_report(
    model: nn.Module | torch.export.ExportedProgram,
    inputs: Array | Iterable[Any],
    labels: Any = None,
    *,
    output: str | os.PathLike[str] = "report.html",
    title: str | None = None,
    analyses: Sequence[str] | None = None,
    limit: int = 2000,
    seed: int = 0,
    quick: bool = False,
    progress: bool = False,
) -> Path:
    """Run the lens' analyses on a model and write a report: one HTML file that opens offline.

    What does not apply to the model (exact analyses of a network that is not piecewise linear,
    comparisons of classes without labels) is left out, and the report says why. An analysis that
    fails, or a figure, does so alone: its section tells the error.

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode, on the CPU, or what torch.export made of one
    inputs : array (n, ...), or iterable of batches, or of (batch, labels) pairs
    labels : array-like (n,), optional
        Instead of those of the iterable.
    output : path
        The file; replaced when the report is complete.
    title : str, optional
        By default the name of the model's class.
    analyses : names of sections, optional
        By default all; `section_names` lists them.
    limit : int
        Take at most so many inputs: a random choice by `seed` of an array, the first of an
        iterable.
    seed : int
        Of all that is drawn.
    quick : bool
        Fewer pairs, segments and samples.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    path : Path to the file

    Raises
    ------
    TypeError : model is no module.
    ValueError : a model that is training, unknown analyses, no inputs, another number of labels.
    OSError : the file cannot be written.

    Notes
    -----
    Each analysis' cost is its own: see its function in `splinecode.lens`; the report says how long
    each took.

    """
    sections = _chosen(analyses)
    module = _evaluating(model)
    path = Path(output)
    _check(path, limit)
    x, labels = _inputs(module, inputs, labels, limit, seed)
    subject = Subject(module, x, labels, seed, quick, progress)
    began = time.perf_counter()
    outcomes = []
    with progress_bar(len(sections), "analyses", progress) as advance:
        for section in sections:
            outcomes.append(run_section(section, subject))
            advance(1)
    name = type(module).__name__
    page = page_html(
        f"{name} through the polytope lens" if title is None else title,
        _lead(outcomes, len(x)),
        outcomes,
        {
            "splinecode": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "Python": platform.python_version(),
            "seed": str(seed),
            "analyses took": f"{time.perf_counter() - began:,.1f} s",
        },
    )
    with replaced_atomically(path) as file:
        file.write(page.encode())
    return path


def section_names() -> list[str]:
    """Return the names of all sections, in the order of the report."""
    return [section.name for section in SECTIONS]


def run_section(section: Section, subject: Subject) -> Outcome:
    """Run one section; whatever it raises becomes the reason it is left out."""
    began = time.perf_counter()
    try:
        result, reason = section.run(subject), ""
    except Skipped as skipped:
        result, reason = None, f"{skipped}."
    except Exception as error:
        result, reason = None, f"the analysis failed: {failure(error)}"
    return Outcome(section, result, reason, time.perf_counter() - began)


def _chosen(analyses: Sequence[str] | None) -> list[Section]:
    if analyses is None:
        return list(SECTIONS)
    unknown = [name for name in analyses if name not in section_names()]
    if isinstance(analyses, str) or unknown or not analyses:
        raise ValueError(f"analyses is {analyses!r}; wanted some of {', '.join(section_names())}")
    return [section for section in SECTIONS if section.name in analyses]


def _evaluating(model: Any) -> nn.Module:
    program = exported_program(model)
    if program is not None:
        return program.eval()
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; wanted a torch.nn.Module")
    if model.training:
        raise ValueError("model is in training mode; wanted model.eval()")
    return model


def _check(path: Path, limit: int) -> None:
    if limit < 2:
        raise ValueError(f"limit is {limit}; wanted at least 2 inputs")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"output is {path}, whose folder does not exist")


def _inputs(
    model: nn.Module, inputs: Any, labels: Any, limit: int, seed: int
) -> tuple[Tensor, Labels | None]:
    """Return at most `limit` inputs, of the dtype of the model, and their labels."""
    whole = hasattr(inputs, "shape")
    x, labels = batch_of(inputs, labels, limit=None if whole else limit)
    if len(x) > limit:
        chosen = np.sort(np.random.default_rng(seed).choice(len(x), limit, replace=False))
        x = x[torch.from_numpy(chosen)]
        labels = None if labels is None else labels[chosen]
    dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
    if len(dtypes) == 1 and x.is_floating_point():
        x = x.to(dtypes.pop())
    return x.detach().cpu(), labels


def _lead(outcomes: Sequence[Outcome], inputs: int) -> str:
    done = sum(outcome.result is not None for outcome in outcomes)
    left = len(outcomes) - done
    text = f"{done} analyses over {inputs:,} inputs"
    return f"{text}; {left} left out, with the reason." if left else f"{text}."
