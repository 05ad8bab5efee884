"""Boundary density of pairs against loops over bools, and its options."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import oracle
from nets import cnn, mlp
from splinecode import Codes, Layer, lens, pack, plots, read_network, spline_codes

torch.manual_seed(3)
NET = mlp(5, 12, 70, 9, 3)
X = torch.randn(40, 5, dtype=torch.float64)
Y = np.arange(40) % 3
PAIRS = np.random.default_rng(0).integers(0, 40, (30, 2))
QUICK = {"resamples": 40}


def flips(net: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> list[int]:
    """Units of each layer whose sign differs at the two points, one by one."""
    counts = []
    for part in net:
        if isinstance(part, nn.ReLU):
            counts.append(
                sum((a > 0) != (b > 0) for a, b in zip(x.tolist(), y.tolist(), strict=True))
            )
        x, y = part(x), part(y)
    return counts


@torch.no_grad()
def test_every_subject_gives_hamming_over_distance() -> None:
    wanted = [flips(NET, X[i], X[j]) for i, j in PAIRS]
    network, codes = read_network(NET, X[:1]), spline_codes(NET, X)
    for subject in (NET, network, codes):
        found = lens.boundary_density(subject, X, pairs=PAIRS, **QUICK)
        assert found.endpoint_counts.tolist() == wanted
        for (i, j), distance in zip(PAIRS, found.distance, strict=True):
            assert distance == pytest.approx(float((X[i] - X[j]).norm()))
        apart = found.distance > 0
        np.testing.assert_allclose(
            found.endpoint[apart], np.array(wanted)[apart] / found.distance[apart, None]
        )
        assert found.bits.tolist() == [12, 70, 9]
        assert found.work["inputs"] == len(np.unique(PAIRS))
        assert (found.kind, found.comparison, found.exact) == (None, None, None)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 6),
    st.lists(st.integers(1, 130), min_size=1, max_size=3),
    st.integers(1, 9),
    st.integers(0, 99),
)
def test_codes_of_any_layout_agree_with_loops(n: int, bits: list[int], m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = [rng.random((n, width)) < 0.5 for width in bits]
    codes = Codes(
        np.concatenate([pack(layer) for layer in layers], axis=1),
        {str(i): width for i, width in enumerate(bits)},
    )
    x, pairs = rng.integers(0, 2, (n, 2)).astype(float), rng.integers(0, n, (m, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("splinecode.lens.density.pair_counts._GATHER_BYTES", 1 + seed)
        found = lens.boundary_density(codes, x, pairs=pairs, labels=x[:, 0], resamples=9)
    for (i, j), counts, density in zip(pairs, found.endpoint_counts, found.endpoint, strict=True):
        wanted = [oracle.hamming(layer[i].tolist(), layer[j].tolist()) for layer in layers]
        assert counts.tolist() == wanted
        length = math.dist(x[i], x[j])
        if length:
            np.testing.assert_allclose(density, np.array(wanted) / length)
        else:
            assert np.isnan(density).all()
    assert found.kind.tolist() == [int(x[i, 0] != x[j, 0]) for i, j in pairs]


def test_exact_counts_hold_what_the_ends_miss() -> None:
    found = lens.boundary_density(NET, X, labels=Y, n=60, exact=True, batch_size=50, **QUICK)
    assert (found.missed >= 0).all()
    assert (found.missed % 2 == 0).all()
    assert (found.missed[:, 0] == 0).all()
    assert found.missed.sum() > 0
    assert found.kind.tolist() == [0] * 60 + [1] * 60
    assert (Y[found.pairs[:, 0]] != Y[found.pairs[:, 1]]).tolist() == found.kind.astype(
        bool
    ).tolist()
    assert found.work["crossings"] == found.exact_counts.sum()
    same = lens.boundary_density(NET, X, labels=Y, n=60, **QUICK)
    assert np.array_equal(same.endpoint_counts, found.endpoint_counts)
    text = str(found)
    assert "crossings that the ends miss" in text
    assert "all layers" in text


def test_ends_on_a_boundary_count_the_pieces_beside_them() -> None:
    """Blank images tie in every pooling window: the ends alone would see boundaries not crossed."""
    torch.manual_seed(0)
    net, images = cnn(), torch.zeros(6, 1, 6, 6, dtype=torch.float64)
    images[1:, :, 2:4, 2:4] = torch.randn(5, 1, 2, 2, dtype=torch.float64)
    pairs = [[0, k] for k in range(1, 6)]
    found = lens.boundary_density(net, images, pairs=pairs, exact=True, **QUICK)
    assert (found.missed >= 0).all()
    assert (found.missed % 2 == 0).all()


def test_statistics_are_those_of_the_finite_pairs() -> None:
    x = X.clone()
    x[3] = x[0]  # of one class
    pairs = np.array([[0, 3], [0, 6], [1, 2], [4, 9], [7, 1], [2, 0], [5, 8], [10, 5]])
    options = {"pairs": pairs, "labels": Y, **QUICK}
    found = lens.boundary_density(NET, x, **options)
    assert np.isnan(found.endpoint[0]).all()
    assert found.work["pairs at distance 0"] == 1
    total = found.endpoint.sum(axis=1)
    kind = found.kind[1:]
    assert found.comparison["endpoint"].same.value[-1] == pytest.approx(total[1:][kind == 0].mean())
    assert found.comparison["endpoint"].difference.value[-1] == pytest.approx(
        total[1:][kind == 1].mean() - total[1:][kind == 0].mean()
    )
    spread = lens.boundary_density(NET, x, nan="propagate", **options)
    assert np.isnan(spread.comparison["endpoint"].same.value).all()
    assert np.isfinite(spread.comparison["endpoint"].different.value).all()
    with pytest.raises(ValueError, match="1 of 8 pairs are at distance 0"):
        lens.boundary_density(NET, x, nan="raise", **options)


def test_identical_inputs_and_one_class() -> None:
    same = X[:1].repeat(5, 1)
    found = lens.boundary_density(NET, same, pairs=[[0, 1], [2, 3]], exact=True, **QUICK)
    assert np.isnan(found.endpoint).all()
    assert np.isnan(found.means["exact"].value).all()
    assert found.exact_counts.sum() == 0
    assert str(found)
    one = lens.boundary_density(NET, X, pairs=PAIRS[:9], labels=np.zeros(40), **QUICK)
    assert np.isfinite(one.comparison["endpoint"].same.value).all()
    assert np.isnan(one.comparison["endpoint"].ratio).all()
    assert str(one)
    with pytest.raises(ValueError, match="only 0 pairs of different classes"):
        lens.boundary_density(NET, X, labels=np.zeros(40), n=5)


def test_layers_bits_and_kinds() -> None:
    network, codes = read_network(NET, X[:1]), spline_codes(NET, X)
    whole = lens.boundary_density(NET, X, pairs=PAIRS, labels=Y, **QUICK)
    for subject in (NET, network, codes):
        part = lens.boundary_density(subject, X, pairs=PAIRS, layers=["1", "5"], **QUICK)
        assert part.layers == ("1", "5")
        assert np.array_equal(part.endpoint_counts, whole.endpoint_counts[:, [0, 2]])
    bits = whole.per_bit()
    np.testing.assert_allclose(bits.endpoint, whole.endpoint / [12, 70, 9])
    compared, before = bits.comparison["endpoint"], whole.comparison["endpoint"]
    np.testing.assert_allclose(compared.same.low, before.same.low / [12, 70, 9, 91])
    np.testing.assert_array_equal(compared.ratio, before.ratio)
    same, different = whole.by_kind()["endpoint"]
    assert len(same) + len(different) == 30
    assert len(plots.density_by_layer(whole.by_kind(), whole.layers)) == 3


def test_exported_programs_of_any_batch() -> None:
    program = torch.export.export(NET, (X[:7],))
    for name in ("inputs", "1"):
        for exact in (False, True):
            options = {"pairs": PAIRS, "distance_of": name, "exact": exact, **QUICK}
            found, wanted = (
                lens.boundary_density(subject, X, batch_size=11, **options)
                for subject in (program, NET)
            )
            np.testing.assert_allclose(found.distance, wanted.distance)
            assert found.layers == wanted.layers
            assert np.array_equal(found.endpoint_counts, wanted.endpoint_counts)


def test_matched_pairs_are_as_far_apart() -> None:
    x = X + torch.from_numpy(0.8 * Y)[:, None]
    found = lens.boundary_density(NET, x, labels=Y, n=80, matched=True, **QUICK)
    low, high = (found.distance[found.kind == k] for k in (0, 1))
    assert (np.abs(high / low - 1) <= 0.05).all()
    assert found.work["same-class pairs that nothing matched"] == 80 - len(low)


@pytest.mark.parametrize("exact", [False, True])
def test_matched_pairs_are_as_far_apart_where_distances_are_taken(exact: bool) -> None:
    x = X + torch.from_numpy(0.8 * Y)[:, None]
    network = read_network(NET, X[:1])
    for subject in (NET, network):
        found = lens.boundary_density(
            subject, x, labels=Y, n=60, matched=True, distance_of="1", exact=exact, **QUICK
        )
        low, high = (found.distance[found.kind == k] for k in (0, 1))
        assert len(low) > 20
        assert (np.abs(high / low - 1) <= 0.05).all()
        again = lens.boundary_density(
            subject, x, pairs=found.pairs, distance_of="1", exact=exact, **QUICK
        )
        assert np.array_equal(again.endpoint_counts, found.endpoint_counts)
        np.testing.assert_allclose(again.distance, found.distance)


def test_modules_that_work_in_place() -> None:
    torch.manual_seed(2)
    net = nn.Sequential(nn.ReLU(True), nn.Linear(5, 9), nn.ReLU(True), nn.Linear(9, 2)).eval()
    x = torch.randn(40, 5)
    before = x.clone()
    for name, hidden in (("inputs", x), ("0", x.relu()), ("1", net[1](x.relu()).detach())):
        wanted = (hidden[PAIRS[:, 0]] - hidden[PAIRS[:, 1]]).norm(dim=1)
        for exact in (False, True):
            found = lens.boundary_density(
                net, x, pairs=PAIRS, distance_of=name, exact=exact, **QUICK
            )
            np.testing.assert_allclose(found.distance, wanted, rtol=1e-5)
            assert torch.equal(x, before)


class Thrice(nn.Module):
    """Runs the same two modules three times."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.r = nn.Linear(5, 5, dtype=torch.float64), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            x = self.r(self.a(x))
        return x


