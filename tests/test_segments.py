from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

import graphs
import nets
from splinecode import crossings, hamming, iter_crossings, read_network, simd, threads
from splinecode._core import available_simd


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


# --- general position: nothing is ambiguous, everything equals the oracle -------------------------


@given(
    st.integers(0, 10_000),
    st.sampled_from([(2, 6, 1), (1, 5, 5, 1), (3, 9, 7, 5, 2), (2, 1, 1)]),
    st.booleans(),
)
def test_random_mlps(seed, widths, bias):
    torch.manual_seed(seed)
    found = nets.agree(nets.mlp(*widths, bias=bias), widths[:1], randn(widths[0]), randn(widths[0]))
    if bias:  # without, a dead layer makes all that follows zero: true ties
        assert not found.ambiguous.any()


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_random_cnns(seed):
    torch.manual_seed(seed)
    found = nets.agree(nets.cnn(), (1, 6, 6), 2 * randn(1, 6, 6), 2 * randn(1, 6, 6))
    assert not found.ambiguous.any()


@settings(max_examples=24)
@given(
    st.integers(0, 10_000),
    st.sampled_from(
        [
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.MaxPool2d(2, dilation=2),
            nn.MaxPool2d((1, 3)),
            nn.MaxPool2d(3, stride=2, padding=1),
        ]
    ),
)
def test_overlapping_padded_and_dilated_pools(seed, pool):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), pool, nn.LeakyReLU(0.1)).double().eval()
    nets.agree(net, (1, 5, 5), randn(1, 5, 5), randn(1, 5, 5))


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_grouped_strided_convolutions(seed):
    torch.manual_seed(seed)
    net = (
        nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2),
            nn.ReLU(),
            nn.Conv2d(4, 2, 2, dilation=2),
            nn.ReLU(),
        )
        .double()
        .eval()
    )
    nets.agree(net, (2, 6, 6), randn(2, 6, 6), randn(2, 6, 6))


