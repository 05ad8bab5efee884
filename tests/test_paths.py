"""Crossings along polylines and polygons."""

import numpy as np
import pytest
import torch

import nets
from splinecode import crossings, polyline_crossings


def points(n, *shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, *shape, generator=generator, dtype=torch.float64)


def network(*widths, bias=True):
    torch.manual_seed(0)
    return nets.read(nets.mlp(*widths, bias=bias), widths[0])


def test_a_path_is_its_segments():
    net, x = network(3, 16, 16, 2), points(6, 3)
    path = polyline_crossings(net, x)
    parts = [crossings(net, x[i], x[i + 1]) for i in range(5)]
    assert len(path) == 5
    assert path.count() == sum(part.count().item() for part in parts)
    assert path.count(per_layer=True).sum() == path.count()
    expected = torch.cat([i + part.t for i, part in enumerate(parts)])
    torch.testing.assert_close(path.position, expected)
    assert (path.position.diff() >= 0).all()
    assert (path.arc_length.diff() >= 0).all()
    assert path.length == pytest.approx(float(x.diff(dim=0).norm(dim=1).sum()))
    assert repr(path).startswith(f"PathCrossings({path.count()} crossings of a path of 5 segments")


def test_a_closed_path_returns():
    net, x = network(3, 16, 16, 2), points(5, 3)
    closed = polyline_crossings(net, x, closed=True)
    assert len(closed) == 5
    back = crossings(net, x[-1], x[0])
    assert closed.count() == polyline_crossings(net, x).count() + back.count().item()
    # Each unit is at the end what it was at the start.
    last, first = closed.segments.end_words()
    np.testing.assert_array_equal(last[-1], first[0])


def test_subdividing_a_path_changes_nothing():
    net, x = network(2, 20, 20, 1), points(3, 2)
    middles = (x[:-1] + x[1:]) / 2
    fine = torch.stack([x[0], middles[0], x[1], middles[1], x[2]])
    assert polyline_crossings(net, fine).count() == polyline_crossings(net, x).count()


def test_a_boundary_at_a_vertex_is_a_crossing_there():
    net = network(2, 1, 1)
    linear = net.nodes[1].step
    linear.weight.copy_(torch.tensor([[1.0, 0.0]]))
    linear.bias.zero_()
    through = torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    path = polyline_crossings(net, through)
    assert [column.tolist() for column in path.at_vertices] == [[1], [0], [0], [1]]
    assert path.count() == 1
    assert len(path.position) == 0
    touching = torch.tensor([[-1.0, 0.0], [0.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    assert polyline_crossings(net, touching).count() == 0
    closed = polyline_crossings(net, through.roll(1, 0), closed=True)
    assert closed.count() == 2


def test_numpy_and_options():
    net, x = network(2, 8, 1), points(4, 2).numpy()
    path = polyline_crossings(net, x, closed=True, certify=True, max_memory=1 << 20)
    assert isinstance(path.position, np.ndarray)
    assert path.segments.certified.all()


def test_bad_input_is_refused():
    net = network(2, 3, 1)
    with pytest.raises(ValueError, match="wanted at least two points"):
        polyline_crossings(net, torch.zeros(1, 2))
    with pytest.raises(ValueError, match="shape"):
        polyline_crossings(net, torch.zeros(3, 3))
    with pytest.raises(TypeError, match="points is a list"):
        polyline_crossings(net, [[0.0, 0.0], [1.0, 1.0]])
