"""Slices: topology, areas and codes against the oracle, crossings, and what is degenerate."""

import signal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import graphs
import models
import nets
import oracle
import slice_oracle
import splinecode as sc
from splinecode.steps import MaxWindows

seeds = st.integers(0, 10_000)
XY = [np.array([0.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])]
SQUARE = (-1.0, 1.0, -1.0, 1.0)


def slice_xy(module: nn.Module, extent=SQUARE, **keywords) -> sc.Slice2D:
    """The slice of a net of two inputs."""
    return sc.slice_2d(nets.read(module, 2), *XY, extent=extent, **keywords)


def need_valid(found: sc.Slice2D) -> None:
    """A planar subdivision of the window into convex polygons, one a code."""
    need_subdivision(found)
    assert (found.areas > -1e-15 * found.plane.window_area).all()
    assert len(found.codes.unique().codes) == len(found)
    need_convex(found)


def need_subdivision(found: sc.Slice2D) -> None:
    """What holds of every slice, whatever rounding did."""
    assert len(found.vertices) - len(found.edges) + len(found) + 1 == 2  # Euler, with the outside
    np.testing.assert_allclose(found.areas.sum(), found.plane.window_area, rtol=1e-12)
    assert (np.diff(found.offsets) >= 3).all()
    need_edges(found)
    sure = ~found.ambiguous
    assert (found.areas[sure] > 0).all()
    if sure.all():
        assert len(found.codes.unique().codes) == len(found)


def need_edges(found: sc.Slice2D) -> None:
    """Each side of each polygon is an edge that names it, once on its left or right."""
    edges, beside = found.edges, found.edge_polygons
    sides = {}
    for f in range(len(found)):
        corner = found.polygons[found.offsets[f] : found.offsets[f + 1]].tolist()
        for a, b in zip(corner, [*corner[1:], corner[0]], strict=True):
            assert (a, b) not in sides
            sides[a, b] = f
    for (a, b), (left, right) in zip(edges.tolist(), beside.tolist(), strict=True):
        assert sides.pop((a, b), -1) == left
        assert sides.pop((b, a), -1) == right
    assert not sides
    inner = (beside >= 0).all(axis=1)
    assert ((found.edge_layer >= 0) == inner).all()
    if not inner.any():
        return
    starts = np.cumsum([0, *(layer.bits for layer in found.layers)])
    bits = found.codes.bits()
    place = starts[found.edge_layer[inner]] + found.edge_unit[inner]
    left, right = beside[inner].T
    differ = bits[left] != bits[right]
    assert differ.any(axis=1).all()
    assert (differ.argmax(axis=1) == place).all()


def need_convex(found: sc.Slice2D) -> None:
    """Every vertex of a polygon is left of every side, but for rounding."""
    for f in range(len(found)):
        corner = found.vertices[found.polygons[found.offsets[f] : found.offsets[f + 1]]]
        along = np.roll(corner, -1, axis=0) - corner
        to = corner[None] - corner[:, None]
        left = along[:, None, 0] * to[..., 1] - along[:, None, 1] * to[..., 0]
        assert left.min() > -1e-10


def need_codes(found: sc.Slice2D, least_area: float = 1e-9) -> None:
    """The code of each polygon that is not tiny is the network's at its middle."""
    large = found.areas > least_area * found.plane.window_area
    codes = found.network.codes(found.plane.points(found.centroids()[large]))
    assert (codes.words == found.codes.words[large]).all()
    assert large.any()


def need_values(found: sc.Slice2D) -> None:
    wanted = found.network(found.plane.points(found.vertices))
    np.testing.assert_allclose(found.values, wanted, rtol=1e-7, atol=1e-9)


def need_oracle(found: sc.Slice2D) -> None:
    """The same codes as in exact arithmetic, with the same areas."""
    window = oracle.exactly(found.plane.corners)
    corners = oracle.exactly(found.plane.points(found.plane.corners).reshape(4, -1))
    wanted = slice_oracle.areas_by_code(oracle.nodes_of(found.network), window, corners)
    areas = {slice_oracle.bits_of(code): float(a) for code, a in wanted.items()}
    bits = [tuple(row) for row in found.codes.bits().tolist()]
    assert set(bits) == set(areas)
    scaled = [areas[code] * found.plane.unit_area for code in bits]
    np.testing.assert_allclose(found.areas, scaled, rtol=1e-7, atol=1e-11 * sum(scaled))