def test_a_module_that_runs_several_times() -> None:
    net = Thrice().eval()
    codes = spline_codes(net, X)
    for layers, wanted in (("r", (1, 2, 3)), ("r#2", (2,)), (["r#3", "r#2"], (2, 3))):
        for found in (
            lens.boundary_density(net, X, pairs=PAIRS, layers=layers, **QUICK),
            lens.boundary_density(net, X, pairs=PAIRS, layers=layers, exact=True, **QUICK),
            lens.boundary_density(codes, X, pairs=PAIRS, layers=layers, **QUICK),
        ):
            assert found.layers == tuple("r" if k == 1 else f"r#{k}" for k in wanted)
    with torch.no_grad():
        last = net(X)
    found = lens.boundary_density(net, X, pairs=PAIRS, distance_of="r", batch_size=7, **QUICK)
    np.testing.assert_allclose(found.distance, (last[PAIRS[:, 0]] - last[PAIRS[:, 1]]).norm(dim=1))


def test_names_with_brackets() -> None:
    codes = spline_codes(NET, X)
    codes = Codes(codes.words, [Layer(f"a[{i}]", part.bits) for i, part in enumerate(codes.layers)])
    found = lens.boundary_density(codes, X, pairs=PAIRS, layers=["*0*", "a[[]2]"], **QUICK)
    assert found.layers == ("a[0]", "a[2]")


