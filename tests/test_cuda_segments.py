"""Exact segments on a GPU: the crossings of the CPU's engine, of every kind of network."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

import adversarial
import models
import nets
from gpu_arrays import same, sized, to_cpu, to_gpu
from gpu_segments import (
    agree,
    need_equal,
    need_events,
    normal_ends,
    on_gpu,
    only_torch,
    random_case,
)
from splinecode import crossings, iter_crossings, polyline_crossings, steps
from splinecode.network import Network, Node
from splinecode.segments.gpu import chords, layout, state

pytestmark = pytest.mark.gpu


def numbers(*rows):
    return torch.tensor(rows, dtype=torch.float64)


# --- networks of all steps ------------------------------------------------------------------------


@only_torch
@pytest.mark.parametrize("integer", [False, True], ids=["normal", "integer"])
@pytest.mark.parametrize("seed", range(sized(60, 16)))
def test_random_networks(gpu_library, seed, integer):
    agree(*random_case(seed, integer), gpu_library)


@only_torch
@pytest.mark.parametrize("name", models.MODELS)
def test_the_fields_networks(gpu_library, name):
    module, shape = models.make(name)
    gpu, _ = agree(nets.read(module, *shape), *normal_ends(4, 2, *shape), gpu_library)
    assert len(gpu.t) > 10


def test_both_libraries(gpu_library):
    for seed in (0, 1):
        agree(*random_case(seed, seed == 1), gpu_library)


PIECES = {
    "leaky": nn.LeakyReLU(0.25),
    "abs": nn.LeakyReLU(-1.0),
    "prelu": nn.PReLU(9, init=-0.5),
    "hardtanh": nn.Hardtanh(-0.5, 1.5),
    "relu6": nn.ReLU6(),
}


@only_torch
@pytest.mark.parametrize("name", PIECES)
def test_pieces(gpu_library, name):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 9), PIECES[name], nn.Linear(9, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        net[0].weight *= 8
    network = nets.read(net.double().eval(), 3)
    gpu, _ = agree(network, *normal_ends(0, 5, 3), gpu_library)
    if name in ("hardtanh", "relu6"):
        assert (to_cpu(gpu.unit)[to_cpu(gpu.layer) == 0] >= 9).any(), "no second threshold is met"


@only_torch
def test_units_of_no_input(gpu_library):
    """Gathers with -1, before a layer of pieces, of maxima, and at the end."""
    index = [torch.tensor(one) for one in ([-1, 0, 2, -1], [1, -1, 0], [[-1, 0], [1, -1], [2, 1]])]
    nodes = [
        Node(steps.Input(), (), "input", (3,)),
        Node(steps.Gather(index[0]), (0,), "gather", (4,)),
        Node(steps.relu(4), (1,), "relu", (4,)),
        Node(steps.Gather(index[1]), (2,), "again", (3,)),
        Node(steps.MaxWindows(index[2]), (3,), "max", (3,)),
        Node(steps.Gather(torch.tensor([2, -1, 0])), (4,), "out", (3,)),
    ]
    agree(Network(nodes), *normal_ends(1, 4, 3), gpu_library)


# --- degenerate segments: those of test_ties.py ---------------------------------------------------


def through_the_origin():
    torch.manual_seed(0)
    a = numbers([1.0, 2.0], [1.0, -3.0])
    return nets.read(nets.mlp(2, 16, 16, 16, 1, bias=False), 2), a, -2 * a


def duplicated_units():
    torch.manual_seed(1)
    net = nets.mlp(2, 12, 12, 1)
    with torch.no_grad():
        for layer in (net[0], net[2]):
            layer.weight[6:], layer.bias[6:] = layer.weight[:6], layer.bias[:6]
    return nets.read(net, 2), *normal_ends(0, 3, 2)


def parallel_boundaries():
    net = nets.mlp(2, 2, 1)
    with torch.no_grad():
        net[0].weight.copy_(numbers([1.0, 0.0], [1.0, 0.0]))
        net[0].bias.copy_(numbers(-0.3, -0.3 - 1e-9))
    return nets.read(net, 2), numbers([0.0, 0.0], [1.0, 0.0]), numbers([1.0, 1.0], [0.0, 0.5])


def units_zero_along_the_segment():
    net = nets.mlp(2, 3, 3, 1)
    with torch.no_grad():
        net[0].weight.copy_(numbers([0.0, 1.0], [1.0, 0.0], [0.0, 0.0]))
        net[0].bias.copy_(numbers(0.0, -0.5, 0.0))
        net[2].weight.zero_()
        net[2].bias.copy_(numbers(-1.0, 1.0, 0.0))
    return nets.read(net, 2), numbers([0.0, 0.0], [0.0, 1.0]), numbers([1.0, 0.0], [1.0, 0.0])


def ends_on_a_boundary():
    net = nets.mlp(1, 2, 1)
    with torch.no_grad():
        net[0].weight.copy_(numbers([1.0], [-1.0]))
        net[0].bias.copy_(numbers(0.0, 1.0))
    return nets.read(net, 1), numbers([0.0], [1.0], [-1.0]), numbers([1.0], [0.0], [0.0])


def no_length():
    torch.manual_seed(2)
    network = nets.read(nets.mlp(3, 8, 8, 1), 3)
    a, b = normal_ends(1, 3, 3)
    b[::2] = a[::2]
    return network, a, b


def relu_then_pool():
    net = nn.Sequential(nn.ReLU(), nn.MaxPool2d((1, 2))).eval()
    a, b = numbers([1.0, -2.0], [-2.0, -1.0]), numbers([-2.0, 1.0], [-1.0, -2.0])
    return nets.read(net, 1, 1, 2), a.view(2, 1, 1, 2), b.view(2, 1, 1, 2)


def pool_tie_at_the_start():
    net = nn.Sequential(nn.MaxPool2d((1, 4))).eval()
    a, b = numbers([1.0, 1, 0, 0], [1.0, 1, 1, 1]), numbers([0, 1.5, 0, 1.2], [1.0, 1, 1, 1])
    return nets.read(net, 1, 1, 4), a.view(2, 1, 1, 4), b.view(2, 1, 1, 4)


def a_sum_that_is_zero_but_for_rounding():
    net = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1), nn.ReLU()).double().eval()
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[0].bias.fill_(-0.5)
        net[2].weight.copy_(numbers([1.1, -0.4, -0.7]))
        net[2].bias.zero_()
    return nets.read(net, 1), numbers([0.0]), numbers([1.0])


def integer_images_with_pooling_ties():
    torch.manual_seed(5)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3), nn.ReLU()
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape))
    return nets.read(net.double().eval(), 1, 5, 5), *torch.randint(-1, 2, (2, 4, 1, 5, 5)).double()


def constant_outputs():
    net = nets.mlp(2, 5, 3)
    with torch.no_grad():
        net[2].weight.zero_()
    return nets.read(net, 2), *normal_ends(2, 2, 2)


def a_dead_layer():
    net = nets.mlp(2, 5, 4, 3)
    with torch.no_grad():
        net[0].bias.fill_(-100.0)
    return nets.read(net, 2), *normal_ends(3, 2, 2)


def no_kinks():
    return nets.read(nets.mlp(3, 2), 3), *normal_ends(4, 2, 3)


def no_steps():
    return nets.read(nn.Sequential(nn.Identity()).eval(), 2), *normal_ends(5, 2, 2)


def kinks_alone():
    return nets.read(nn.Sequential(nn.ReLU(), nn.ReLU()).eval(), 2), *normal_ends(6, 3, 2)


def no_segments():
    return nets.read(nets.mlp(3, 4, 2), 3), *normal_ends(7, 0, 3)


DEGENERATE = [
    *(through_the_origin, duplicated_units, parallel_boundaries, units_zero_along_the_segment),
    *(ends_on_a_boundary, no_length, relu_then_pool, pool_tie_at_the_start),
    *(a_sum_that_is_zero_but_for_rounding, integer_images_with_pooling_ties, constant_outputs),
    *(a_dead_layer, no_kinks, no_steps, kinks_alone, no_segments),
]


@pytest.mark.parametrize("case", DEGENERATE, ids=lambda case: case.__name__)
def test_degenerate_segments(gpu_library, case):
    network, a, b = case()
    agree(network, a, b, gpu_library)
    if case is not no_segments:
        agree(network, a[0], b[0], gpu_library)


# --- certificates ---------------------------------------------------------------------------------


@only_torch
@pytest.mark.parametrize("kind", adversarial.KINDS)
def test_certificates(gpu_library, kind):
    for seed in range(sized(8, 3)):
        _, network, a, b = adversarial.case(seed, kind)
        ends = a.numpy(), b.numpy()
        cpu = crossings(network, *ends, certify=True)
        need_equal_certificates(on_gpu(network, *ends, gpu_library, certify=True), cpu)


def need_equal_certificates(gpu, cpu):
    """The same is proven: exactly where it took exact arithmetic, else in enclosures that meet."""
    need_events(gpu, cpu)
    for name in ("certified", "ambiguous"):
        assert (to_cpu(getattr(gpu, name)) == getattr(cpu, name)).all()
    assert gpu.ties == cpu.ties
    # A run is told as far as rounding had left open.
    assert [units_of(run) for run in gpu.runs] == [units_of(run) for run in cpu.runs]
    low, high = to_cpu(gpu.t_lo), to_cpu(gpu.t_hi)
    assert (low <= high).all()
    assert (np.maximum(low, cpu.t_lo) <= np.minimum(high, cpu.t_hi)).all()
    for i in range(len(cpu.t)):
        t = cpu.exact_t(i)
        assert gpu.exact_t(i) in (t, None) or t is None
        if t is not None:
            assert Fraction(float(low[i])) <= t <= Fraction(float(high[i]))
    if all(cpu.certified):
        assert (to_cpu(gpu.codes().words) == cpu.codes().words).all()


def units_of(run):
    return run.segment, run.layer, run.unit


def test_a_certificate_of_several_segments(gpu_library):
    network, a, b = through_the_origin()
    a = np.concatenate([a, normal_ends(0, 2, 2)[0]])
    b = np.concatenate([b, normal_ends(0, 2, 2)[1]])
    gpu = on_gpu(network, a, b, gpu_library, certify=True)
    need_equal_certificates(gpu, crossings(network, a, b, certify=True))
    assert len(gpu.ties) == 2
    assert to_cpu(gpu.certified).all()


# --- float32 --------------------------------------------------------------------------------------


@only_torch
@pytest.mark.parametrize("seed", range(sized(30, 6)))
def test_float32_finds_crossings_that_are_well_apart(gpu_library, seed):
    torch.manual_seed(seed)
    network = nets.read(nets.mlp(2, 5, 4, 1), 2)
    a, b = normal_ends(seed, 1, 2)
    gpu, cpu = on_gpu(network, a, b, gpu_library, precision="float32"), crossings(network, a, b)
    if not to_cpu(gpu.ambiguous).any():
        need_events(gpu, cpu)
        same(gpu.codes(), cpu.codes())
    assert (to_cpu(gpu.t_error) > 1e-9).all(), "bounds of float64"
    if np.diff(cpu.t, prepend=0, append=1).min() > 1e-2:
        assert not to_cpu(gpu.ambiguous).any()


@only_torch
@pytest.mark.parametrize("integer", [False, True], ids=["normal", "integer"])
@pytest.mark.parametrize("seed", range(sized(30, 6)))
def test_float32_says_where_it_may_differ(gpu_library, seed, integer):
    network, a, b = random_case(seed, integer, length=5, most_units=20)
    found = on_gpu(network, a, b, gpu_library, precision="float32")
    gpu, cpu = events_by_place(found), events_by_place(crossings(network, a, b))
    ranges = list(zip(*map(to_cpu, found.ambiguous_ranges), strict=True))
    for ours, theirs in ((gpu, cpu), (cpu, gpu)):
        for place, t, error in ours:
            if not any(place[0] == s and low <= t <= high for s, low, high in ranges):
                assert any(
                    place == other and abs(t - other_t) <= error + other_error
                    for other, other_t, other_error in theirs
                ), (place, t)


def events_by_place(found):
    """List ((segment, layer, unit, direction), t, t_error) of all crossings."""
    columns = (to_cpu(getattr(found, name)) for name in ("layer", "unit", "direction"))
    counts = to_cpu(found.count())
    segment = np.repeat(np.arange(len(counts)), counts)
    places = zip(*(column.tolist() for column in (segment, *columns)), strict=True)
    return list(zip(places, to_cpu(found.t), to_cpu(found.t_error), strict=True))


# --- ways to ask ----------------------------------------------------------------------------------


def test_batches_are_their_segments(gpu_library):
    torch.manual_seed(0)
    network = nets.read(nets.mlp(3, 9, 7, 2), 3)
    a, b = normal_ends(0, 5, 3)
    batches = list(iter_crossings(network, to_gpu(a, gpu_library), to_gpu(b, gpu_library), batch=2))
    for batch, theirs in zip(batches, iter_crossings(network, a, b, batch=2), strict=True):
        need_equal(batch, theirs)
    with pytest.raises(ValueError, match="batch is 0"):
        iter_crossings(network, to_gpu(a, gpu_library), to_gpu(b, gpu_library), batch=0)


@pytest.mark.parametrize("closed", [False, True])
def test_paths(gpu_library, closed):
    torch.manual_seed(0)
    network = nets.read(nets.mlp(2, 9, 7, 2), 2)
    network.nodes[1].step.bias.zero_()
    corners = np.array([[-1.0, 0.5], [0.0, 0.0], [1.0, 1.0], [0.5, -2.0]])  # the second on all
    gpu = polyline_crossings(network, to_gpu(corners, gpu_library), closed=closed)
    cpu = polyline_crossings(network, corners, closed=closed)
    need_equal(gpu.segments, cpu.segments)
    for ours, theirs in zip(gpu.at_vertices, cpu.at_vertices, strict=True):
        np.testing.assert_array_equal(to_cpu(ours), theirs)
    np.testing.assert_allclose(to_cpu(gpu.position), cpu.position, rtol=0, atol=1e-12)
    assert gpu.count() == cpu.count()


@only_torch
def test_progress_is_shown_when_asked(gpu_library, capsys):
    pytest.importorskip("tqdm")
    torch.manual_seed(0)
    network = nets.read(nets.mlp(2, 5, 1), 2)
    agree(network, *normal_ends(0, 4, 2), gpu_library, progress=True)
    assert "4/4" in capsys.readouterr().err


@only_torch
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrower_floats(gpu_library, dtype):
    torch.manual_seed(0)
    network = nets.read(nets.mlp(3, 9, 7, 2), 3)
    agree(network, *normal_ends(0, 2, 3).astype(dtype), gpu_library)


# --- the ways of a product ------------------------------------------------------------------------


@only_torch
def test_wide_layers(gpu_library):
    """So wide that products of new rows are made from their neighbours'."""
    torch.manual_seed(0)
    network = nets.read(nets.mlp(3, chords.LEAST_WIDTH + 8, 20, 2), 3)
    agree(network, *normal_ends(0, 2, 3), gpu_library)