def points_of(network, seed: int, integer: bool):
    generator = torch.Generator().manual_seed(seed)
    shape = (3, *network.input_shape)
    if integer:
        return torch.randint(-3, 4, shape, generator=generator).double()
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@settings(max_examples=40)
@given(seeds, st.booleans())
def test_slices_are_those_of_exact_arithmetic(seed, integer):
    network = graphs.random_network(seed, integer=integer, length=5, most_units=12)
    points = points_of(network, seed, integer)
    try:
        found = sc.slice_2d(network, *points, extent=(-1, 1, -2, 2))
    except ValueError as error:
        assert "line" in str(error)  # noqa: PT017  # three points drawn on a line
        return
    need_valid(found)
    need_oracle(found)
    need_values(found)


@settings(max_examples=15)
@given(seeds, st.integers(2, 4), st.booleans())
def test_bias_free_and_biased_nets(seed, width, bias):
    torch.manual_seed(seed)
    found = slice_xy(nets.mlp(2, width, width, 2, bias=bias))
    need_valid(found)
    need_oracle(found)
    need_codes(found)


def test_the_published_count_of_a_small_net() -> None:
    torch.manual_seed(0)
    net = nets.mlp(2, 64, 64, 64, 1)
    found = slice_xy(net)
    need_valid(found)
    need_codes(found)
    need_values(found)
    for t in (1, 3):
        with sc.threads(t):
            again = slice_xy(net)
        for name in ("vertices", "polygons", "offsets", "edges", "areas", "values"):
            assert np.array_equal(getattr(again, name), getattr(found, name)), name
        assert again.codes == found.codes


def need_crossings(found: sc.Slice2D, start, end) -> None:
    """The codes along a line through the window are those of `crossings`."""
    a, b = found.plane.points(np.array([start, end]))
    along = sc.crossings(found.network, a, b)
    middles = (along.knots[:-1] + along.knots[1:]) / 2
    places = np.array(start) + middles[:, None] * (np.array(end) - np.array(start))
    polygons = found.locate(places)
    long = np.diff(along.knots) > 1e-9
    assert (found.codes.words[polygons[long]] == along.codes(0).words[long]).all()
    # Walking the polygons edge by edge crosses the same units at the same t.
    changes = np.flatnonzero(np.diff(polygons))
    for i in changes[:40]:
        pair = sorted((polygons[i], polygons[i + 1]))
        edge = np.flatnonzero((np.sort(found.edge_polygons, axis=1) == pair).all(axis=1))
        assert len(edge) == 1
        here = np.flatnonzero(along.t == along.knots[i + 1])
        first = min(zip(along.layer[here], along.unit[here], strict=True))
        assert (found.edge_layer[edge[0]], found.edge_unit[edge[0]]) == first


@pytest.mark.parametrize("seed", range(3))
def test_crossings_along_lines(seed) -> None:
    torch.manual_seed(seed)
    found = slice_xy(nets.mlp(2, 24, 24, 3))
    rng = np.random.default_rng(seed)
    for _ in range(4):
        need_crossings(found, *rng.uniform(-1, 1, (2, 2)))


def test_a_convolutional_net_with_max_pools() -> None:
    torch.manual_seed(0)
    network = nets.read(nets.cnn(), 1, 6, 6)
    points = torch.randn(3, 1, 6, 6, dtype=torch.float64)
    found = sc.slice_2d(network, *points, extent=(-0.5, 1.5, -0.5, 1.5))
    need_valid(found)
    need_codes(found)
    need_values(found)
    need_crossings(found, (-0.3, 0.2), (1.3, 0.9))
    windows = [i for i, n in enumerate(network.nodes) if isinstance(n.step, MaxWindows)]
    assert windows
    assert len(found) > 100