def test_distances_of_a_module_without_rows() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.r, self.idle = nn.Linear(5, 5, dtype=torch.float64), nn.ReLU(), nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.r(self.a(x).T).T

    pairs = [[2 * i, 2 * i + 1] for i in range(20)]
    options = {"pairs": pairs, "layers": "a", "batch_size": 20, **QUICK}
    with pytest.raises(ValueError, match="'idle' gave 0 tensors in 2 forward passes"):
        lens.boundary_density(Odd().eval(), X, distance_of="idle", **options)
    with pytest.raises(ValueError, match="'r' gave 2 tensors .*, 10 rows for 40 inputs; wanted"):
        lens.boundary_density(Odd().eval(), X, distance_of="r", **options)


def test_distances_between_hidden_values() -> None:
    network = read_network(NET, X[:1])
    hidden = network.values_at(X, "1")
    wanted = (hidden[PAIRS[:, 0]] - hidden[PAIRS[:, 1]]).norm(dim=1)
    by_hook = lens.boundary_density(NET, X, pairs=PAIRS, distance_of="1", **QUICK)
    np.testing.assert_allclose(by_hook.distance, wanted)
    assert by_hook.layers == ("1", "3", "5")
    ends = lens.boundary_density(network, X, pairs=PAIRS, distance_of="1", **QUICK)
    exact = lens.boundary_density(NET, X, pairs=PAIRS, distance_of="1", exact=True, **QUICK)
    for found in (ends, exact):
        np.testing.assert_allclose(found.distance, wanted)
        assert found.layers == ("3", "5")
        assert np.array_equal(found.endpoint_counts, by_hook.endpoint_counts[:, 1:])