# --- guarantees ----------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
def test_what_is_not_marked_is_exact_even_close_to_ties(seed):
    """Perturb a tie by about the rounding error: either it is marked or it equals the oracle."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    net = nets.mlp(2, 6, 6, 1, bias=False)
    a = torch.from_numpy(rng.integers(-3, 4, 2).astype(float))
    b = -a + torch.from_numpy(rng.normal(size=2) * 10.0 ** rng.integers(-17, -10))
    assume(bool((a != b).any()))
    network = nets.read(net, 2)
    found = crossings(network, a, b)
    if not found.ambiguous.any():
        nets.need_equal(found, nets.oracle_of(network, a, b))


@given(st.integers(0, 10_000))
def test_endpoint_at_most_exact(seed):
    torch.manual_seed(seed)
    network = nets.read(nets.mlp(3, 10, 10, 10, 1), 3)
    a, b = 3 * randn(2, 8, 3)
    found = crossings(network, a, b)
    endpoint = hamming(network.codes(a), network.codes(b), per_layer=True)
    exact = found.count(per_layer=True)
    assert (endpoint <= exact).all()
    assert (
        endpoint[:, 0] == exact[:, 0]
    ).all()  # one layer on a line: each unit flips at most once


def test_codes_of_pieces_are_those_at_midpoints():
    torch.manual_seed(3)
    network = nets.read(nets.cnn(), 1, 6, 6)
    a, b = 2 * randn(2, 4, 1, 6, 6)
    found = crossings(network, a, b)
    for s in range(4):
        knots = found.knots[found.knot_offsets[s] : found.knot_offsets[s + 1]]
        t = ((knots[:-1] + knots[1:]) / 2).view(-1, 1, 1, 1)
        assert found.codes(s) == network.codes(a[s] + t * (b[s] - a[s]))
    assert len(found.codes()) == len(found.knots) - 4


def test_values_are_the_network_s_at_the_knots():
    torch.manual_seed(4)
    net = nets.cnn()
    network = nets.read(net, 1, 6, 6)
    a, b = randn(2, 1, 6, 6)
    found = crossings(network, a, b)
    x = a + found.knots.view(-1, 1, 1, 1) * (b - a)
    torch.testing.assert_close(found.values, network(x))
    assert found.values.shape == (len(found.knots), 2)


def test_batches_are_their_segments():
    torch.manual_seed(5)
    network = nets.read(nets.mlp(4, 20, 20, 3), 4)
    a, b = randn(2, 9, 4)
    whole = crossings(network, a, b)
    batches = list(iter_crossings(network, a, b, batch=4))
    assert [len(batch) for batch in batches] == [4, 4, 1]
    singles = [crossings(network, a[s], b[s]) for s in range(9)]
    for parts in (batches, singles):
        for name in ("t", "t_error", "layer", "unit", "direction", "knots", "values"):
            assert torch.equal(getattr(whole, name), torch.cat([getattr(p, name) for p in parts]))
    with pytest.raises(ValueError, match="batch is 0"):
        iter_crossings(network, a, b, batch=0)
    with pytest.raises(ValueError, match="max_memory is 0"):
        crossings(network, a, b, max_memory=0)
    assert whole.count().tolist() == [one.count().item() for one in singles]
    assert whole.codes(3) == singles[3].codes()
    assert whole.values.shape == (len(whole.knots), 3)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.booleans())
def test_windows_of_any_budget_find_the_same(seed, integer):
    network = graphs.random_network(seed, integer=integer, length=5, most_units=20)
    a, b = graphs.random_segment(network, seed, integer=integer)
    whole = crossings(network, a, b)
    budgets = [24 * sum(node.units for node in network.nodes) // share for share in (1, 2, 3)]
    for budget in budgets:
        try:
            parts = crossings(network, a, b, max_memory=budget)
        except MemoryError as error:
            assert "give it more" in str(error)  # noqa: PT017 - only some budgets are too small
            continue
        assert nets.events_of(parts) == nets.events_of(whole)
        torch.testing.assert_close(parts.t, whole.t, atol=1e-12, rtol=0)
        assert parts.codes() == whole.codes()


def test_narrow_windows_where_crossings_crowd_are_no_rule_for_the_rest():
    """A cluster needs windows of 2^-30; the rest of the segment is not cut into 2^30 of these."""
    net = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 2)).double().eval()
    with torch.no_grad():
        net[0].weight.fill_(1.0)
        net[0].bias.copy_(-0.3 - 1e-9 * torch.arange(64, dtype=torch.float64))
    a, b = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    network = nets.read(net, 1)
    parts = crossings(network, a, b, max_memory=20_000)
    assert nets.events_of(parts) == nets.events_of(crossings(network, a, b))


def test_levels_and_threads_agree_bit_for_bit():
    torch.manual_seed(6)
    network = nets.read(nets.mlp(4, 70, 70, 70, 3), 4)
    a, b = randn(2, 5, 4)
    results = []
    for level in available_simd():
        for n in (1, 2, 4):
            with simd(level), threads(n):
                results.append(crossings(network, a, b))
    for other in results[1:]:
        for name in ("t", "t_error", "layer", "unit", "direction", "ambiguous", "knots", "values"):
            assert torch.equal(getattr(results[0], name), getattr(other, name)), name


def test_numpy_in_numpy_out():
    torch.manual_seed(7)
    network = nets.read(nets.mlp(2, 8, 1), 2)
    a, b = np.random.default_rng(0).standard_normal((2, 3, 2)).astype(np.float32)
    found = crossings(network, a, b)
    for name in (
        "t",
        "t_error",
        "layer",
        "unit",
        "direction",
        "offsets",
        "ambiguous",
        "knots",
        "knot_offsets",
        "values",
    ):
        assert isinstance(getattr(found, name), np.ndarray), name
    assert isinstance(found.codes().words, np.ndarray)
    again = crossings(network, torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_array_equal(found.t, again.t)


def test_count_and_repr():
    torch.manual_seed(8)
    network = nets.read(nets.mlp(2, 30, 30, 1), 2)
    found = crossings(network, *randn(2, 6, 2))
    assert len(found) == 6
    assert found.count(per_layer=True).sum(1).tolist() == found.count().tolist()
    assert found.count().tolist() == np.diff(found.offsets).tolist()
    assert repr(found).startswith(f"Crossings({len(found.t):,} crossings of 6 segments with 60")
    with pytest.raises(IndexError):
        found.codes(6)


def test_progress_is_shown_when_asked(capsys):
    pytest.importorskip("tqdm")
    network = nets.read(nets.mlp(2, 3, 1), 2)
    crossings(network, *randn(2, 4, 2), progress=True)
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Sequential(nn.Linear(2, 3)), (2,)),
        (nn.Sequential(nn.Identity()), (2,)),
        (nn.Sequential(nn.ReLU(), nn.ReLU()), (2,)),
    ],
)
def test_nets_of_few_steps(net, shape):
    nets.agree(net.double().eval(), shape, randn(*shape), randn(*shape))


def test_no_segments():
    network = nets.read(nets.mlp(2, 3, 1), 2)
    found = crossings(network, torch.zeros(0, 2), torch.zeros(0, 2))
    assert len(found) == 0
    assert found.count().shape == (0,)
    assert len(found.codes()) == 0


def test_bad_input_is_refused():
    network = nets.read(nets.mlp(2, 3, 1), 2)
    a = torch.zeros(2)
    with pytest.raises(TypeError, match="network is a Sequential; wanted a Network"):
        crossings(nets.mlp(2, 3, 1), a, a)
    with pytest.raises(ValueError, match=r"a has shape \(2,\) and b \(3,\)"):
        crossings(network, a, torch.zeros(3))
    with pytest.raises(ValueError, match=r"a and b have shape \(3,\)"):
        crossings(network, torch.zeros(3), torch.zeros(3))
    with pytest.raises(ValueError, match="b holds NaN or inf"):
        crossings(network, a, torch.full((2,), float("nan")))
    with pytest.raises(TypeError, match=r"a has dtype torch\.int64"):
        crossings(network, a.long(), a.long())
    with pytest.raises(ValueError, match="a is a torch array on cpu and b a numpy array on cpu"):
        crossings(network, a, np.zeros(2))
    with pytest.raises(ValueError, match="a requires grad; pass a.detach"):
        crossings(network, torch.zeros(2, requires_grad=True), a)
    with pytest.raises(ValueError, match="precision is 'half'; wanted 'float64' or 'float32'"):
        crossings(network, a, a, precision="half")
    with pytest.raises(ValueError, match=r"'float32', which is for segments on a GPU; wanted"):
        crossings(network, a, a, precision="float32")


@pytest.mark.parametrize("depth", [20, 40])
def test_deep_networks_lose_no_crossings(depth):
    """The proven bound outgrows the values; counts must not suffer, only the mark."""
    torch.manual_seed(0)
    net = nets.mlp(16, *[32] * depth, 1)
    with torch.no_grad():
        for part in net:
            if isinstance(part, nn.Linear):
                nn.init.kaiming_normal_(part.weight)
    network = nets.read(net, 16)
    a, b = randn(2, 3, 16)
    found = crossings(network, a, b)
    t = torch.linspace(0, 1, 4001, dtype=torch.float64)[:, None]
    for s in range(3):
        codes = network.codes(a[s] + t * (b[s] - a[s]))
        sampled = int(hamming(codes[:-1], codes[1:]).sum())
        assert found.count()[s] >= sampled


@pytest.mark.parametrize("near", ["a", "b"])
def test_near_ties_of_a_pool_at_an_end_are_marked_or_right(near):
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False), nn.MaxPool2d((1, 2))).double().eval()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([-0.4, 0.3, -0.7], dtype=torch.float64).view(1, 3, 1, 1))
    network = nets.read(net, 3, 1, 2)
    for _ in range(60):
        tie, other = torch.zeros(3, 1, 2).double(), torch.zeros(3, 1, 2).double()
        tie[:, 0, 0] = torch.tensor([3.0, -3, -3]) + torch.from_numpy(
            rng.integers(-1, 2, 3) * 1e-16
        )
        other[:, 0, 0] = torch.from_numpy(rng.integers(-3, 4, 3).astype(float))
        ends = (tie, other) if near == "a" else (other, tie)
        found = crossings(network, *ends)
        exact = nets.oracle_of(network, *ends)
        if not found.ambiguous.any():
            wanted = [(e.layer, e.unit, e.direction) for e in exact.events]
            computed_equal = network(tie[None]).item() == 0.0
            assert computed_equal or nets.events_of(found) == wanted


@pytest.mark.parametrize("scale", [1e-170, 1e-300, 1e150])
def test_extreme_scales_are_marked_or_right(scale):
    torch.manual_seed(3)
    for _ in range(10):
        net = nets.mlp(3, 6, 6, 1, bias=False)
        network = nets.read(net, 3)
        a, b = scale * randn(2, 3)
        found = crossings(network, a, b)
        if not found.ambiguous.any():
            exact = nets.oracle_of(network, a, b)
            assert nets.events_of(found) == [(e.layer, e.unit, e.direction) for e in exact.events]


def test_overflow_is_an_error():
    net = nets.mlp(2, 3, 3, 1)
    with torch.no_grad():
        net[0].weight.fill_(1e200)
        net[2].weight.fill_(1e200)
    network = read_network(net, torch.full((1, 2), 1e-250, dtype=torch.float64))
    with pytest.raises(ValueError, match="overflow float64"):
        crossings(network, torch.ones(2), torch.full((2,), 2.0))


def test_the_stated_bound_holds_for_shallow_crossings():
    """A unit that creeps through zero has a wide enclosure, and the truth lies in it."""
    torch.manual_seed(9)
    for _ in range(20):
        net = nets.mlp(3, 8, 8, 1)
        network = nets.read(net, 3)
        a = randn(3)
        b = a + 1e-7 * randn(3)
        found, exact = crossings(network, a, b), nets.oracle_of(network, a, b)
        if not found.ambiguous.any():
            assert len(exact.events) == len(found.t)
            for t, error, event in zip(
                found.t.tolist(), found.t_error.tolist(), exact.events, strict=True
            ):
                assert abs(Fraction(t) - event.t) <= Fraction(error)
