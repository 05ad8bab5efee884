import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from splinecode import spline_codes
from splinecode.capture.batches import batched


class Shared(nn.Module):
    """One ReLU module that runs twice, and a functional one that hooks cannot see."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 70), nn.Linear(70, 9), nn.Linear(9, 3)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        return torch.relu(self.c(self.act(self.b(self.act(self.a(x))))))


def by_hand(net, x):
    z1 = net.a(x)
    z2 = net.b(z1.relu())
    return torch.cat([z1 > 0, z2 > 0], dim=1)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Shared().eval()


def test_finds_the_relu_family_and_repeated_runs(net):
    x = torch.randn(10, 4)
    codes = spline_codes(net, x, batch_size=3)
    assert [(layer.name, layer.bits) for layer in codes.layers] == [("act", 70), ("act#2", 9)]
    assert torch.equal(codes.bits(), by_hand(net, x))
    assert codes.words.dtype == torch.uint64


def test_batches_of_a_loader(net):
    x = torch.randn(11, 4)
    wanted = spline_codes(net, x)
    loader = DataLoader(TensorDataset(x, torch.arange(11)), batch_size=4)
    assert spline_codes(net, loader) == wanted
    assert spline_codes(net, list(x.split(5))) == wanted


def test_the_number_of_inputs_is_known_where_a_loader_tells(net):
    x = torch.randn(11, 4)
    data = TensorDataset(x)
    known = {
        11: [x, {"x": x}, DataLoader(data, batch_size=4), DataLoader(data, 4, shuffle=True)],
        8: [DataLoader(data, batch_size=4, drop_last=True)],
        None: [[x], (part for part in x), DataLoader(data, batch_sampler=[[0, 1], [2]])],
    }
    for total, inputs in known.items():
        assert [batched(one, 3)[1] for one in inputs] == [total] * len(inputs)


def test_a_bar_shows_inputs(net, capsys):
    pytest.importorskip("tqdm")
    x = torch.randn(11, 4)
    spline_codes(net, DataLoader(TensorDataset(x), batch_size=4), progress=True)
    assert "11/11" in capsys.readouterr().err


def test_inputs_are_read_from_a_memory_map(net, tmp_path):
    x = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert spline_codes(net, mapped, batch_size=2) == spline_codes(net, x)


def test_numpy_in_numpy_out(net):
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    codes = spline_codes(net, x)
    assert isinstance(codes.words, np.ndarray)
    np.testing.assert_array_equal(codes.bits(), by_hand(net, torch.from_numpy(x)))


def test_named_layers_give_their_output(net):
    x = torch.randn(6, 4)
    codes = spline_codes(net, x, layers=["c", "act"])
    assert [layer.name for layer in codes.layers] == ["act", "act#2", "c"]
    hidden = net.b(net.a(x).relu()).relu()
    assert torch.equal(codes.layer("c").bits(), net.c(hidden) > 0)
    assert spline_codes(net, x, layers="[ab]").n_bits == 79


def test_one_run_of_a_module_that_runs_twice(net):
    x = torch.randn(6, 4)
    whole = spline_codes(net, x)
    assert spline_codes(net, x, layers="act") == whole
    assert spline_codes(net, x, layers="act#2") == whole.layer("act#2")
    assert spline_codes(net, x, layers=["*#2", "act"], batch_size=4) == whole
    with pytest.raises(ValueError, match=r"no run matches 'act#3'; modules ran .* {'act': 2}"):
        spline_codes(net, x, layers=["act#3", "act"])


@pytest.mark.parametrize("act", [nn.LeakyReLU(), nn.PReLU(), nn.GELU(), nn.SiLU(), nn.ELU()])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_activations_and_dtypes(act, dtype):
    model = nn.Sequential(nn.Linear(4, 65), act).to(dtype).eval()
    x = torch.randn(8, 4).to(dtype)
    assert torch.equal(spline_codes(model, x).bits(), model[0](x) > 0)


def test_convolutions_are_flat_in_c_order():
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU()).eval()
    x = torch.randn(2, 1, 6, 5)
    assert torch.equal(spline_codes(model, x).bits(), (model[0](x) > 0).flatten(1))


def test_threshold_and_hooks_are_removed(net):
    x = torch.randn(3, 4)
    codes = spline_codes(net, x, layers="a", threshold=0.5)
    assert torch.equal(codes.bits(), net.a(x) > 0.5)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_hooks_are_removed_after_an_error(net):
    with pytest.raises(RuntimeError):
        spline_codes(net, torch.zeros(3, 5))
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_other_piecewise_activations_are_refused_not_left_out():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU6()).eval()
    with pytest.raises(ValueError, match="ReLU6 at '3' has no code of one bit a unit"):
        spline_codes(model, torch.randn(2, 4))
    assert spline_codes(model, torch.randn(2, 4), layers="1").n_bits == 3


def test_bad_input_is_refused(net):
    x = torch.randn(3, 4)
    with pytest.raises(ValueError, match="training mode"):
        spline_codes(Shared(), x)
    with pytest.raises(TypeError, match="model is a function"):
        spline_codes(lambda x: x, x)
    with pytest.raises(ValueError, match="no module matches 'zz'"):
        spline_codes(net, x, layers="zz")
    with pytest.raises(ValueError, match="no activation module"):
        spline_codes(nn.Linear(4, 2).eval(), x)
    with pytest.raises(ValueError, match="wanted at least one input"):
        spline_codes(net, x[:0])
    with pytest.raises(ValueError, match="no batches"):
        spline_codes(net, [])
    with pytest.raises(TypeError, match="inputs is a int"):
        spline_codes(net, 3)
    with pytest.raises(TypeError, match="a batch of inputs is a str"):
        spline_codes(net, ["a"])
    with pytest.raises(ValueError, match="batch_size is 0"):
        spline_codes(net, x, batch_size=0)
    with pytest.raises(ValueError, match="z holds a NaN"):
        spline_codes(net, x * float("nan"))


def test_a_model_that_changes_its_input_in_place_leaves_the_callers_alone():
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 4), nn.ReLU()).eval()
    x = torch.randn(5, 3)
    for inputs in (x, x.numpy(), [x]):
        before = x.clone()
        spline_codes(net, inputs)
        assert torch.equal(x, before)


class Named(nn.Module):
    """Calls its activations by the names of their arguments."""

    def __init__(self, *activations):
        super().__init__()
        self.first, self.second = nn.Linear(4, 9), nn.Linear(9, 5)
        self.activations = nn.ModuleList(activations)

    def forward(self, x):
        a, b = self.activations
        return b(input=self.second(a(input=self.first(x))))


@pytest.mark.parametrize("act", [nn.ReLU(), nn.ReLU(inplace=True), nn.GELU(), nn.SiLU()])
def test_activations_called_by_keyword(act):
    torch.manual_seed(0)
    net, x = Named(act, nn.ReLU()).eval(), torch.randn(7, 4)
    named = spline_codes(net, x)
    plain = nn.Sequential(net.first, act, net.second, nn.ReLU()).eval()
    assert torch.equal(named.words, spline_codes(plain, x).words)
    assert [layer.name for layer in named.layers] == ["activations.0", "activations.1"]