@only_torch
@pytest.mark.parametrize("most_roots", [1, 16])
@pytest.mark.parametrize("seed", range(sized(20, 5)))
def test_products_on_chords(gpu_library, monkeypatch, seed, most_roots):
    monkeypatch.setattr(chords, "LEAST_WIDTH", 1)
    monkeypatch.setattr(chords, "_MOST_ROOTS", most_roots)
    monkeypatch.setattr(chords, "_ROWS_AT_ONCE", 3)
    torch.manual_seed(seed)
    pieces = [nn.ReLU(), nn.Hardtanh(-0.25, 0.25), nn.LeakyReLU(-1.0)]
    kinks = [pieces[(seed + i) % 3] for i in range(2)]
    net = nn.Sequential(nn.Linear(3, 12), kinks[0], nn.Linear(12, 9), kinks[1], nn.Linear(9, 2))
    with torch.no_grad():
        net[0].weight[::3] = net[0].weight[1::3]
    agree(nets.read(net.double().eval(), 3), *normal_ends(seed, 3, 3), gpu_library)


@only_torch
@pytest.mark.parametrize("seed", range(sized(20, 5)))
def test_products_in_parts(gpu_library, monkeypatch, seed):
    monkeypatch.setattr(state.Budget, "share", 100)
    agree(*random_case(seed, integer=False), gpu_library)


