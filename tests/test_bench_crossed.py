"""How the benchmark of segments on a GPU holds two engines to each other."""

from dataclasses import replace

import pytest
import torch

from splinecode import crossings, reference
from splinecode.bench.case import DisagreementError
from splinecode.bench.cuda.crossed import Crossed, difference, need_alike, need_same
from splinecode.bench.nets import Net, make_net


@pytest.fixture(scope="module")
def net() -> Net:
    return make_net((5, 30, 30, 2), segments=6)


@pytest.fixture(scope="module")
def found(net: Net) -> Crossed:
    return Crossed.of(crossings(net.network, net.a, net.b))


def moved(found: Crossed, by: float) -> Crossed:
    """All crossings later by that much."""
    return replace(found, t=found.t + by)


def with_open(found: Crossed, low: float, high: float) -> Crossed:
    """A range of segment 2 open."""
    ends = (torch.tensor([end], dtype=torch.float64) for end in (low, high))
    return replace(found, open=(torch.tensor([2]), *ends))


def exchanged(found: Crossed, i: int) -> Crossed:
    """Crossings i and i + 1 in another order."""
    bit = found.bit.clone()
    bit[[i, i + 1]] = bit[[i + 1, i]]
    return replace(found, bit=bit)


def test_the_same_crossings(net: Net, found: Crossed) -> None:
    assert need_same(found, found) == need_alike(found, found) == difference(found, found) == ""
    some = crossings(net.network, net.a[[1, 4]], net.b[[1, 4]])
    every = crossings(net.network, net.a, net.b)
    assert need_same(Crossed.of(every, [1, 4]), Crossed.of(some)) == ""
    plain = [
        reference.exact_crossings(net.double, *ends) for ends in zip(net.a, net.b, strict=True)
    ]
    assert need_alike(found, Crossed.of_plain(plain)) == ""


def test_the_first_part_of_a_segment(net: Net, found: Crossed) -> None:
    part = Crossed.of(crossings(net.network, net.a, net.a + 0.25 * (net.b - net.a)))
    assert 0 < len(part.t) < len(found.t)
    assert need_alike(found.first_part(0.25), part) == ""


def test_what_differs_is_refused(found: Crossed) -> None:
    far = moved(found, 1e-4)
    for wrong, reason in (
        (far, "t differs by up to 1.0e-04"),
        (exchanged(found, 3), "other crossings, or another order"),
        (replace(found, direction=-found.direction), "other directions"),
        (found._where(found.t < 0.9), "crossings"),
        (with_open(found, -1e9, 1e9), "are open"),
    ):
        with pytest.raises(DisagreementError, match=reason):
            need_same(found, wrong)
    for wrong in (far, found._where(found.t < 0.9), replace(found, bit=found.bit + 1)):
        with pytest.raises(DisagreementError):
            need_alike(found, wrong)


def test_nothing_is_held_where_something_is_open(found: Crossed) -> None:
    in_second = (found.segment == 2).nonzero().flatten()
    i = int(in_second[4])
    wrong = with_open(exchanged(found, i), float(found.t[i]), float(found.t[i + 1]))
    assert need_same(found, wrong) == f"but for 2 of {len(found.t):,} in open ranges"
    apart = replace(wrong, open=(torch.tensor([1]), *wrong.open[1:]))
    with pytest.raises(DisagreementError, match="another order"):
        need_same(found, apart)


def test_near_ties_may_come_in_another_order(found: Crossed) -> None:
    t = found.t.clone()
    t[4] = t[3] + 1e-8
    near = replace(found, t=t)
    other = exchanged(near, 3)
    assert need_alike(near, other) == "other crossings or order on 1 of 6 segments"
    fewer = found._where(found.segment != 1)
    assert difference(found, fewer) == "crossings on 5 segments instead of 6"
    nothing = found._where(found.t < 0)
    assert need_same(nothing, nothing) == difference(nothing, nothing) == ""
