"""Batches, loaders and labels come in as one tensor; networks are read once."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from splinecode import read_network
from splinecode.lens.subjects import batch_of, network_of

X, Y = torch.arange(14.0).reshape(7, 2), torch.arange(7) % 3


def test_arrays_and_loaders_give_the_same() -> None:
    loader = DataLoader(TensorDataset(X, Y), batch_size=3)
    for inputs, labels in ((X, Y), (X.numpy(), Y.numpy()), (loader, None), (list(loader), None)):
        x, found = batch_of(inputs, labels)
        assert torch.equal(x, X)
        assert np.array_equal(found, Y)
    x, found = batch_of(loader, limit=4)
    assert (len(x), len(found)) == (4, 4)


def test_batches_after_the_limit_are_not_drawn() -> None:
    def batches():
        yield X[:3]
        yield X[3:]
        raise AssertionError

    x, labels = batch_of(batches(), limit=5)
    assert len(x) == 5
    assert labels is None


def test_errors() -> None:
    with pytest.raises(TypeError, match="inputs is a int; wanted an array or an iterable"):
        batch_of(3)
    with pytest.raises(ValueError, match="inputs holds no batches"):
        batch_of([])
    with pytest.raises(ValueError, match=r"inputs has shape \(0, 2\)"):
        batch_of(X[:0])
    with pytest.raises(ValueError, match=r"labels has shape \(3,\); wanted \(7,\)"):
        batch_of(X, Y[:3])
    with pytest.raises(TypeError, match="model is a str; wanted a torch.nn.Module, or a Network"):
        network_of("net", X)


def test_a_network_stays_and_a_module_is_read() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).eval()
    network = read_network(net, X[:1])
    assert network_of(network, X) is network
    assert network_of(net, X).layers == network.layers
