"""Certified crossings: proven, equal to the oracle's, ties and runs told."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import adversarial
import certify_run
import graphs
import nets
from splinecode import crossings, iter_crossings, steps
from splinecode.certify.floats import Floats
from splinecode.certify.places import Places
from splinecode.certify.plan import Plan
from splinecode.certify.ranges import stretches
from splinecode.network import Network, Node
from splinecode.segments.norms import sparse_norms


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def exact(network, a, b):
    return nets.oracle_of(network, a, b)


@settings(max_examples=200)
@given(st.integers(0, 1_000_000), st.sampled_from(adversarial.KINDS))
def test_certified_crossings_are_the_oracles(seed, kind):
    _, _, certified, _, _, fault = certify_run.disagrees(seed, kind)
    assert certified
    assert not fault


@settings(max_examples=40)
@given(st.integers(0, 1_000_000), st.booleans())
def test_codes_knots_and_values_follow(seed, integer):
    network = graphs.random_network(seed, integer=integer, length=5, most_units=24)
    a, b = graphs.random_segment(network, seed, integer=integer)
    nets.need_equal(crossings(network, a, b, certify=True), exact(network, a, b))


def test_generic_segments_of_an_mlp_certify_without_exact_arithmetic():
    torch.manual_seed(0)
    network = nets.read(nets.mlp(16, 64, 64, 64, 10), 16)
    a, b = randn(2, 100, 16)
    found = crossings(network, a, b, certify=True)
    assert found.certified.all()
    assert found.ties == []
    assert (found.t_lo <= found.t).all()
    assert (found.t <= found.t_hi).all()
    assert (found.t_hi - found.t_lo).max() < 1e-8
    same = found.offsets[1:-1] - 1  # no order from one segment to the next
    gaps = found.t_lo[1:] - found.t_hi[:-1]
    inner = torch.ones(len(gaps), dtype=torch.bool)
    inner[same] = False
    assert (gaps[inner] > 0).all()


def test_a_deep_network_certifies():
    """Float64 bounds give up on most of it."""
    torch.manual_seed(0)
    net = nets.mlp(8, *[12] * 30, 1)
    with torch.no_grad():
        for part in net[::2]:
            torch.nn.init.kaiming_normal_(part.weight)
    network = nets.read(net, 8)
    a, b = randn(2, 8)
    assert crossings(network, a, b).ambiguous.all()
    found = crossings(network, a, b, certify=True)
    assert found.certified.all()
    assert not found.ambiguous.any()
    nets.need_equal(found, exact(network, a, b))


def test_a_vertex_is_reported_as_a_tie():
    torch.manual_seed(0)
    network = nets.read(nets.mlp(2, 16, 16, 16, 1, bias=False), 2)
    a = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = crossings(network, a, -2 * a, certify=True)
    assert found.certified.all()
    (tie,) = found.ties
    assert tie.segment == 0
    assert tie.t == Fraction(1, 3)
    assert len(tie.bits) >= len(found.t)
    assert found.exact_t(0) == Fraction(1, 3)
    assert found.t_lo[0] < found.t_hi[0]


def test_a_unit_that_is_zero_along_a_piece_is_reported_as_a_run():
    weights = [torch.tensor([[1.0], [1.0]]).double(), torch.tensor([[1.0, -1.0]]).double()]
    network = adversarial.mlp(
        [*weights, torch.ones(1, 1).double()], [torch.zeros(n).double() for n in (2, 1, 1)]
    )
    a, b = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    found = crossings(network, a, b, certify=True)
    assert found.certified.all()
    assert [(run.start, run.stop, run.layer, run.unit) for run in found.runs if run.stop == 1] == [
        (Fraction(1, 2) if found.runs[0].start else 0, 1, 1, 0)
    ]


def test_a_combination_that_is_zero_up_to_rounding_is_decided():
    weights = [
        torch.ones(3, 1).double(),
        torch.tensor([[1.1, -0.4, -0.7]], dtype=torch.float64),
        torch.ones(1, 1).double(),
    ]
    biases = [torch.full((3,), -0.5).double(), torch.zeros(1).double(), torch.zeros(1).double()]
    network = adversarial.mlp(weights, biases)
    a, b = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    found = crossings(network, a, b, certify=True)
    assert found.certified.all()
    nets.need_equal(found, exact(network, a, b))


def test_crossings_closer_than_float64_resolves_keep_their_order():
    """Boundaries at 1/3 and a third of a unit in the last place beside it."""
    tiny = 2.0**-54
    weights = [torch.tensor([[-3.0], [3.0]]).double(), torch.ones(1, 2).double()]
    biases = [torch.tensor([1.0, -1.0 - tiny], dtype=torch.float64), torch.zeros(1).double()]
    biases[0][1] = float(np.nextafter(-1.0, -2.0))
    network = adversarial.mlp(weights, biases)
    a, b = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    found = crossings(network, a, b, certify=True)
    assert found.certified.all()
    wanted = exact(network, a, b)
    assert nets.events_of(found) == [(e.layer, e.unit, e.direction) for e in wanted.events]
    assert [found.exact_t(i) for i in range(2)] == [e.t for e in wanted.events]
    assert found.exact_t(0) < found.exact_t(1)


def test_equal_patches_of_a_pool_are_proven_equal():
    """Two elements that are one function: computed equal, which the sweep alone takes on trust."""
    index = torch.tensor([[0, 1], [1, 2]])
    nodes = [
        Node(steps.Input(), (), "input", (2,)),
        Node(
            steps.Linear(
                torch.tensor([[1.0, 0.3], [1.0, 0.3], [0.1, 1.0]]).double(), torch.zeros(3).double()
            ),
            (0,),
            "linear",
            (3,),
        ),
        Node(steps.MaxWindows(index), (1,), "pool", (2,)),
    ]
    network = Network(nodes)
    a, b = torch.tensor([[1.0, -1.0], [-0.5, 1.0]], dtype=torch.float64)
    found = crossings(network, a, b, certify=True)
    assert found.certified.all()
    nets.need_equal(found, exact(network, a, b))
    assert any(run.unit in (0, 1) for run in found.runs)


def test_batches_certify_as_a_whole():
    torch.manual_seed(1)
    network = nets.read(nets.mlp(2, 8, 8, 1, bias=False), 2)
    a = randn(5, 2)
    b = torch.cat([-a[:3], randn(2, 2)])
    whole = crossings(network, a, b, certify=True)
    parts = list(iter_crossings(network, a, b, batch=2, certify=True))
    assert torch.equal(whole.t, torch.cat([part.t for part in parts]))
    assert torch.equal(whole.t_lo, torch.cat([part.t_lo for part in parts]))
    assert torch.equal(whole.certified, torch.cat([part.certified for part in parts]))
    assert [tie.t for tie in whole.ties] == [tie.t for part in parts for tie in part.ties]


def test_what_was_not_asked_for_says_how_to_ask():
    network = nets.read(nets.mlp(2, 3, 1), 2)
    found = crossings(network, torch.zeros(2), torch.ones(2))
    with pytest.raises(AttributeError, match="certify=True"):
        found.certified  # noqa: B018


def test_places_beyond_the_budget_stay_uncertified(monkeypatch):
    monkeypatch.setattr("splinecode.certify.resolve._BUDGET", 10.0)
    network = nets.read(nets.mlp(2, 8, 8, 1, bias=False), 2)
    a = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = crossings(network, a, -a, certify=True)
    assert not found.certified.any()
    assert found.ambiguous.all()
    assert len(found.t) == len(found.t_lo)


@pytest.mark.parametrize("third", [1e-17, 1e-16, 1e-15, 1e-14])
def test_a_third_element_near_the_point_where_two_cross_is_not_missed(third):
    weight = torch.tensor([[-2.0], [2.0], [0.0]]).double()
    bias = torch.tensor([1.0, -1.0, third], dtype=torch.float64)
    network = Network(
        [
            Node(steps.Input(), (), "input", (1,)),
            Node(steps.Linear(weight, bias), (0,), "linear", (3,)),
            Node(steps.MaxWindows(torch.tensor([[0, 1, 2]])), (1,), "max", (1,)),
        ]
    )
    a, b = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    found = crossings(network, a, b, certify=True)
    assert found.certified.all()
    assert not certify_run.difference(found, exact(network, a, b))


def test_values_that_overflow_have_no_finite_bound():
    """1.5e308 many times over, less more: the sum is negative, and inf on the way."""
    weight = torch.tensor([[1.5e308] * 256 + [-1.7e308] * 256], dtype=torch.float64)
    network = adversarial.mlp([weight, torch.ones(1, 1).double()], [torch.zeros(1).double()] * 2)
    ends = np.ones((1, 512))
    places = Places(Plan(network), ends, ends, np.zeros(1), np.ones(1), 1e9)
    floats, rows = Floats(places), np.arange(1)
    with np.errstate(all="ignore"):
        floats.update(0, rows)
        floats.update(1, rows)
    finite = np.isfinite(floats.values[1])
    assert not finite.all()
    assert np.isinf(floats.errors[1][~finite]).all()


def test_norms_of_a_sparse_row_add_up_a_column_that_repeats():
    one = torch.ones(16, dtype=torch.float64)
    step = steps.Sparse(
        torch.tensor([0, 16, 16]), torch.zeros(16, dtype=torch.int64), one, one[:2] * 0
    )
    norms = sparse_norms(step, 1)
    assert norms.row2[0] >= 16
    assert norms.row2[1] == 0


@given(
    st.lists(st.tuples(st.floats(-0.1, 1.1), st.floats(0, 0.3)), min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(1e-16, 0.1)), max_size=8),
)
def test_stretches_cover_what_is_open_and_end_between_enclosures(ranges, events):
    low, width = np.array(ranges).T
    t, error = np.array(sorted(events)).reshape(-1, 2).T
    found = stretches(low, low + width, t, error, 10)
    for one in range(len(low)):
        assert any(s.low <= max(low[one], 0) or s.low == 0 for s in found)
        assert any(
            (s.low < low[one] or s.low == 0) and (s.high > low[one] + width[one] or s.high == 1)
            for s in found
        )
    for before, after in pairwise(found):
        assert before.high <= after.low
        assert before.end <= after.begin
    for i, (middle, half) in enumerate(zip(t, error, strict=True), 10):
        inside = [s for s in found if s.begin <= i < s.end]
        assert len(inside) <= 1
        for s in found:
            if s in inside:
                assert s.low < middle - half or s.low == 0
                assert s.high > middle + half or s.high == 1
            else:
                assert s.high < middle - half or s.low > middle + half


def test_enclosures_that_rounding_makes_touch_are_taken_apart():
    """Crossings two units in the last place further apart than their errors."""
    *_, certified, _, _, fault = certify_run.disagrees(1_019_380, "meeting")
    assert certified
    assert not fault