@only_torch
@pytest.mark.parametrize("many", [0, 1 << 30], ids=["gathered", "added"])
@pytest.mark.parametrize("seed", range(sized(20, 5)))
def test_products_of_what_is_brought_side_by_side(gpu_library, monkeypatch, seed, many):
    """All dense steps, or none."""
    monkeypatch.setattr(layout, "_MANY_TAPS", many)
    monkeypatch.setattr(layout, "_SHARED_TAPS", 1 << 30)
    agree(*random_case(seed, integer=False), gpu_library)


@only_torch
@pytest.mark.parametrize("seed", range(sized(20, 5)))
def test_knots_united_a_cell_at_a_time(gpu_library, monkeypatch, seed):
    monkeypatch.setattr(state.Budget, "share", 0)
    agree(*random_case(seed, integer=True), gpu_library)


# --- errors ---------------------------------------------------------------------------------------


def test_bad_input_is_refused(gpu_library):
    network = nets.read(nets.mlp(2, 3, 1), 2)
    a = np.zeros(2)
    ours = to_gpu(a, gpu_library)
    with pytest.raises(ValueError, match=rf"a is a numpy array on cpu and b a {gpu_library} array"):
        crossings(network, a, ours)
    with pytest.raises(ValueError, match="b holds NaN or inf"):
        crossings(network, ours, to_gpu(np.array([0.0, np.nan]), gpu_library))
    with pytest.raises(ValueError, match=r"a and b have shape \(3,\)"):
        on_gpu(network, np.zeros(3), np.zeros(3), gpu_library)
    with pytest.raises(ValueError, match="max_memory is 0; wanted a number of bytes"):
        crossings(network, ours, ours, max_memory=0)
    with pytest.raises(ValueError, match="precision is 'half'; wanted 'float64' or 'float32'"):
        crossings(network, ours, ours, precision="half")
    if gpu_library == "torch":
        with pytest.raises(ValueError, match=r"a is a torch array on cpu and b a torch array on"):
            crossings(network, torch.zeros(2), ours)


