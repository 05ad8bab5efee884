"""Codes of trained networks: what a search meets in use, unlike coins.

Their bits are unequal, dependent and in clusters, one a class and finer.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..capture import spline_codes
from ..demo.models import digits, fit, one_torch_thread

NETS = ("mlp", "cnn")
_NOISE = 0.05


@cache
def digit_codes(name: str, rows: int, width: int) -> Tensor:
    """Return the words of `rows` augmented digits in a net of `NETS` trained on as many others.

    The seeds are fixed and the result is kept for the run. `width` scales the layers.
    """
    data = digits(seed=0)
    training, labels = _augmented(data.images[~data.test], data.labels[~data.test], rows, seed=1)
    images, _ = _augmented(data.images, data.labels, rows, seed=2)
    with one_torch_thread():
        net = fit(lambda: _net(name, width), training, labels, epochs=1, seed=3)
        words: Tensor = spline_codes(net, images, batch_size=1024).words
    return words


def _net(name: str, width: int) -> nn.Sequential:
    if name == "mlp":
        widths = [64, width, width, width]
        modules: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(widths):
            modules += [nn.Linear(inputs, outputs), nn.ReLU()]
        return nn.Sequential(*modules, nn.Linear(width, 10))
    channels = width // 16
    return nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(8 * channels, width), nn.ReLU(), nn.Linear(width, 10)),
    )


def _augmented(images: Tensor, labels: Tensor, rows: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw `rows` images with replacement, each shifted by up to a pixel, with noise."""
    random = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(images), (rows,), generator=random)
    padded = nn.functional.pad(images[chosen], (1, 1, 1, 1))
    shift = torch.randint(3, (rows, 2), generator=random)
    height, width = images.shape[-2:]
    down = shift[:, :1] + torch.arange(height)
    right = shift[:, 1:] + torch.arange(width)
    moved = padded[torch.arange(rows)[:, None, None], 0, down[:, :, None], right[:, None, :]]
    noise = _NOISE * torch.randn(moved.shape, generator=random)
    return (moved + noise).clamp_(0, 1)[:, None], labels[chosen]
