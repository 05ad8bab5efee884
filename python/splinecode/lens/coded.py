"""Codes and labels of what an analysis of codes is given: a model with inputs, or codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..codes import Codes
from .labels import checked_labels, joined_labels


def codes_of(
    subject: Any,
    inputs: Array | Mapping[str, Any] | Iterable[Any] | None,
    labels: Any,
    *,
    layers: str | Sequence[str] | None = None,
    batch_size: int = 256,
    progress: bool = False,
) -> tuple[Codes, NDArray[Any] | None]:
    """Return codes as they are, or those of a model's inputs, and labels if there are any.

    Parameters
    ----------
    subject : Codes, or torch.nn.Module in evaluation mode
    inputs : array (n, ...), mapping of arrays, or iterable of batches, or of (batch, labels) pairs
        For a model: as in `spline_codes`, drawn once. None for codes.
    labels : array-like (n,), optional
        Instead of those of the iterable.
    layers : glob or globs, optional
        Of the layers of the codes, or of the model's modules as in `spline_codes`.
    batch_size, progress : as in `spline_codes`, for a model

    Raises
    ------
    TypeError : inputs for codes, or none for a model; what `spline_codes` raises.
    ValueError : another number of labels, or NaN among them; what `spline_codes` raises.
    KeyError : a glob that no layer of the codes matches.

    """
    if isinstance(subject, Codes):
        if inputs is not None:
            raise TypeError("inputs were given beside codes, which need none; give labels= by name")
        if layers is not None:
            subject = subject.select(*([layers] if isinstance(layers, str) else layers))
        return subject, checked_labels(labels, len(subject))
    if inputs is None:
        raise TypeError(
            f"inputs is missing: a {type(subject).__name__} needs a batch or a loader, only Codes "
            "need none"
        )
    from ..capture import spline_codes  # noqa: PLC0415 - it loads torch

    noted: list[tuple[Any, int]] = []
    whole = hasattr(inputs, "shape") or isinstance(inputs, Mapping)
    drawn = inputs if whole or not isinstance(inputs, Iterable) else _noting_labels(inputs, noted)
    codes = spline_codes(subject, drawn, layers, batch_size=batch_size, progress=progress)
    if labels is None and noted:
        labels = joined_labels(*zip(*noted, strict=True))
    return codes, checked_labels(labels, len(codes))


def classes_of(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the distinct labels in rising order, and the place of each label among them."""
    classes, inverse = np.unique(labels, return_inverse=True)
    return classes, inverse.astype(np.int64, copy=False)


def layers_of(codes: Codes) -> Iterator[tuple[str, Codes]]:
    """Return every layer's name and its codes, without a copy."""
    return ((layer.name, codes.layer(i)) for i, layer in enumerate(codes.layers))


def prefixes_of(codes: Codes) -> Iterator[tuple[str, Codes]]:
    """Return the codes of the first layer, the first two, ... by their last; without a copy."""
    for i, layer in enumerate(codes.layers):
        _, end = codes.word_range(i)
        yield layer.name, Codes._trusted(codes.words[:, :end], codes.layers[: i + 1])


def need_codes(codes: Any, name: str) -> None:
    """Raise TypeError unless these are `Codes`."""
    if not isinstance(codes, Codes):
        raise TypeError(
            f"{name} is a {type(codes).__name__}; wanted Codes, which know their layers"
        )


def need_some_codes(codes: Codes, name: str) -> None:
    """Raise ValueError for no codes or no layers."""
    if len(codes) == 0 or not codes.layers:
        raise ValueError(
            f"{name} has {len(codes)} codes of {len(codes.layers)} layers; wanted at least one of "
            "each"
        )


def _noting_labels(batches: Iterable[Any], noted: list[tuple[Any, int]]) -> Iterator[Any]:
    """Pass batches on, and note the labels beside them and their inputs."""
    from ..capture.batches import as_batch  # noqa: PLC0415 - it loads torch

    for item in batches:
        batch = as_batch(item)
        noted.append((batch.beside, batch.size))
        yield batch
