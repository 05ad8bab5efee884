"""What follows a sweep on a GPU: crossings whose arrays live there are those of the CPU."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import nets
from gpu_arrays import EMULATED, is_on_gpu, same, to_cpu, to_gpu
from splinecode import crossings, polyline_crossings
from splinecode.arrays import library_of
from splinecode.certify import certified
from splinecode.lens import exact_density
from splinecode.segments import Crossings, PathCrossings
from splinecode.segments.result import Swept

pytestmark = pytest.mark.gpu


def moved(swept):
    """The sweep, its tensors on the GPU."""

    def to_device(tensor):
        return tensor.to("cuda:0")

    return replace(
        swept,
        **{
            name: to_device(getattr(swept, name))
            for name in ("first_codes", "knot_offsets", "knots", "values")
        },
        **{
            name: type(getattr(swept, name))(*map(to_device, getattr(swept, name)))
            for name in ("events", "ambiguous", "assumed")
        },
    )


def ends(seed, n, *shape):
    return np.random.default_rng(seed).normal(size=(2, n, *shape)) * 2


def thermometer():
    return nn.Sequential(
        nn.Linear(3, 9), nn.Hardtanh(), nn.Linear(9, 70), nn.ReLU(), nn.Linear(70, 5)
    )


CASES = [
    (nets.mlp(3, 40, 70, 4), (3,), 5),
    (nets.mlp(3, 40, 1), (3,), 1),
    (nets.mlp(2, 3, 4), (2,), 0),
    (nets.mlp(3, 2), (3,), 4),
    (nets.cnn(), (1, 6, 6), 3),
    (thermometer(), (3,), 6),
]


@pytest.fixture(params=range(len(CASES)), ids=["mlp", "one", "none", "linear", "pool", "pieces"])
def pair(request, gpu_library):
    """Crossings on the CPU, and the same ones on the GPU."""
    torch.manual_seed(0)
    net, shape, n = CASES[request.param]
    network = nets.read(net.double().eval(), *shape)
    cpu = crossings(network, *ends(request.param, n, *shape))
    return cpu, Crossings(network, moved(cpu._swept), gpu_library)


def need_waits(work, least, most=None):
    """Assert how often some work waits for the emulated GPU."""
    if not EMULATED:
        return
    from emulated_cupy import waits

    waits.clear()
    work()
    assert least <= len(waits) <= (least if most is None else most), waits


COLUMNS = ["t", "t_error", "layer", "unit", "direction", "offsets", "ambiguous"]
KNOTS = ["knots", "knot_offsets", "values", "ambiguous_ranges"]


@pytest.mark.parametrize("name", [*COLUMNS, *KNOTS])
def test_arrays(pair, gpu_library, name):
    cpu, gpu = pair
    ours = getattr(gpu, name)
    same(ours, getattr(cpu, name))
    for array in ours if isinstance(ours, tuple) else [ours]:
        assert library_of(array, name) == gpu_library
    need_waits(lambda: getattr(gpu, name), 0)


METHODS = {
    "count": lambda found: found.count(),
    "layers": lambda found: found.count(per_layer=True),
    "codes": lambda found: found.codes(),
    "pieces": lambda found: found.pieces(),
    "deviation": lambda found: found.deviation(),
    "variation": lambda found: found.variation(),
    "end words": lambda found: found.end_words(),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_methods_read_nothing(pair, method):
    cpu, gpu = pair
    same(method(gpu), _plain(method(cpu)))
    need_waits(lambda: method(gpu), 0)


def test_argmax_changes(pair):
    cpu, gpu = pair
    same(gpu.argmax_changes(), tuple(cpu.argmax_changes()))
    need_waits(gpu.argmax_changes, 5, 5 + int(np.prod(cpu.values.shape[1:])))


def test_codes_of_a_segment_read_its_bounds(pair):
    cpu, gpu = pair
    for s in range(-len(cpu), len(cpu)):
        same(gpu.codes(s), cpu.codes(s))
        need_waits(lambda s=s: gpu.codes(s), 1)
    with pytest.raises(IndexError):
        gpu.codes(len(cpu))


def test_repr_and_length(pair):
    cpu, gpu = pair
    assert repr(gpu) == repr(cpu)
    assert len(gpu) == len(cpu)
    assert gpu.library == library_of(gpu.t, "t")


@pytest.mark.parametrize("closed", [False, True])
def test_paths(gpu_library, closed):
    net = nets.read(nets.mlp(2, 70, 3), 2)
    net.nodes[1].step.bias.zero_()
    corners = np.array([[-1.0, 0.5], [0.0, 0.0], [1.0, 1.0], [0.5, -2.0]])  # the second on all
    cpu = polyline_crossings(net, corners, closed=closed)
    found = Crossings(net, moved(cpu.segments._swept), gpu_library)
    gpu = PathCrossings(found, cpu._lengths.to("cuda:0"), closed)
    assert len(cpu.at_vertices[0]) > 0
    need_waits(lambda: gpu.count(per_layer=True), 2)
    need_waits(lambda: (gpu.position, gpu.arc_length, gpu.at_vertices), 0)
    same(gpu.position, cpu.position)
    same(gpu.at_vertices, cpu.at_vertices)
    # Lengths are added up in another order on a GPU.
    np.testing.assert_allclose(to_cpu(gpu.arc_length), cpu.arc_length, rtol=1e-14)
    assert gpu.length == pytest.approx(cpu.length, rel=1e-14)
    same(gpu.count(per_layer=True), cpu.count(per_layer=True))
    assert (gpu.count(), repr(gpu)) == (cpu.count(), repr(cpu))


def test_certified_on_the_host(gpu_library):
    """Ties: a network without biases, through the origin."""
    torch.manual_seed(1)
    network = nets.read(nets.mlp(2, 6, 6, 1, bias=False), 2)
    a = np.array([[1.0, 2.0], [1.0, -3.0], [2.0, 1.0]])
    b = np.array([[-2.0, -4.0], [-1.0, 3.5], [-2.0, -1.0]])
    plain, cpu = crossings(network, a, b), crossings(network, a, b, certify=True)
    rows = [torch.from_numpy(x).to("cuda:0") for x in (a, b)]
    gpu = Crossings(network, *_split(certified(network, *rows, moved(plain._swept)), gpu_library))
    assert cpu.ties
    assert gpu.ties == cpu.ties
    assert gpu.runs == cpu.runs
    assert [gpu.exact_t(i) for i in range(len(cpu.t))] == [
        cpu.exact_t(i) for i in range(len(cpu.t))
    ]
    for name in [*COLUMNS, *KNOTS, "certified", "t_lo", "t_hi"]:
        same(getattr(gpu, name), getattr(cpu, name))
    same(gpu.codes(), cpu.codes())


def _split(found, library):
    swept, certificate = found
    assert isinstance(swept, Swept)
    return swept, library, certificate


def test_density(gpu_library):
    network = nets.read(nets.mlp(3, 40, 70, 4), 3)
    a, b = ends(0, 5, 3)
    b[1] = a[1]
    cpu = crossings(network, a, b)
    gpu = Crossings(network, moved(cpu._swept), gpu_library)
    length = np.linalg.norm(b - a, axis=1)
    same(exact_density(gpu, to_gpu(length, gpu_library)), exact_density(cpu, length))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_of_inputs(gpu_library, dtype):
    network = nets.read(nets.cnn(), 1, 6, 6)
    x = np.random.default_rng(0).normal(size=(5, 1, 6, 6)).astype(dtype)
    ours = to_gpu(x, gpu_library)
    for wanted in (torch.float64, torch.float32):
        rows = network.as_rows(ours, "x", wanted)
        assert rows.dtype == wanted
        assert is_on_gpu(rows)
        assert (to_cpu(rows) == network.as_rows(x, "x", wanted).numpy()).all()
        need_waits(lambda wanted=wanted: network.as_rows(ours, "x", wanted), 1)
    x[2, 0, 3, 3] = np.inf
    with pytest.raises(ValueError, match="x holds NaN or inf"):
        network.as_rows(to_gpu(x, gpu_library), "x")
    with pytest.raises(TypeError, match="x has dtype .*int64"):
        network.as_rows(to_gpu(x > 0, gpu_library).astype("int64"), "x") if (
            gpu_library == "cupy"
        ) else network.as_rows(to_gpu((x > 0).astype(np.int64), gpu_library), "x")


def test_what_runs_on_the_cpu_says_so(gpu_library):
    network = nets.read(nets.mlp(3, 4, 2), 3)
    x = to_gpu(np.zeros((2, 3)), gpu_library)
    cure = r"x is on cuda:0; a network is evaluated in float64 on the CPU: move it with"
    for refused in (network, network.codes, lambda x: network.values_at(x, network.nodes[1].name)):
        with pytest.raises(ValueError, match=cure):
            refused(x)


def test_work_on_the_current_stream_of_cupy(gpu_library):
    """Asserted by the emulated libraries."""
    if not EMULATED or gpu_library != "cupy":
        pytest.skip("a real cupy does not tell on which stream torch works")
    import emulated_cupy

    network = nets.read(nets.mlp(3, 40, 70, 4), 3)
    a, b = ends(0, 5, 3)
    cpu = crossings(network, a, b)
    with emulated_cupy.Stream(64):
        rows = network.as_rows(to_gpu(a, "cupy"), "a")
        gpu = Crossings(network, moved(cpu._swept), "cupy")
        path = PathCrossings(gpu, torch.ones(5, dtype=torch.float64).to("cuda:0"), False)
        for name in [*COLUMNS, *KNOTS]:
            same(getattr(gpu, name), getattr(cpu, name))
        for method in [*METHODS.values(), lambda found: found.argmax_changes()]:
            same(method(gpu), _plain(method(cpu)))
        same(gpu.codes(1), cpu.codes(1))
        assert repr(gpu) == repr(cpu)
        assert path.length == 5
        assert path.count() == len(cpu.t) + len(path.at_vertices[0])
        assert len(path.position) == len(path.arc_length) == len(cpu.t)
    assert is_on_gpu(rows)


def _plain(found):
    return tuple(found) if isinstance(found, tuple) else found
