"""The seven spline features of each layer: how a text's tokens lie among a layer's boundaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...analysis import Analysis
from ...arrays import Array
from ...capture.batches import batched
from ...capture.capturing import Model
from ...capture.families import call
from ...codes import Layer
from ...progress import progress_bar
from ...tables import Table
from ..models import module_of
from .linear_layers import chosen_linears, row_norms, units_last

FEATURES = (
    "mean share active",
    "least share active",
    "largest share active",
    "spread of share active",
    "least distance",
    "mean distance",
    "spread of distance",
)


@dataclass(frozen=True, eq=False, repr=False)
class SplineFeatures(Analysis):
    """Seven numbers a layer for each input. Drawn by `plots.spline_features`.

    Attributes
    ----------
    layers : tuple of Layer
        Names of the linear maps, and their units.
    features : float64 (inputs, layers, 7)
        In the order of `FEATURES`. With p_t the share of the layer's units that are active at token
        t, and d_t = min_j abs(z_tj) / ||w_j||_2 the distance from what the layer takes at token t
        to the nearest of its units' hyperplanes: mean, least, largest and standard deviation of
        p_t, then least, mean and standard deviation of d_t, over the tokens of the input. Standard
        deviations are those of samples (n - 1): NaN for an input of one token.
    tokens : int64 (inputs, layers)
        Tokens (positions of a convolution) that were counted.
    work : mapping

    """

    layers: tuple[Layer, ...]
    features: NDArray[np.float64]
    tokens: NDArray[np.int64]
    work: Mapping[str, int]

    def matrix(self) -> NDArray[np.float64]:
        """Return the features as rows for a classifier, float64 (inputs, 7 * layers)."""
        return self.features.reshape(len(self.features), -1)

    def columns(self) -> list[str]:
        """Return the names of the columns of `matrix`."""
        return [f"{layer.name}: {name}" for layer in self.layers for name in FEATURES]

    def tables(self) -> Sequence[Table]:
        """Return the mean of every feature over inputs, by layer."""
        rows = [
            [layer.name, f"{layer.bits:,}", *map(_mean, self.features[:, i].T)]
            for i, layer in enumerate(self.layers)
        ]
        title = f"Spline features: mean of {len(self.features):,} inputs"
        return [Table(title, ["layer", "units", *FEATURES], rows)]


def spline_features(
    model: Model,
    inputs: Array | Mapping[str, Any] | Iterable[Any],
    layers: str | Sequence[str] | None = None,
    *,
    batch_size: int = 32,
    progress: bool = False,
) -> SplineFeatures:
    """Compute the seven spline features of each layer, for each input (arXiv:2312.01648).

    Parameters
    ----------
    model : torch.nn.Module in evaluation mode, or what torch.export made of one
    inputs : array (n, ...), mapping of arrays, or iterable of batches, as in `spline_codes`
        Token ids of a language model, or what another module takes; tokens that a mapping's
        ``attention_mask`` leaves out are not counted.
    layers : glob or globs over module names, optional
        Linear maps (torch's, or transformers' Conv1D) or convolutions whose outputs are
        pre-activations. By default the first linear map of every decoder block's MLP, the gate of a
        gated one (see `read_block` for the shapes that are known), or else each one that feeds an
        activation module directly. One with a batch norm behind it has no pre-activation of its
        own: fuse the two (`torch.nn.utils.fusion`) first.
    batch_size : int
        Inputs per forward pass, for an array or a mapping.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    features : SplineFeatures
        Of an image in a convolution the positions are the tokens, of a plain linear layer there is
        one token an input.

    Raises
    ------
    TypeError : model is no module, or inputs are none of these.
    ValueError : training mode, no inputs, no such layer or one that is no linear map, a mask that
        does not fit, layers that differ between batches, NaN.

    Notes
    -----
    The definitions are those of the authors' code (github.com/RandallBalestriero/SplineLLM,
    `modeling_llama.py`, read), for its gate_proj, whose outputs they are. With weights of norm 0 a
    unit has no boundary: its distance is inf, where theirs is NaN or inf. The distance is one in
    the layer's own input space (behind the norm), to the hyperplane of z_j = 0; that in the space
    of the network's inputs is `nearest_boundaries`. One forward pass an input; each layer is
    reduced to two numbers a token as it runs.

    """
    model = module_of(model)
    if any(part.training for part in model.modules()):
        raise ValueError("model is in training mode; call model.eval() first")
    parts: list[tuple[Tensor, Tensor]] = []
    measured: _Measured | None = None
    left_out = 0
    batches, total = batched(inputs, batch_size)
    with progress_bar(total, "inputs", progress) as advance, torch.no_grad():
        for batch in batches:
            if measured is None:
                run = partial(call, model, model, batch.own())
                measured = _Measured(chosen_linears(model, layers, run))
            with measured.listening():
                call(model, model, batch.own())
            mask = batch.mask
            parts.append(measured.take(mask))
            left_out += 0 if mask is None else int((mask == 0).sum())
            advance(len(parts[-1][0]))
    if measured is None:
        raise ValueError("inputs holds no batches; wanted at least one")
    features, tokens = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
    work = {
        "inputs": len(features),
        "tokens": int(tokens.max(axis=1).sum()),
        "tokens masked out": left_out,
        "layers": len(measured.layers),
    }
    return SplineFeatures(measured.layers, features, tokens, work)


class _Measured:
    """Hooks on linear maps that reduce their outputs as they pass."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self._modules = modules
        self._norms = {name: row_norms(part, name) for name, part in modules.items()}
        self._passed: dict[str, tuple[Tensor, Tensor]] = {}
        self.layers: tuple[Layer, ...] = ()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hook the linear maps for the length of a block."""
        handles = [
            part.register_forward_hook(self._after(name)) for name, part in self._modules.items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _after(self, name: str) -> Any:
        def record(part: nn.Module, arguments: Any, output: Any) -> None:
            runs = sum(key == name or key.startswith(f"{name}#") for key in self._passed)
            key = name if runs == 0 else f"{name}#{runs + 1}"
            z = units_last(part, output)
            if bool(z.isnan().any()):
                raise ValueError(f"{name!r} passes a NaN; wanted numbers")
            self._passed[key] = _reduced(z, self._norms[name])

        return record

    def take(self, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return features (inputs, layers, 7) and tokens (inputs, layers) of the last batch."""
        if not self._passed:
            raise ValueError("none of the chosen layers ran in a forward pass; check layers=")
        layers = tuple(Layer(key, len(self._norms[key.partition("#")[0]])) for key in self._passed)
        if self.layers not in ((), layers):
            raise ValueError(f"a batch ran layers {layers}, another {self.layers}")
        self.layers = layers
        columns = [
            _seven(share, distance, _counted(share, mask, key))
            for key, (share, distance) in self._passed.items()
        ]
        self._passed = {}
        return (
            torch.stack([features for features, _ in columns], 1),
            torch.stack([tokens for _, tokens in columns], 1),
        )