def test_loaders_seeds_and_resampling() -> None:
    loader = [(X[:25], Y[:25]), (X[25:], Y[25:])]
    options = {"n": 30, "seed": 5, "resamples": 100}
    found = lens.boundary_density(NET, loader, **options)
    again = lens.boundary_density(NET, X.numpy(), labels=Y, **options)
    assert np.array_equal(found.pairs, again.pairs)
    assert np.array_equal(found.comparison["endpoint"], again.comparison["endpoint"])
    by_pair = lens.boundary_density(NET, X, labels=Y, resample="pairs", **options)
    assert np.array_equal(by_pair.endpoint, found.endpoint)
    assert not np.array_equal(by_pair.comparison["endpoint"], found.comparison["endpoint"])


def test_a_low_precision_module_that_is_not_piecewise_linear() -> None:
    net = nn.Sequential(nn.Linear(5, 9), nn.GELU(), nn.Linear(9, 2)).bfloat16().eval()
    x = X.bfloat16()
    found = lens.boundary_density(net, x, pairs=PAIRS, **QUICK)
    gap = x.double()[PAIRS[:, 0]] - x.double()[PAIRS[:, 1]]
    np.testing.assert_allclose(found.distance, gap.norm(dim=1), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "neither pairs nor labels"),
        ({"pairs": [[0, 40]]}, ValueError, "rows from 0 to 40; wanted 0 to 39"),
        ({"pairs": [[0.0, 1.0]]}, TypeError, "pairs has dtype float64"),
        ({"pairs": [0, 1]}, ValueError, r"pairs has shape \(2,\)"),
        ({"pairs": np.empty((0, 2), int)}, ValueError, r"pairs has shape \(0, 2\)"),
        ({"pairs": PAIRS, "labels": Y, "matched": True}, ValueError, "matched chooses pairs"),
        ({"pairs": PAIRS, "nan": "skip"}, ValueError, "nan is 'skip'; wanted one of 'omit'"),
        ({"pairs": PAIRS, "resample": "rows"}, ValueError, "resample is 'rows'"),
        ({"pairs": PAIRS, "layers": "x*"}, ValueError, "no .* matches 'x\\*'"),
        ({"pairs": PAIRS, "distance_of": "9"}, ValueError, "distance_of is '9'"),
        ({"pairs": PAIRS, "batch_size": 0}, ValueError, "batch_size is 0"),
        ({"labels": Y[1:]}, ValueError, r"labels has shape \(39,\)"),
        ({"labels": np.where(Y, Y, np.nan)}, ValueError, "labels holds 14 NaN"),
    ],
)
def test_errors(options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        lens.boundary_density(NET, X, **options)


def test_errors_of_subjects() -> None:
    codes = spline_codes(NET, X)
    with pytest.raises(ValueError, match="exact needs the network"):
        lens.boundary_density(codes, X, pairs=PAIRS, exact=True)
    with pytest.raises(ValueError, match="distance_of is '1' but subject is Codes"):
        lens.boundary_density(codes, X, pairs=PAIRS, distance_of="1")
    with pytest.raises(ValueError, match="subject has 9 codes and inputs 40"):
        lens.boundary_density(codes[:9], X, pairs=PAIRS)
    with pytest.raises(ValueError, match="no layer matches 'x'"):
        lens.boundary_density(codes, X, pairs=PAIRS, layers="x")
    with pytest.raises(TypeError, match="subject is a str"):
        lens.boundary_density("net", X, pairs=PAIRS)
    with pytest.raises(ValueError, match="wanted labels"):
        lens.boundary_density(codes, X, pairs=PAIRS, **QUICK).by_kind()
    with pytest.raises(ValueError, match="batch_size is 0"):
        lens.boundary_density(NET, X, pairs=PAIRS, exact=True, batch_size=0)
    bad = X.clone()
    bad[PAIRS[0, 0], 0] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        lens.boundary_density(NET, bad, pairs=PAIRS)


def test_figures() -> None:
    found = lens.boundary_density(NET, X, labels=Y, n=40, exact=True, **QUICK)
    left, right = plots.boundary_density(found, title="Title")
    shown = [container[0].get_ydata() for container in left.containers]
    wanted = [found.comparison[name][k].value for k in (0, 1) for name in ("endpoint", "exact")]
    np.testing.assert_allclose(shown, wanted)
    assert len(right.containers) == 2
    alone = lens.boundary_density(NET, X, pairs=PAIRS, **QUICK)
    assert len(plots.boundary_density(alone.per_bit())) == 1
