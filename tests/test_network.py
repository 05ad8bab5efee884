"""What a `Network` itself does: evaluation, codes, layers, its checks of inputs."""

import numpy as np
import pytest
import torch

import nets
from splinecode import read_network


def test_a_network_computes_what_the_module_does():
    torch.manual_seed(0)
    for module, shape in ((nets.mlp(3, 8, 8, 2), (3,)), (nets.cnn(), (1, 6, 6))):
        network = nets.read(module, *shape)
        x = torch.randn(20, *shape, dtype=torch.float64)
        torch.testing.assert_close(network(x), module(x).detach())
        assert network.output_shape == tuple(module(x).shape[1:])


def test_numpy_in_numpy_out():
    module = nets.mlp(3, 8, 2)
    network = read_network(module, np.zeros((1, 3), np.float32))
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    out = network(x)
    assert isinstance(out, np.ndarray)
    assert out.dtype == np.float64
    assert isinstance(network.codes(x).words, np.ndarray)


def test_numpy_inputs_of_any_layout():
    network = nets.read(nets.mlp(3, 4, 1), 3)
    x = np.random.default_rng(1).standard_normal((6, 3))
    wanted = network(x)
    frozen = x.copy()
    frozen.flags.writeable = False
    for same in (x[::-1][::-1], np.asfortranarray(x), x.astype(">f8"), frozen):
        np.testing.assert_array_equal(network(same), wanted)
    np.testing.assert_allclose(network(x[::-1]), wanted[::-1], rtol=1e-14)
    with pytest.raises(TypeError, match="up to float64"):
        network(x.astype("longdouble"))


def test_layers_and_repr():
    network = nets.read(nets.cnn(), 1, 6, 6)
    assert [layer.bits for layer in network.layers] == [108, 108, 2, 4]
    assert network.n_bits == 222
    assert repr(network) == "Network(1 x 6 x 6 -> 2, 4 layers, 222 bits)"


def test_bad_inputs_are_refused():
    network = nets.read(nets.mlp(3, 4, 1), 3)
    with pytest.raises(ValueError, match=r"x has shape \(2, 4\); wanted \(n, 3\)"):
        network(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="NaN or inf"):
        network(torch.full((1, 3), float("inf")))
    with pytest.raises(TypeError, match=r"x has dtype torch\.int64"):
        network(torch.zeros(1, 3, dtype=torch.int64))
    with pytest.raises(TypeError, match="x is a list"):
        network([[0.0, 0.0, 0.0]])
