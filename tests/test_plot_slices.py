"""Figures of slices: what is drawn is what was cut."""

import io
import time

import numpy as np
import pytest
import torch

import nets
import splinecode as sc
from splinecode import plots

XY = [np.array([0.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])]


@pytest.fixture(scope="module")
def cut() -> sc.Slice2D:
    torch.manual_seed(0)
    net = nets.mlp(2, 12, 12, 3)
    with torch.no_grad():
        net[4].bias -= net(torch.zeros(1, 2, dtype=torch.float64))[0]
    return sc.slice_2d(nets.read(net, 2), *XY, extent=(-1, 1.5, -1, 1))


def png(ax) -> bytes:
    file = io.BytesIO()
    ax.figure.savefig(file, format="png")
    return file.getvalue()


def polygons_of(collection) -> list[np.ndarray]:
    return [part for path in collection.get_paths() for part in path.to_polygons(closed_only=True)]


@pytest.mark.parametrize("color_by", ["code", "area", "output"])
def test_every_polygon_is_drawn_in_its_colour(cut, color_by) -> None:
    ax = plots.slice_2d(cut, color_by=color_by, output=1, decision=False)
    filled, lines = ax.collections[:2]
    drawn = {tuple(np.round(part[:-1].mean(axis=0), 9)): part for part in polygons_of(filled)}
    wanted = [tuple(np.round(middle, 9)) for middle in cut.centroids()]
    assert len(drawn) == len(wanted) == len(set(wanted))
    assert set(drawn) == set(wanted)
    assert sum(len(p.vertices) // 2 for p in lines.get_paths()) == int((cut.edge_layer >= 0).sum())
    assert len(filled.get_facecolors()) == len(filled.get_paths())
    assert png(ax).startswith(b"\x89PNG")


def test_colours_follow_the_output(cut) -> None:
    ax = plots.slice_2d(cut, color_by="output", decision=False)
    shades = {}
    colours = ax.collections[0].get_facecolors()
    for path, colour in zip(ax.collections[0].get_paths(), colours, strict=True):
        for part in path.to_polygons(closed_only=True):
            shades[tuple(np.round(part[:-1].mean(axis=0), 9))] = colour[:3].sum()
    sums = np.add.reduceat(cut.values[cut.polygons, 0], cut.offsets[:-1])
    means = sums / np.diff(cut.offsets)
    order = np.argsort(means)
    ordered = [shades[tuple(np.round(cut.centroids()[f], 9))] for f in order]
    assert (np.diff(ordered) >= -1e-9).all()  # this palette grows lighter


def test_layers_have_their_edges(cut) -> None:
    ax = plots.slice_2d(cut, color_by="layer", title="Title")
    counts = [sum(len(p.vertices) // 2 for p in c.get_paths()) for c in ax.collections]
    assert counts[:2] == [int((cut.edge_layer == layer).sum()) for layer in (0, 1)]
    assert counts[2] == counts[3] == len(cut.decision_boundary().start) > 0
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["layer 1", "layer 3", "decision boundary"]
    assert ax.get_title(loc="left") == "Title"
    assert ax.figure.get_supxlabel() == f"exact: {len(cut):,} polygons"
    assert png(ax).startswith(b"\x89PNG")


def test_axes_are_taken_and_the_window_is_shown(cut) -> None:
    axes = plots.slice_2d(cut).figure.subplots(1, 2)
    assert plots.slice_2d(cut, ax=axes[1], boundaries=False) is axes[1]
    assert (axes[1].get_xlim(), axes[1].get_ylim()) == ((-1, 1.5), (-1, 1))


def test_one_polygon_and_one_output() -> None:
    net = nets.mlp(2, 1, 1)
    with torch.no_grad():
        net[0].weight[:], net[0].bias[:] = 0, 1
    found = sc.slice_2d(nets.read(net, 2), *XY)
    for color_by in ("code", "area", "output", "layer"):
        assert png(plots.slice_2d(found, color_by=color_by))


def test_sampled_slices_say_so(cut) -> None:
    torch.manual_seed(0)
    found = sc.sampled_slice_2d(nets.mlp(2, 9, 2), *XY, resolution=(20, 10))
    ax = plots.sampled_slice_2d(found)
    assert ax.images[0].get_array().shape == (10, 20, 3)
    said = ax.figure.get_supxlabel()
    assert said == f"sampled, not exact: 20 x 10 points, {len(found.codes):,} codes"


def test_errors(cut) -> None:
    with pytest.raises(ValueError, match="color_by is 'red'; wanted one of code, area"):
        plots.slice_2d(cut, color_by="red")
    with pytest.raises(ValueError, match="output is 3; wanted 0 to 2"):
        plots.slice_2d(cut, color_by="output", output=3)


def test_many_polygons_are_drawn_fast() -> None:
    torch.manual_seed(0)
    found = sc.slice_2d(nets.read(nets.mlp(2, 300, 1), 2), *XY, extent=(-3, 3, -3, 3))
    assert len(found) > 20_000
    begin = time.process_time()
    png(plots.slice_2d(found, decision=False))
    assert time.process_time() - begin < 5
