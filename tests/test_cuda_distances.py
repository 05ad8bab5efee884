"""What is computed on codes on a GPU, row by row or all pairs: the answers of the CPU."""

import numpy as np
import pytest

import splinecode as sc
from gpu_arrays import LAYOUTS, in_wider_rows, make, same, sized, to_gpu
from splinecode import Codes
from splinecode.lens import endpoint_density

pytestmark = pytest.mark.gpu

PAIRS = [(0, 3), (1, 1), (1, 40), (33, 7), sized((1000, 3000), (70, 40))]


def masks_of(codes):
    """Masks in every form, none of them of everything."""
    bits = np.random.default_rng(5).random(codes.n_bits) < 0.5
    edges = np.cumsum([layer.bits for layer in codes.layers])[:-1]
    words = np.concatenate([sc.pack(part) for part in np.split(bits, edges)])
    return [bits, words, Codes(words[None], codes.layers)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [0, 1, sized(3000, 70)])
def test_hamming(gpu_library, layout, n):
    a, b = make(n, layout, seed=1), make(n, layout, seed=2)
    x, y = to_gpu(a, gpu_library), to_gpu(b, gpu_library)
    weights = {layer.name: 0.1 + i for i, layer in enumerate(a.layers)}
    for options in (
        {},
        {"per_layer": True},
        {"weights": weights},
        {"weights": weights, "per_layer": True},
    ):
        same(sc.hamming(x, y, **options), sc.hamming(a, b, **options))
    same(sc.hamming(x.words, y.words), sc.hamming(a.words, b.words))


def test_weights_are_rounded_as_on_the_cpu(gpu_library):
    layout = (5,) * 9
    a, b = make(50, layout, seed=1), make(50, layout, seed=2)
    weights = np.random.default_rng(0).random(9) ** 8
    x, y = to_gpu(a, gpu_library), to_gpu(b, gpu_library)
    same(sc.hamming(x, y, weights=weights), sc.hamming(a, b, weights=weights))
    on_gpu = to_gpu(weights, gpu_library)
    same(sc.hamming_matrix(x, y, weights=on_gpu), sc.hamming_matrix(a, b, weights=weights))


def test_masks(gpu_library):
    a, b = make(40, (3, 130), seed=1), make(40, (3, 130), seed=2)
    x, y = to_gpu(a, gpu_library), to_gpu(b, gpu_library)
    for mask in masks_of(a):
        for given in (mask, to_gpu(mask, gpu_library)):
            same(sc.hamming(x, y, mask=given), sc.hamming(a, b, mask=mask))
            options = {"mask": mask, "per_layer": True}
            ours = sc.hamming_matrix(x, y, **{**options, "mask": given})
            same(ours, sc.hamming_matrix(a, b, **options))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("n", "m"), PAIRS)
def test_hamming_matrix(gpu_library, layout, n, m):
    a, b = make(n, layout, seed=1), make(m, layout, seed=2)
    x, y = to_gpu(a, gpu_library), to_gpu(b, gpu_library)
    weights = [0.1 + i for i in range(len(layout))]
    for options in (
        {},
        {"dtype": "uint16"},
        {"per_layer": True},
        {"weights": weights},
        {"weights": weights, "per_layer": True},
    ):
        same(sc.hamming_matrix(x, y, **options), sc.hamming_matrix(a, b, **options))


@pytest.mark.parametrize("n", [0, 1, 2, 17, sized(1500, 65)])
@pytest.mark.parametrize("form", ["full", "condensed"])
def test_matrix_of_one_set(gpu_library, n, form):
    a = make(n, (3, 130))
    x = to_gpu(a, gpu_library)
    for options in (
        {},
        {"dtype": "uint16"},
        {"per_layer": True, "dtype": "uint16"},
        {"weights": {"layer0": 0.3, "layer1": 7}},
    ):
        ours = sc.hamming_matrix(x, form=form, **options)
        same(ours, sc.hamming_matrix(a, form=form, **options))


def test_codes_as_slices_of_wider_rows(gpu_library):
    a = make(40, (70, 64))
    wide, inside = in_wider_rows(a.words)
    x = Codes(to_gpu(wide, gpu_library)[:, inside], a.layers)
    same(sc.hamming_matrix(x), sc.hamming_matrix(a))
    same(
        sc.hamming_matrix(x.layer(1), x.layer(1)[:7]), sc.hamming_matrix(a.layer(1), a[:7].layer(1))
    )
    same(sc.hamming(x[1:], x[:-1], per_layer=True), sc.hamming(a[1:], a[:-1], per_layer=True))
    same(sc.firing_counts(x.layer(1)), sc.firing_counts(a.layer(1)))
    same(sc.cofiring(x.layer(0), x.layer(1)), sc.cofiring(a.layer(0), a.layer(1)))


