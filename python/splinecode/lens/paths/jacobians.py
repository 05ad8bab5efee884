"""Norms of a module's input-output Jacobian at many points."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Numbers = NDArray[np.float64]


class JacobianNorms(NamedTuple):
    """Frobenius norms and their standard errors, float64 (n,): errors are 0 where exact.

    `passes` counts backward passes of a point; there are none through an output without a graph.
    """

    norm: Numbers
    error: Numbers
    passes: int


def jacobian_norms(
    model: nn.Module,
    x: Tensor,
    *,
    probes: int | None = None,
    seed: int = 0,
    batch_size: int = 256,
    advance: Callable[[int], object] = lambda n: None,
) -> JacobianNorms:
    """Return ||dy/dx||_F of a module's output y at each point.

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode: no output depends on another input of the batch
    x : floating tensor (n, *input_shape)
    probes : int >= 2, optional
        None: exact, one backward pass an output. Else an estimate from so many.
    seed : int
        Of the probes.
    batch_size : int
        Points whose graph is in memory at a time.

    Returns
    -------
    norms : JacobianNorms

    Notes
    -----
    ``||J||_F^2 = sum_j ||J^T e_j||^2`` exactly, and ``E ||J^T v||^2 = ||J||_F^2`` for v of
    independent signs (Hutchinson 1989): the mean over probes of a squared norm is unbiased, with a
    relative standard deviation of at most sqrt(2 / probes); its root is given, and the standard
    error that the spread of the probes tells. Squares are summed in float64.

    """
    random = torch.Generator().manual_seed(seed)
    parts, passes = [], 0
    for points in x.split(batch_size):
        with torch.inference_mode(False), torch.enable_grad():
            leaf = points.detach().clone().requires_grad_()
            y = model(leaf.clone()).flatten(1)  # a copy: a module may change its input in place
            backward = (probes or int(y.shape[1])) if y.requires_grad and y.shape[1] else 0
            parts.append(_squares(y, leaf, probes, backward, random).cpu().numpy())
            passes += backward * len(points)
        advance(len(points))
    squares: Numbers = np.concatenate(parts, axis=1) if parts else np.empty((probes or 1, 0))
    if probes is None:
        norm = np.sqrt(squares.sum(axis=0))
        return JacobianNorms(norm, np.zeros_like(norm), passes)
    norm = np.sqrt(squares.mean(axis=0))
    spread = squares.std(axis=0, ddof=1) / np.sqrt(probes)
    error = np.divide(spread, 2 * norm, out=np.zeros_like(norm), where=norm > 0)
    return JacobianNorms(norm, error, passes)


def _squares(
    y: Tensor, x: Tensor, probes: int | None, passes: int, random: torch.Generator
) -> Tensor:
    """Return the squared norms of J^T v, float64 (v, points); of all v summed where exact."""
    if not passes:
        return torch.zeros(probes or 1, len(x), dtype=torch.float64)
    squares = []
    for k in range(passes):
        if probes is None:
            v = torch.zeros_like(y)
            v[:, k] = 1
        else:
            signs = torch.randint(2, tuple(y.shape), generator=random, dtype=torch.int8)
            v = (2 * signs - 1).to(y.device, y.dtype)
        (pulled,) = torch.autograd.grad(y, x, v, retain_graph=True, materialize_grads=True)
        squares.append(pulled.flatten(1).double().square().sum(dim=1))
    found = torch.stack(squares)
    return found.sum(dim=0, keepdim=True) if probes is None else found