@only_torch
@pytest.mark.parametrize("depth", [2, 3, 4], ids=["output", "relu", "after"])
@pytest.mark.parametrize(("precision", "large"), [("float64", 1e200), ("float32", 1e25)])
def test_overflow_names_the_node(gpu_library, precision, large, depth):
    net = nets.mlp(2, *[3] * depth)
    with torch.no_grad():
        for i in (0, 2):
            net[i].weight.fill_(large)
    a, b = np.ones(2), np.full(2, 2.0)
    network = nets.read(net, 2)
    name = network.nodes[3].name
    with pytest.raises(ValueError, match=f"values overflow {precision} at '{name}'; scale"):
        on_gpu(network, a, b, gpu_library, precision=precision)


@only_torch
@pytest.mark.parametrize("large", [1e100, 1e160])
def test_overflow_of_linear_steps_in_a_row(gpu_library, large):
    """Where nothing is read between them."""
    weight = torch.full((2, 2), large, dtype=torch.float64)
    nodes = [Node(steps.Input(), (), "input", (2,))]
    for i in range(4):
        scale = weight if i < 2 else 1 / weight
        step = steps.Linear(scale, torch.zeros(2, dtype=torch.float64))
        nodes.append(Node(step, (i,), f"linear{i}", (2,)))
    nodes.append(Node(steps.relu(2), (4,), "relu", (2,)))
    network = Network(nodes)
    a, b = numbers([1.0, 2.0], [-1.0, -3.0])
    if large < 1e150:
        agree(network, a, b, gpu_library)
        return
    for overflowing in (crossings, lambda *ends: on_gpu(*ends, gpu_library)):
        with pytest.raises(ValueError, match="values overflow float64 at 'linear1'"):
            overflowing(network, a, b)
