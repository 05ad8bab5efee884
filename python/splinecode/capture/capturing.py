"""`spline_codes`: from a torch model and its inputs to packed codes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import torch
from torch import nn

from ..arrays import Array, to_host
from ..codes import Codes
from ..progress import progress_bar
from ..store import CodeStore
from ..store.code_store import SHARD_BYTES
from ..store.rows import RowTable
from .batches import batched
from .positions import Positions, PositionsLike
from .running import Run
from .streaming import need_fixed_order, stream

Model = nn.Module | torch.export.ExportedProgram
Inputs = Array | Mapping[str, Any] | Iterable[Any]


@dataclass(frozen=True)
class Captured:
    """Codes, and where they came from.

    Attributes
    ----------
    codes : Codes
    rows : structured array (n,) of fields `input` and `position`, int64
        The input of each code, and its token (counted without padding) or pixel (flat, in C
        order); position is -1 where a code stands for all of an input.
    dtypes : mapping of layer name to what was packed, such as "bfloat16"
        Signs near the threshold depend on it.

    """

    codes: Codes
    rows: RowTable
    dtypes: Mapping[str, str]


@overload
def spline_codes(
    model: Model,
    inputs: Inputs,
    layers: str | Sequence[str] | None = None,
    *,
    positions: PositionsLike = None,
    units_axis: int | None = None,
    batch_size: int = 256,
    threshold: float = 0.0,
    store: None = None,
    shard_bytes: int = SHARD_BYTES,
    progress: bool = False,
) -> Codes: ...


@overload
def spline_codes(
    model: Model,
    inputs: Inputs,
    layers: str | Sequence[str] | None = None,
    *,
    positions: PositionsLike = None,
    units_axis: int | None = None,
    batch_size: int = 256,
    threshold: float = 0.0,
    store: str | os.PathLike[str],
    shard_bytes: int = SHARD_BYTES,
    progress: bool = False,
) -> CodeStore: ...


def spline_codes(
    model: Model,
    inputs: Inputs,
    layers: str | Sequence[str] | None = None,
    *,
    positions: PositionsLike = None,
    units_axis: int | None = None,
    batch_size: int = 256,
    threshold: float = 0.0,
    store: str | os.PathLike[str] | None = None,
    shard_bytes: int = SHARD_BYTES,
    progress: bool = False,
) -> Codes | CodeStore:
    """Pack the spline codes of a model's inputs, layer by layer.

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode, or what torch.export made of one
        Any module; decoders of Hugging Face and models of TransformerLens are known by shape.
    inputs : array (n, ...), mapping of arrays, or iterable of batches
        An array is cut into batches. So are the arrays of a mapping, such as a tokenizer's
        ``BatchEncoding`` with ``input_ids`` and ``attention_mask``, with which the model is called
        by name. An iterable (such as a DataLoader) gives batches of either kind, or tuples or lists
        whose first item is the batch.
    layers : glob or globs over module names, optional
        By default every activation module of the ReLU family, GELU and SiLU (max pools, which are
        layers of `Network.codes` too, have no pre-activation), and of language models the first
        linear map of each MLP, that of the gate if it has one: `splinecode.capture.families` has
        a table. A named activation module contributes its input; any other named module (such as a
        Linear before a functional relu) its output. Of TransformerLens hook points can be named. A
        module that runs several times in a forward pass gives a layer each time: ``relu``,
        ``relu#2``, ..., and the glob ``relu`` means all of them, ``relu#2`` one. An exported
        program has calls of activations instead, functional ones too: `recording_exported` says how
        they are named.
    positions : optional
        What becomes a row where layers have positions: tokens, of layers (inputs, tokens, units),
        or pixels, of layers (inputs, channels, height, width). Padding, where a batch's
        ``attention_mask`` is 0, is never captured; tokens are counted without it.

        - None: an input is a row; units at all positions are flat in C order.
        - ``"any"``: an input is a row; a unit is active where it is at any position (max pooling).
        - ``"last"``, or a whole number: an input is a row, by one of its tokens; ``(y, x)``: by
          one of its pixels. Layers without positions give all of their units.
        - ``"all"``: every position is a row, ordered by input and position.
        - a slice, such as ``slice(None, None, 4)``: those tokens of every input are rows.
        - a boolean mask, of one input's positions or of every input's: those positions are rows.
    units_axis : int, optional
        The axis of the units where layers have positions; by default 2 of 3 axes, 1 of more. Give 1
        for one-dimensional convolutions, -1 for images with channels last.
    batch_size : int
        Inputs per forward pass, for an array or a mapping.
    threshold : float
        bit = z > threshold.
    store : path, optional
        A folder to write the codes to as they come: memory does not grow with the data. If it holds
        what an earlier call had written before it was ended, that is not done again.
    shard_bytes : int
        How much of a new store is kept in memory, and lost by a kill, at most.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    codes : Codes, torch words on the model's device (numpy words for a numpy array)
        Layers in the order of execution. With `store` the `CodeStore` instead, which has the codes
        and the inputs and positions of its rows; `capture_codes` returns these without a store.

    Raises
    ------
    TypeError : model is no module, or inputs neither arrays nor iterable.
    ValueError : training mode, no matching layer, no inputs, NaN, or inputs on another device; rows
        that do not line up between layers; padding and no `positions`; a store that was made from
        another model, other inputs, layers or positions: what differs is named.
    BlockingIOError : another process writes to the store.

    Notes
    -----
    Each batch is packed as its layers run: float activations of one batch at a time are in memory,
    and codes take 1 bit a unit. float16 and bfloat16 are packed from their own bits.

    A store is continued where it ends: inputs whose rows it has are drawn but not run, and compared
    by a hash of some of their values. A batch that was stored in part is run again whole, so that
    with the same `batch_size` the codes are those of a call that was never ended. The model is
    hashed once, which reads all of its parameters: another model is told by its modules, their
    options, the functions that they hold and their numbers, but not by the code of a ``forward``.
    Give another folder when you change that, such as from a relu in it to a gelu.

    """
    run = Run(model, layers, Positions(positions, units_axis), threshold)
    if store is None:
        return _captured(run, inputs, batch_size, progress).codes
    need_fixed_order(inputs)
    batches, total = batched(inputs, batch_size)
    with progress_bar(total, "inputs", progress) as advance:
        return stream(run, batches, store, shard_bytes, advance)


def capture_codes(
    model: Model,
    inputs: Inputs,
    layers: str | Sequence[str] | None = None,
    *,
    positions: PositionsLike = "all",
    units_axis: int | None = None,
    batch_size: int = 256,
    threshold: float = 0.0,
    progress: bool = False,
) -> Captured:
    """Pack spline codes as `spline_codes` does, and tell which token or pixel each came from.

    Parameters, errors and memory are those of `spline_codes`; positions is ``"all"`` by default.

    Returns
    -------
    captured : Captured(codes, rows, dtypes)

    """
    run = Run(model, layers, Positions(positions, units_axis), threshold)
    return _captured(run, inputs, batch_size, progress)


def _captured(run: Run, inputs: Inputs, batch_size: int, progress: bool) -> Captured:
    batches, total = batched(inputs, batch_size)
    parts, tables, first = [], [], 0
    with progress_bar(total, "inputs", progress) as advance, run.running() as codes_of:
        for batch in batches:
            codes, rows = codes_of(batch, first)
            parts.append(codes)
            tables.append(rows)
            first += batch.size
            advance(batch.size)
    if not parts:
        raise ValueError("inputs holds no batches; wanted at least one")
    codes = Codes.concatenate(parts)
    if isinstance(inputs, np.ndarray):
        codes = Codes._trusted(to_host(codes.words), codes.layers)
    return Captured(codes, np.concatenate(tables), dict(run.dtypes))
