"""Where a sweep runs: in the compiled core, or on the GPU that the segments are on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..kernels import need_cuda_build
from ..network import Network
from .gpu import free_share, sweep_on_gpu
from .program import program_of
from .result import Events, Ranges, Swept

_DTYPES = {"float64": torch.float64, "float32": torch.float32}
_MAX_MEMORY = 1 << 30


class Engine:
    """Sweeps of the segments a to b, float64 (segments, units) on one device."""

    def __init__(
        self, network: Network, a: Tensor, b: Tensor, max_memory: int | None, precision: str
    ) -> None:
        if max_memory is not None and not max_memory >= 1:
            raise ValueError(f"max_memory is {max_memory}; wanted a number of bytes")
        if precision not in _DTYPES:
            raise ValueError(f"precision is {precision!r}; wanted 'float64' or 'float32'")
        if a.is_cuda:
            need_cuda_build()
        elif precision != "float64":
            raise ValueError(
                f"precision is {precision!r}, which is for segments on a GPU; wanted 'float64', "
                "or a and b on a GPU"
            )
        self.network, self.a, self.b = network, a, b
        self._max_memory = max_memory
        self._precision = precision

    @property
    def device(self) -> torch.device:
        """Where the sweep runs."""
        return self.a.device

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self.a)

    def sweep(self, part: slice) -> Swept:
        """Sweep some of the segments."""
        run = self._on_gpu if self.a.is_cuda else self._in_core
        try:
            return run(self.a[part], self.b[part])
        except OverflowError as error:
            name = self.network.nodes[int(str(error))].name
            raise ValueError(
                f"values overflow {self._precision} at {name!r}; scale the weights or the ends of "
                "the segments down"
            ) from None

    def _in_core(self, a: Tensor, b: Tensor) -> Swept:
        max_memory = self._max_memory or _MAX_MEMORY
        found = program_of(self.network).sweep(a.numpy(), b.numpy(), max_memory)
        events, first_codes, (offsets, knots, values), ambiguous, assumed = found
        return Swept(
            len(a),
            Events(*map(torch.from_numpy, events)),
            torch.from_numpy(first_codes.view(np.int64)),
            torch.from_numpy(offsets),
            torch.from_numpy(knots),
            torch.from_numpy(values),
            Ranges(*map(torch.from_numpy, ambiguous)),
            Ranges(*map(torch.from_numpy, assumed)),
        )

    def _on_gpu(self, a: Tensor, b: Tensor) -> Swept:
        max_memory = self._max_memory or free_share(a.device)
        return sweep_on_gpu(self.network, a, b, max_memory, _DTYPES[self._precision])
