"""Batches, loaders and labels come in as one tensor; networks are read once."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from splinecode import lens, read_network, spline_codes
from splinecode.lens.coded import codes_of
from splinecode.lens.subjects import batch_of, network_of

X, Y = torch.arange(14.0).reshape(7, 2), torch.arange(7) % 3
NET = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).eval()


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
    with pytest.raises(TypeError, match="inputs is a dict; wanted an array or an iterable"):
        batch_of({"input_ids": X})
    with pytest.raises(TypeError, match=r"a batch of inputs is a mapping of \['ids'\]"):
        batch_of([{"ids": X}])
    with pytest.raises(ValueError, match=r"inputs has shape \(0, 2\)"):
        batch_of([X[:0], X[:0]])
    with pytest.raises(ValueError, match="inputs requires grad"):
        batch_of(X.clone().requires_grad_())
    with pytest.raises(ValueError, match=r"labels has shape \(\); wanted \(7,\)"):
        batch_of(X, 3, limit=9)
    for limit in (-3, 0):
        with pytest.raises(ValueError, match=f"limit is {limit}; wanted at least 1, or None"):
            batch_of(X, limit=limit)
    with pytest.raises(TypeError, match="model is a str; wanted a torch.nn.Module, or a Network"):
        network_of("net", X)


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ([Y[:3], None], "labels stand beside 1 of 2 batches"),
        ([Y[:3], Y[:3]], r"labels of shape \(3,\) stand beside a batch of 4 inputs"),
        ([1, 2], r"labels of shape \(\) stand beside a batch of 3 inputs; wanted \(3,\)"),
        ([Y[:3], np.array([0, np.nan, 1, np.nan])], "labels holds 2 NaN; leave out the inputs"),
    ],
)
def test_labels_beside_batches_that_do_not_fit(beside: list, message: str) -> None:
    parts = [X[:3], X[3:]]
    loader = [
        part if some is None else (part, some) for part, some in zip(parts, beside, strict=True)
    ]
    for read in (batch_of, lambda inputs: codes_of(NET, inputs, None)):
        with pytest.raises(ValueError, match=message):
            read(loader)
    for found in (batch_of(loader, Y)[1], codes_of(NET, loader, Y)[1]):
        assert np.array_equal(found, Y)


class Column:
    """What a table gives: a dtype, and numpy's protocol alone."""

    dtype = np.dtype(np.int64)

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return Y.numpy()


def test_labels_of_any_kind() -> None:
    names = [f"class {k}" for k in Y.tolist()]
    for labels, wanted in ((Y, Y), (Y.tolist(), Y), (names, np.array(names)), (Column(), Y)):
        for found in (batch_of(X, labels)[1], codes_of(NET, X, labels)[1]):
            assert np.array_equal(found, wanted)
    with pytest.raises(ValueError, match="labels holds 1 NaN"):
        batch_of(X, [0.0] * 6 + [np.nan])


def test_named_inputs_of_a_language_model() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.relu = nn.Embedding(9, 4), nn.ReLU()

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return self.relu(self.table(input_ids))

    model, ids = Model().eval(), torch.arange(14).reshape(7, 2) % 9
    named = {"input_ids": ids}
    wanted = spline_codes(model, ids)
    for inputs, labels in ((named, Y), ([(named, Y)], None), (ids, Y)):
        codes, found = codes_of(model, inputs, labels)
        assert codes == wanted
        assert np.array_equal(found, Y)
    assert str(lens.regions(model, named, Y)) == str(lens.regions(model, ids, Y))
    assert str(lens.unit_statistics(model, named)) == str(lens.unit_statistics(model, ids))


def test_a_network_stays_and_a_module_is_read() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).eval()
    network = read_network(net, X[:1])
    assert network_of(network, X) is network
    assert network_of(net, X).layers == network.layers
