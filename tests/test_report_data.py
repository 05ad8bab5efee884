"""What the report embeds for its viewers is what the analyses found."""

import base64
import json
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nets import mlp, read
from partitions import grid
from splinecode import Codes, Layer, crossings, hamming, pack, slice_2d
from splinecode.report.code_tree import code_tree, polygon_sides
from splinecode.report.packing import packed, script_json
from splinecode.report.path_data import path_data
from splinecode.report.slice_data import MOST_OUTPUTS, shown_outputs, slice_data

TYPES = {"f32": "<f4", "f64": "<f8", "u8": "<u1", "u32": "<u4", "i8": "<i1"}


def unpacked(spec: dict[str, str]) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(spec["data"])), TYPES[spec["type"]])


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_packing_comes_back(numbers):
    values = np.array(numbers, np.int64)
    assert unpacked(packed(values, "uint32")).tolist() == numbers


def test_packing_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="values from -1 to 3; wanted what uint32 holds"):
        packed(np.array([-1, 3]), "uint32")


def test_json_cannot_end_its_element():
    text = script_json({"name": "</script><!--&"})
    assert "<" not in text
    assert "&" not in text
    assert json.loads(text) == {"name": "</script><!--&"}


def rebuilt(words: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """The codes that a tree gives, one flip after the other from polygon 0 on."""
    tree = code_tree(words, beside)
    found = np.zeros_like(words)
    for f in range(len(words)):
        at = f
        while at >= 0:
            for place in tree.places[tree.offsets[at] : tree.offsets[at + 1]]:
                found[f, place // 64] ^= np.uint64(1) << np.uint64(place % 64)
            at = int(tree.parent[at])
    return found


@given(st.data())
def test_code_tree_gives_every_code(data):
    n = data.draw(st.integers(1, 12))
    seed = data.draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**64, (n, 3), np.uint64)
    beside = rng.integers(-1, n, (data.draw(st.integers(0, 20)), 2))
    assert np.array_equal(rebuilt(words, beside), words)


def test_a_tree_of_neighbours_has_few_flips():
    found = grid(9, 7)
    tree = code_tree(found.codes.words, found.edge_polygons)
    assert len(tree.places) == len(found.areas) - 1  # polygon 0 has no bit on
    assert np.array_equal(rebuilt(found.codes.words, found.edge_polygons), found.codes.words)


def test_sides_join_their_corners():
    found = grid(4, 3)
    sides = polygon_sides(found.offsets, found.polygons, found.edges, len(found.vertices))
    for f in range(len(found.areas)):
        corners = found.polygons[found.offsets[f] : found.offsets[f + 1]]
        for k, side in enumerate(sides[found.offsets[f] : found.offsets[f + 1]]):
            assert set(found.edges[side]) == {corners[k], corners[(k + 1) % len(corners)]}
    with pytest.raises(ValueError, match="sides of polygons are no edges"):
        polygon_sides(found.offsets, found.polygons, found.edges[:-1], len(found.vertices))


def test_slice_data_holds_the_slice():
    found = grid(5, 2, extent=(-1.0, 3.0, 2.0, 4.0))
    data = slice_data(found)
    shares = unpacked(data["vertices"]).reshape(-1, 2)
    assert np.allclose(shares * [4, 2] + [-1, 2], found.vertices, atol=1e-6)
    assert np.array_equal(unpacked(data["corners"]), found.polygons)
    assert np.array_equal(unpacked(data["edgeLayer"]), found.edge_layer + 1)
    assert np.allclose(unpacked(data["values"]).reshape(-1, 3), found.values)
    assert data["outputs"] == [0, 1, 2]
    json.loads(script_json(data))


def test_slice_data_of_a_cut_window():
    torch.manual_seed(0)
    network = read(mlp(2, 12, 9, 2), 2)
    found = slice_2d(network, *torch.eye(3, dtype=torch.float64)[:, :2], (-2, 2, -2, 2))
    data = slice_data(found)
    assert np.array_equal(rebuilt(found.codes.words, found.edge_polygons), found.codes.words)
    assert len(unpacked(data["flips"])) < 3 * len(found)
    ends = found.polygons[unpacked(data["offsets"])[:-1]]
    first = found.edges[unpacked(data["sides"])[unpacked(data["offsets"])[:-1]]]
    assert (first == ends[:, None]).any(axis=1).all()


def test_many_outputs_are_those_that_win():
    values = np.zeros((4, 50))
    values[[0, 1, 2, 3], [40, 7, 7, 23]] = 1
    values[0, 11] = 0.5
    shown = shown_outputs(values)
    assert len(shown) == MOST_OUTPUTS
    assert {7, 11, 23, 40} <= set(shown.tolist())
    assert np.array_equal(np.sort(shown), shown)
    assert shown_outputs(values[:, :3]).tolist() == [0, 1, 2]


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_path_data_holds_the_crossings(library):
    torch.manual_seed(0)
    network = read(mlp(3, 8, 8, 2), 3)
    ends = torch.randn(2, 4, 3, dtype=torch.float64)
    a, b = ends.numpy() if library == "numpy" else ends
    found = crossings(network, a, b)
    data = path_data(found, ["w", "x", "y", "<z>"], [1, 2, 3, 4])
    assert [segment["name"] for segment in data["segments"]] == ["w", "x", "y", "<z>"]
    for s, segment in enumerate(data["segments"]):
        t = unpacked(segment["t"])
        assert t.tolist() == found.t[found.offsets[s] : found.offsets[s + 1]].tolist()
        pieces = found.codes(s)
        for k, from_start in enumerate(unpacked(segment["fromStart"])):
            piece = int((unpacked(segment["knots"])[1:-1] <= t[k]).sum())
            assert from_start == int(hamming(pieces[:1], pieces[piece : piece + 1])[0])
    json.loads(script_json(data))
    with pytest.raises(ValueError, match="3 names and 4 lengths for 4 segments"):
        path_data(found, ["w", "x", "y"], [1, 2, 3, 4])


def test_a_segment_that_crosses_nothing():
    net = nn.Sequential(nn.Linear(1, 1), nn.ReLU()).double().eval()
    with torch.no_grad():
        net[0].weight[:], net[0].bias[:] = 1, 5
    found = crossings(read(net, 1), np.array([0.0]), np.array([1.0]))
    segment = path_data(found, ["only"], [1.0])["segments"][0]
    assert len(unpacked(segment["t"])) == len(unpacked(segment["fromStart"])) == 0
    assert len(unpacked(segment["knots"])) == 2


def test_one_polygon():
    words = pack(np.array([[True, False]]))
    codes = Codes(words, (Layer("only", 2),))
    tree = code_tree(codes.words, np.array([[0, -1]]))
    assert tree.parent.tolist() == [-1]
    assert tree.places.tolist() == [0]
