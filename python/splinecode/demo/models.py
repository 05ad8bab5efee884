"""The digits, and the two small ReLU nets trained on them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

BATCH = 64


@dataclass(frozen=True)
class Digits:
    """scikit-learn's 1,797 handwritten digits: 8 x 8 pixels from 0 to 1 in steps of 1/16.

    images are float32 (n, 1, 8, 8), labels int64 (n,), test bool (n,): a fifth of each class.
    """

    images: Tensor
    labels: Tensor
    test: Tensor


def digits(seed: int) -> Digits:
    """Load the digits and split them by class into training and test images."""
    pixels, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        test[members[: len(members) // 5]] = True
    images = torch.from_numpy((pixels / 16).astype(np.float32)).view(-1, 1, 8, 8)
    return Digits(images, torch.from_numpy(labels.astype(np.int64)), torch.from_numpy(test))


def mlp() -> nn.Sequential:
    """Three hidden layers of ReLUs on the flat pixels."""
    return nn.Sequential(
        OrderedDict(
            [
                ("flat", nn.Flatten()),
                ("fc1", nn.Linear(64, 128)),
                ("relu1", nn.ReLU()),
                ("fc2", nn.Linear(128, 64)),
                ("relu2", nn.ReLU()),
                ("fc3", nn.Linear(64, 32)),
                ("relu3", nn.ReLU()),
                ("out", nn.Linear(32, 10)),
            ]
        )
    )


def cnn() -> nn.Sequential:
    """Two blocks of convolution, batch norm, ReLU and max pool, then one hidden layer."""
    return nn.Sequential(
        OrderedDict(
            [
                ("conv1", nn.Conv2d(1, 8, 3, padding=1)),
                ("norm1", nn.BatchNorm2d(8)),
                ("relu1", nn.ReLU()),
                ("pool1", nn.MaxPool2d(2)),
                ("conv2", nn.Conv2d(8, 16, 3, padding=1)),
                ("norm2", nn.BatchNorm2d(16)),
                ("relu2", nn.ReLU()),
                ("pool2", nn.MaxPool2d(2)),
                ("flat", nn.Flatten()),
                ("fc", nn.Linear(64, 32)),
                ("relu3", nn.ReLU()),
                ("out", nn.Linear(32, 10)),
            ]
        )
    )


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep torch to one thread inside a ``with`` block.

    Nets this small gain nothing from more, lose much where other work shares the processors, and
    would train to other weights on another number of them.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


NETS = {"mlp": mlp, "cnn": cnn}


def train(name: str, data: Digits, epochs: int, seed: int) -> nn.Sequential:
    """Train a net of `NETS` on the training images; see `fit`."""
    return fit(NETS[name], data.images[~data.test], data.labels[~data.test], epochs, seed)


def fit(
    make: Callable[[], nn.Sequential], images: Tensor, labels: Tensor, epochs: int, seed: int
) -> nn.Sequential:
    """Make a net and train it with Adam on labelled images; in evaluation mode, without grad.

    The same seed gives the same weights on one machine. The caller's random state is left alone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make()
        optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(BATCH):
                optimizer.zero_grad()
                functional.cross_entropy(net(images[batch]), labels[batch]).backward()
                optimizer.step()
    return net.eval().requires_grad_(False)


def accuracy(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of the images that the net gives their label."""
    return float((net(images).argmax(dim=1) == labels).double().mean())


def pre_activations(net: nn.Sequential, images: Tensor) -> dict[str, Tensor]:
    """Return the inputs of the net's ReLUs by module name: (n, units), units in C order."""
    found = {}
    values = images
    for name, part in net.named_children():
        if isinstance(part, nn.ReLU):
            found[name] = values.flatten(1)
        values = part(values)
    return found
