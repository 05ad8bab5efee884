import numpy as np
import pytest
import torch
from torch import nn

import nets
from splinecode import UnsupportedNetworkError, hamming, read_network, spline_codes


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


def test_batch_norms_fold_or_stand_alone():
    torch.manual_seed(1)
    for module, shape in (
        (nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU()), (4,)),
        (nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.BatchNorm2d(2), nn.ReLU()), (2, 3, 3)),
        (nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, affine=False)), (4,)),
    ):
        for part in module.modules():
            if hasattr(part, "running_mean"):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
        module.double().eval()
        x = torch.randn(9, *shape, dtype=torch.float64)
        torch.testing.assert_close(nets.read(module, *shape)(x), module(x).detach())
    assert (
        len(nets.read(nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)).double().eval(), 4).places)
        == 1
    )


def test_functional_forwards_are_traced():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)
            self.head = nn.Linear(32, 3)

        def forward(self, x):
            x = torch.relu(self.conv(x))
            return self.head(torch.flatten(nn.functional.relu(x), 1))

    network = nets.read(Net().double().eval(), 1, 6, 6)
    assert [layer.name for layer in network.layers] == ["relu", "relu_1"]


def test_codes_are_those_of_the_hooks():
    torch.manual_seed(2)
    module = nets.cnn()
    network = nets.read(module, 1, 6, 6)
    x = torch.randn(30, 1, 6, 6, dtype=torch.float64)
    from_network = network.codes(x)
    assert [layer.name for layer in network.layers] == ["2", "3", "6", "10"]
    assert (
        hamming(from_network.select("2", "6", "10"), spline_codes(module, x)).tolist() == [0] * 30
    )
    pool = from_network.layer("3").bits().reshape(30, 3, 3, 3, 4)
    assert (pool.sum(-1) == 1).all()


def test_a_shared_activation_gives_a_layer_each_run():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.act = nn.Linear(2, 5), nn.Linear(5, 4), nn.ReLU()

        def forward(self, x):
            return self.act(self.b(self.act(self.a(x))))

    module = Shared().double().eval()
    network = nets.read(module, 2)
    x = torch.randn(6, 2, dtype=torch.float64)
    assert [layer.name for layer in network.layers] == ["act", "act#2"]
    assert network.codes(x) == spline_codes(module, x)


def test_numpy_inputs_of_any_layout():
    network = nets.read(nets.mlp(3, 4, 1), 3)
    x = np.random.default_rng(1).standard_normal((6, 3))
    wanted = network(x)
    frozen = x.copy()
    frozen.flags.writeable = False
    for same in (x[::-1][::-1], np.asfortranarray(x), x.astype(">f8"), frozen):
        np.testing.assert_array_equal(network(same), wanted)
    np.testing.assert_array_equal(network(x[::-1]), wanted[::-1])
    with pytest.raises(TypeError, match="up to float64"):
        network(x.astype("longdouble"))


def test_a_window_of_padding_alone_is_refused():
    pool = nn.MaxPool2d(2, 1, 1, dilation=3)
    with pytest.raises(ValueError, match="windows that hold more than padding"):
        read_network(nn.Sequential(pool).eval(), torch.randn(1, 1, 2, 2))


def test_layers_and_repr():
    network = nets.read(nets.cnn(), 1, 6, 6)
    assert [layer.bits for layer in network.layers] == [108, 108, 2, 4]
    assert network.n_bits == 222
    text = repr(network)
    assert text.startswith("Network(1 x 6 x 6 -> 2, 4 layers, 222 bits)")
    assert "MaxPool2d" in text


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        return x + self.linear(x)


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Hidden(nn.Module):
    """Computes more than its modules show once traced values are changed from outside."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.linear.register_forward_hook(lambda part, args, out: out + 1)

    def forward(self, x):
        return self.linear(x)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Linear(3, 3), nn.GELU()), "GELU at '1' is not read"),
        (nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Tanh())), "Tanh at '1.0'"),
        (Residual(), "'add' at|add does not continue a chain"),
        (Branching(), "cannot be traced"),
        (nn.Sequential(nn.Linear(3, 3), nn.ReLU6()), "ReLU6 at '1'"),
        (nn.Sequential(nn.Softmax(1)), "Softmax at '0'"),
        (Hidden(), "differs from it on example_input"),
    ],
)
def test_what_is_not_read_is_named(module, message):
    with pytest.raises(UnsupportedNetworkError, match=message):
        read_network(module.eval(), torch.randn(2, 3))


@pytest.mark.parametrize(
    "part",
    [
        nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(1, 1, 3, padding="same"),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AvgPool2d(2, divisor_override=3),
        nn.Flatten(0),
        nn.BatchNorm2d(1, track_running_stats=False),
    ],
)
def test_settings_that_are_not_read_are_named(part):
    with pytest.raises(UnsupportedNetworkError, match="at '0' is not read; wanted"):
        read_network(nn.Sequential(part).eval(), torch.randn(1, 1, 6, 6))


def test_bad_modules_are_refused():
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    x = torch.zeros(1, 3)
    with pytest.raises(ValueError, match=r"training mode \(at its root\)"):
        read_network(net, x)
    net.eval()[1].train()
    with pytest.raises(ValueError, match=r"training mode \(at 1\)"):
        read_network(net, x)
    net.eval()
    with pytest.raises(TypeError, match="module is a list"):
        read_network([net], x)
    with pytest.raises(ValueError, match="Linear at '0' gets inputs of shape"):
        read_network(net, torch.zeros(1, 4))
    with pytest.raises(ValueError, match="wanted a batch"):
        read_network(net, torch.zeros(3))
    with torch.no_grad():
        net[0].bias[1] = float("nan")
    with pytest.raises(ValueError, match=r"0\.bias holds NaN or inf"):
        read_network(net, x)


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