def test_a_residual_net() -> None:
    module, shape = models.make("resnet", "tiny")
    network = nets.read(module, *shape)
    points = torch.randn(3, *shape, dtype=torch.float64)
    found = sc.slice_2d(network, *points, extent=(0, 0.2, 0, 0.2))
    need_valid(found)
    need_codes(found)
    need_values(found)


def test_duplicated_and_dead_units() -> None:
    torch.manual_seed(1)
    net = nets.mlp(2, 6, 6, 1)
    with torch.no_grad():
        net[0].weight[3:], net[0].bias[3:] = net[0].weight[:3], net[0].bias[:3]
        net[2].weight[3:], net[2].bias[3:] = -2 * net[2].weight[:3], -2 * net[2].bias[:3]
        net[2].weight[2], net[2].bias[2] = 0.0, 0.0
    found = slice_xy(net)
    need_valid(found)
    need_oracle(found)
    assert found.ambiguous.any()


def lines(weight, bias) -> nn.Sequential:
    net = nets.mlp(2, len(bias), 1)
    with torch.no_grad():
        net[0].weight[:] = torch.tensor(weight, dtype=torch.float64)
        net[0].bias[:] = torch.tensor(bias, dtype=torch.float64)
    return net


def test_parallel_lines_close_together() -> None:
    found = slice_xy(lines([[1.0, 0.0], [1.0, 0.0]], [0.25, 0.25 + 1e-9]))
    need_valid(found)
    assert len(found) == 3
    np.testing.assert_allclose(sorted(found.areas)[0], 2e-9, rtol=1e-6)
    assert not found.ambiguous.any()