@pytest.mark.parametrize("n", [0, 1, 50])
@pytest.mark.parametrize("density", [0.0, 0.03, 0.5])
def test_similarity(gpu_library, n, density):
    a, b = make(n, (3, 130), density, seed=1), make(n, (3, 130), density, seed=2)
    x, y = to_gpu(a, gpu_library), to_gpu(b, gpu_library)
    same(sc.active_counts(x), sc.active_counts(a))
    same(sc.active_counts(x, per_layer=True), sc.active_counts(a, per_layer=True))
    same(sc.intersection_counts(x, y, per_layer=True), sc.intersection_counts(a, b, per_layer=True))
    same(sc.jaccard_similarity(x, y), sc.jaccard_similarity(a, b))
    for function in (sc.intersection_counts_matrix, sc.jaccard_similarity_matrix):
        same(function(x), function(a))
        same(function(x, y[:7]), function(a, b[:7]))


@pytest.mark.parametrize("offsets", [None, [0, 1, 2, 30, 40], [0, 40]])
def test_paths(gpu_library, offsets):
    a = make(40, (3, 130), 0.1)
    a = a[np.sort(np.arange(40) // 3)]
    x = to_gpu(a, gpu_library)
    for function in (sc.consecutive_hamming, sc.hamming_from_start):
        same(function(x, offsets), function(a, offsets))
        same(function(x, offsets, per_layer=True), function(a, offsets, per_layer=True))
        same(function(x.words, offsets), function(a.words, offsets))
    same(sc.space_folding(x, offsets), sc.space_folding(a, offsets))
    if offsets is not None:
        given = to_gpu(np.array(offsets), gpu_library)
        same(sc.consecutive_hamming(x, given), sc.consecutive_hamming(a, offsets))


@pytest.mark.parametrize("n", [0, 1])
def test_short_paths(gpu_library, n):
    a = make(n)
    x = to_gpu(a, gpu_library)
    offsets = list(range(n + 1))
    for given in (None, offsets):
        same(sc.consecutive_hamming(x, given), sc.consecutive_hamming(a, given))
        same(sc.hamming_from_start(x, given), sc.hamming_from_start(a, given))
    same(sc.space_folding(x, offsets), sc.space_folding(a, offsets))


@pytest.mark.parametrize("offsets", [[0, 40], [0, 0, 1, 17, 17, 40, 40], list(range(41))])
def test_groups(gpu_library, offsets):
    a = make(40, (3, 130), 0.1)
    x = to_gpu(a, gpu_library)
    groups = len(offsets) - 1
    for function in (sc.flipped_any, sc.flipped_all):
        for reference in (None, make(1, seed=3), make(groups, seed=4)):
            beside = None if reference is None else to_gpu(reference, gpu_library)
            options = {"per_layer": True, "return_codes": True}
            ours = function(x, offsets, beside, **options)
            same(ours, function(a, offsets, reference, **options))
    given = to_gpu(np.array(offsets), gpu_library)
    same(sc.flipped_any(x, given), sc.flipped_any(a, offsets))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [1, 64, 65, sized(5000, 130)])
def test_units(gpu_library, layout, n):
    a, b = make(n, layout, 0.3, seed=1), make(n, (65,), 0.3, seed=2)
    x, y = to_gpu(a, gpu_library), to_gpu(b, gpu_library)
    same(sc.firing_counts(x), sc.firing_counts(a))
    same(sc.firing_rates(x), sc.firing_rates(a))
    same(sc.cofiring(x), sc.cofiring(a))
    same(sc.cofiring(x, y), sc.cofiring(a, b))


def test_cofiring_in_parts(gpu_library, monkeypatch):
    monkeypatch.setattr("splinecode.units._MATRIX_BYTES", 4 * 70 * 30)
    monkeypatch.setattr("splinecode.units._TRANSPOSED_BYTES", 8 * 4 * 64)
    a, b = make(200, (70,), seed=1), make(200, (65,), seed=2)
    x, y = to_gpu(a, gpu_library), to_gpu(b, gpu_library)
    same(sc.cofiring(x), sc.cofiring(a))
    same(sc.cofiring(x, y), sc.cofiring(a, b))


def test_density_of_boundaries(gpu_library):
    a, b = make(40, seed=1), make(40, seed=2)
    lengths = np.arange(40) / 7
    ours = (to_gpu(part, gpu_library) for part in (a, b, lengths))
    same(endpoint_density(*ours), endpoint_density(a, b, lengths))