def _reduced(z: Tensor, norms: Tensor) -> tuple[Tensor, Tensor]:
    """Return share active and least distance of each token, float64 (inputs, tokens)."""
    share = (z > 0).double().mean(dim=2).cpu()
    wide = z.abs().to(torch.promote_types(z.dtype, torch.float32))
    sizes = norms.to(z.device, wide.dtype)
    distance = torch.where(sizes > 0, wide / sizes, torch.inf).amin(dim=2).double().cpu()
    return share, distance


def _counted(share: Tensor, mask: Tensor | None, name: str) -> Tensor:
    """Return which tokens count, bool (inputs, tokens)."""
    if mask is None:
        return torch.ones(share.shape, dtype=torch.bool)
    if tuple(mask.shape) != tuple(share.shape):
        raise ValueError(
            f"attention_mask has shape {tuple(mask.shape)} and {name!r} passes "
            f"{tuple(share.shape)} (inputs, tokens); wanted the same"
        )
    return (mask != 0).cpu()


def _seven(share: Tensor, distance: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features of one layer (inputs, 7) and the number of tokens (inputs,)."""
    tokens = counted.sum(dim=1)
    share_mean, share_spread = _moments(share, counted, tokens)
    mean, spread = _moments(distance, counted, tokens)
    none = tokens == 0
    least = share.masked_fill(~counted, torch.inf).amin(dim=1).masked_fill(none, torch.nan)
    most = share.masked_fill(~counted, -torch.inf).amax(dim=1).masked_fill(none, torch.nan)
    closest = distance.masked_fill(~counted, torch.inf).amin(dim=1).masked_fill(none, torch.nan)
    columns = [share_mean, least, most, share_spread, closest, mean, spread]
    return torch.stack(columns, dim=1), tokens


def _moments(values: Tensor, counted: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and sample standard deviation over the tokens that count; NaN where none is."""
    mean = values.masked_fill(~counted, 0).sum(dim=1) / tokens
    squares = (values - mean[:, None]).square().masked_fill(~counted, 0).sum(dim=1)
    return mean, (squares / (tokens - 1)).sqrt().masked_fill(tokens < 2, torch.nan)


def _mean(values: NDArray[np.float64]) -> str:
    values = values[np.isfinite(values)]
    return f"{values.mean():.4g}" if len(values) else "-"