def test_lines_through_corners_vertices_and_along_the_border() -> None:
    # Both diagonals, the axes, a border, and one through a corner alone.
    weight = [[1.0, 1.0], [1.0, -1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    found = slice_xy(lines(weight, [0.0, 0.0, 0.0, 0.0, 1.0, -2.0]))
    need_valid(found)
    assert len(found) == 8
    assert len(found.vertices) == 9
    np.testing.assert_allclose(found.areas, 0.5)


def pooled(*widths: int) -> nn.Sequential:
    """Maxout in pairs after each linear layer but the last."""
    net = nets.mlp(*widths)
    for i in range(1, len(net), 2):
        pool = nn.Sequential(nn.Unflatten(1, (1, -1)), nn.MaxPool1d(2), nn.Flatten())
        net[i], net[i + 1] = pool, nn.Linear(net[i + 1].in_features // 2, net[i + 1].out_features)
    return net.double().eval()


@pytest.mark.parametrize("make", [nets.mlp, pooled])
@pytest.mark.parametrize("size", [1e3, 1e9, 1e12])
def test_windows_in_which_most_lines_meet_within_rounding(make, size) -> None:
    for seed in range(6):
        torch.manual_seed(seed)
        found = slice_xy(make(2, 16, 16, 1), extent=(-size, size, -size, size))
        need_subdivision(found)
        assert found.ambiguous.any() or size < 1e12


def test_many_lines_through_one_point() -> None:
    angles = np.arange(70) / 70 * np.pi
    normal = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = slice_xy(lines(normal, -normal @ [0.3, 0.1]))
    need_valid(found)
    assert len(found) == 140


def test_no_lines_and_no_layers() -> None:
    found = slice_xy(nn.Sequential(nn.Linear(2, 3)).double().eval())
    need_valid(found)
    assert (len(found), len(found.vertices), found.codes.words.shape) == (1, 4, (1, 0))
    found = slice_xy(lines([[0.0, 0.0]], [1.0]))
    assert len(found) == 1


def test_areas_are_those_of_input_space() -> None:
    torch.manual_seed(0)
    network = nets.read(nets.mlp(5, 9, 2), 5)
    p = torch.randn(3, 5, dtype=torch.float64).numpy()
    found = sc.slice_2d(network, *p, extent=(0, 2, -1, 1))
    gram = np.stack([p[1] - p[0], p[2] - p[0]])
    np.testing.assert_allclose(found.areas.sum(), 4 * np.sqrt(np.linalg.det(gram @ gram.T)))
    lengths = found.edge_lengths()
    ends = found.plane.points(found.vertices)[found.edges]
    np.testing.assert_allclose(lengths, np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_points_of_any_floating_dtype(dtype) -> None:
    network = nets.read(nets.mlp(2, 5, 1), 2)
    points = torch.tensor([[0, 0], [1, 0], [0, 1]], dtype=dtype)
    found = sc.slice_2d(network, *points)
    assert np.array_equal(found.areas, sc.slice_2d(network, *XY).areas)


def test_locate_finds_the_polygon_around_points() -> None:
    torch.manual_seed(2)
    found = slice_xy(nets.mlp(2, 16, 16, 1))
    large = found.areas > 1e-6
    assert (found.locate(found.centroids())[large] == np.flatnonzero(large)).all()
    assert found.locate(np.array([[1.5, 0.0], [0.0, -1.1]])).tolist() == [-1, -1]
    at_vertices = found.locate(found.vertices)
    for vertex, polygon in enumerate(at_vertices):
        corner = found.polygons[found.offsets[polygon] : found.offsets[polygon + 1]]
        near = np.abs(found.vertices[corner] - found.vertices[vertex]).max(axis=1)
        assert near.min() < 1e-9


@pytest.mark.parametrize("outputs", [1, 3])
def test_decision_boundaries_are_where_outputs_tie(outputs) -> None:
    torch.manual_seed(3)
    net = nets.mlp(2, 16, 16, outputs)
    with torch.no_grad():  # all outputs tie in the middle
        net[4].bias -= net(torch.zeros(1, 2, dtype=torch.float64))[0]
    found = slice_xy(net, extent=(-2, 2.5, -2, 2))
    boundary = found.decision_boundary()
    assert len(boundary.start) > 3
    middle = (boundary.start + boundary.end) / 2
    along = boundary.end - boundary.start
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    for side, wanted in ((1, boundary.left), (-1, boundary.right)):
        values = np.asarray(found.network(found.plane.points(middle + side * 1e-7 * normal)))
        chosen = values.argmax(axis=1) if outputs > 1 else (values[:, 0] > 0).astype(int)
        assert (chosen == wanted).mean() > 0.95  # short segments end within the step
    values = np.sort(np.asarray(found.network(found.plane.points(middle))), axis=1)
    gap = values[:, -1] - values[:, -2] if outputs > 1 else values[:, 0]
    np.testing.assert_allclose(gap, 0, atol=1e-9)


def test_decision_boundary_crosses_lines_where_the_argmax_changes() -> None:
    torch.manual_seed(4)
    found = slice_xy(nets.mlp(2, 12, 3))
    boundary = found.decision_boundary()
    a, b = found.plane.points(np.array([[-0.9, -0.7], [0.8, 0.95]]))
    changes = sc.crossings(found.network, a, b).argmax_changes()
    ends = (boundary.start - a, boundary.end - a)
    sides = [(b - a)[0] * end[:, 1] - (b - a)[1] * end[:, 0] for end in ends]
    assert int((np.sign(sides[0]) != np.sign(sides[1])).sum()) >= len(changes.t)


def test_too_many_polygons() -> None:
    with pytest.raises(ValueError, match=r"more than max_polygons = 50 polygons at '1'"):
        slice_xy(nets.mlp(2, 64, 1), max_polygons=50)


def test_errors_say_what_is_wanted() -> None:
    network = nets.read(nets.mlp(2, 4, 1), 2)
    with pytest.raises(TypeError, match="network is a Sequential; wanted a Network"):
        sc.slice_2d(nets.mlp(2, 4, 1), *XY)
    with pytest.raises(TypeError, match="p1 has dtype int64"):
        sc.slice_2d(network, XY[0], np.array([1, 0]), XY[2])
    with pytest.raises(ValueError, match=r"have shape \(3,\); wanted \(2,\)"):
        sc.slice_2d(network, *np.eye(3))
    with pytest.raises(ValueError, match=r"p2 has shape \(3,\) and p0 \(2,\)"):
        sc.slice_2d(network, XY[0], XY[1], np.zeros(3))
    with pytest.raises(ValueError, match="p0, p1 and p2 lie on a line"):
        sc.slice_2d(network, XY[0], XY[1], 2 * XY[1])
    with pytest.raises(ValueError, match="p1 holds NaN or inf"):
        sc.slice_2d(network, XY[0], XY[1] * np.nan, XY[2])
    for extent in [(0, 1), (1, 0, 0, 1), (0, 1, 0, np.inf)]:
        with pytest.raises(ValueError, match="extent is"):
            sc.slice_2d(network, *XY, extent=extent)
    with pytest.raises(ValueError, match=r"p0 requires grad; pass p0.detach\(\)"):
        sc.slice_2d(network, *torch.eye(3, 2, requires_grad=True))
    with pytest.raises(ValueError, match="max_polygons is 0"):
        sc.slice_2d(network, *XY, max_polygons=0)
    found = sc.slice_2d(network, *XY)
    with pytest.raises(ValueError, match=r"points have shape \(2,\)"):
        found.locate(np.zeros(2))


def test_values_that_overflow() -> None:
    net = nets.mlp(2, 4, 4, 1)
    with torch.no_grad():
        net[2].weight[:] = 1e200
    with pytest.raises(ValueError, match="values overflow float64 at '2'"):
        slice_xy(net, extent=(-1e200, 1e200, -1, 1))


def test_a_slice_can_be_interrupted() -> None:
    torch.manual_seed(0)
    net = nets.mlp(2, 500, 1)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(200):
                slice_xy(net)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_tables_and_work() -> None:
    torch.manual_seed(0)
    found = slice_xy(nets.mlp(2, 8, 8, 1))
    text = str(found)
    assert "exact slice" in text
    assert f"{len(found):,} polygons" in text
    assert found.work["edges"] == len(found.edges)


@pytest.mark.parametrize("resolution", [(1, 1), (1, 4), (5, 1)])
def test_transitions_of_narrow_grids(resolution, monkeypatch) -> None:
    monkeypatch.delattr(np, "bitwise_count", raising=False)  # numpy 1 has none
    columns, rows = resolution
    found = sc.sampled_slice_2d(nets.mlp(2, 70, 1), *XY, extent=SQUARE, resolution=resolution)
    along_u, along_v = found.transitions()
    bits = found.codes.bits()[found.regions]
    assert along_u.shape == (rows, columns - 1)
    assert along_v.shape == (rows - 1, columns)
    assert (along_u == (bits[:, 1:] != bits[:, :-1]).sum(axis=2)).all()
    assert (along_v == (bits[1:] != bits[:-1]).sum(axis=2)).all()


def test_sampled_slices_say_so() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 6), nn.GELU(), nn.Linear(6, 2)).eval()
    found = sc.sampled_slice_2d(model, *XY, extent=SQUARE, resolution=(31, 17), batch_size=100)
    assert found.regions.shape == (17, 31)
    grid = np.stack(np.meshgrid(found.u, found.v), axis=-1).reshape(-1, 2)
    codes = sc.spline_codes(model, torch.from_numpy(grid).float())
    assert (found.codes.words[found.regions.ravel()] == codes.words.numpy()).all()
    assert found.counts.sum() == found.work["sampled points"] == 31 * 17
    along_u, along_v = found.transitions()
    bits = found.codes.bits()[found.regions]
    assert (along_u == (bits[:, 1:] != bits[:, :-1]).sum(axis=2)).all()
    assert (along_v == (bits[1:] != bits[:-1]).sum(axis=2)).all()
    assert "not exact" in str(found)
    with pytest.raises(ValueError, match="resolution is"):
        sc.sampled_slice_2d(model, *XY, resolution=(0, 3))


def test_sampled_regions_are_among_the_exact_ones() -> None:
    torch.manual_seed(0)
    net = nets.mlp(2, 12, 12, 2)
    exact, sampled = slice_xy(net), sc.sampled_slice_2d(net, *XY, extent=SQUARE)
    assert len(sampled.codes) <= len(exact)
    assert sc.sets.isin(sc.Codes(sampled.codes.words, exact.layers), exact.codes).all()


def test_exact_areas_of_a_cross() -> None:
    found = slice_xy(lines([[1.0, 0.0], [0.0, 1.0]], [0.5, -0.25]))
    assert sorted(found.areas) == [float(Fraction(x, 8)) for x in (3, 5, 9, 15)]
