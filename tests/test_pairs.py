"""Pairs, paths and sets: hamming and its relatives that compare code i with code i."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from drawn_codes import drawn_codes, make, offsets_of, popcounts, to_library
from splinecode import (
    Codes,
    active_counts,
    consecutive_hamming,
    hamming,
    hamming_from_start,
    hamming_matrix,
    intersection_counts,
    intersection_counts_matrix,
    jaccard_similarity,
    jaccard_similarity_matrix,
    space_folding,
    threads,
)


@st.composite
def masks(draw, drawn):
    """A mask in one of its three forms, and its bits."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    density = draw(st.sampled_from([0.0, 0.2, 0.7, 1.0]))
    one = make(rng, 1, [layer.shape[1] for layer in drawn.layers], density)
    forms = [one.codes, one.codes.words[0], one.codes.words, one.codes.bits()[0]]
    return draw(st.sampled_from(forms)), one.bits[0]


@given(drawn_codes(sides=2), st.data())
def test_pairs_agree_with_the_oracle(pair, data):
    a, b = pair
    mask, mask_bits = data.draw(masks(a))
    rows = range(len(a.codes))
    weights = [0.1 * i + 0.3 for i in range(len(a.layers))]
    by_layer = [oracle.hamming_by_layer(a.rows_of_layers(i), b.rows_of_layers(i)) for i in rows]
    assert hamming(a.codes, b.codes).tolist() == [sum(row) for row in by_layer]
    assert hamming(a.codes, b.codes, per_layer=True).tolist() == by_layer
    assert hamming(a.codes, b.codes, mask=mask).tolist() == [
        oracle.hamming_masked(a.bits[i], b.bits[i], mask_bits) for i in rows
    ]
    weighted = hamming(a.codes, b.codes, weights=weights)
    assert weighted.dtype == np.float64
    assert weighted.tolist() == [
        oracle.hamming_weighted(a.rows_of_layers(i), b.rows_of_layers(i), weights) for i in rows
    ]


@given(drawn_codes(sides=2, most=12, same_n=False), st.data())
def test_matrices_agree_with_the_oracle(pair, data):
    x, y = pair
    mask, mask_bits = data.draw(masks(x))
    weights = {f"layer{i}": 0.7 - 0.2 * i for i in range(len(x.layers))}
    shape = (len(x.codes), len(y.codes))

    def table(function):
        return [[function(i, j) for j in range(shape[1])] for i in range(shape[0])]

    def layers(i, j):
        return oracle.hamming_by_layer(x.rows_of_layers(i), y.rows_of_layers(j))

    assert hamming_matrix(x.codes, y.codes, mask=mask).tolist() == table(
        lambda i, j: oracle.hamming_masked(x.bits[i], y.bits[j], mask_bits)
    )
    stacked = hamming_matrix(x.codes, y.codes, per_layer=True)
    assert stacked.shape == (*shape, len(x.layers))
    assert stacked.dtype == np.int32
    assert stacked.tolist() == table(layers)
    assert hamming_matrix(x.codes, y.codes, weights=weights).tolist() == table(
        lambda i, j: oracle.hamming_weighted(
            x.rows_of_layers(i), y.rows_of_layers(j), list(weights.values())
        )
    )
    assert intersection_counts_matrix(x.codes, y.codes).tolist() == table(
        lambda i, j: oracle.intersection(x.bits[i], y.bits[j])
    )
    assert jaccard_similarity_matrix(x.codes, y.codes).tolist() == table(
        lambda i, j: float(oracle.jaccard(x.bits[i], y.bits[j]))
    )


@given(drawn_codes(sides=2))
def test_sets_agree_with_the_oracle(pair):
    a, b = pair
    assert active_counts(a.codes).tolist() == [sum(bits) for bits in a.bits]
    assert active_counts(a.codes, per_layer=True).tolist() == [
        [sum(layer) for layer in a.rows_of_layers(i)] for i in range(len(a.codes))
    ]
    both = list(zip(a.bits, b.bits, strict=True))
    assert intersection_counts(a.codes, b.codes).tolist() == [
        oracle.intersection(*bits) for bits in both
    ]
    assert jaccard_similarity(a.codes, b.codes).tolist() == [
        float(oracle.jaccard(*bits)) for bits in both
    ]


@given(drawn_codes(), st.data())
def test_paths_agree_with_the_oracle(drawn, data):
    n = len(drawn.codes)
    offsets = data.draw(offsets_of(n, least=1))
    paths = [drawn.bits[begin:end] for begin, end in pairwise(offsets)]
    steps = consecutive_hamming(drawn.codes, offsets)
    assert steps.tolist() == oracle.consecutive(paths)
    assert hamming_from_start(drawn.codes, offsets).tolist() == oracle.from_start(paths)
    wanted = [oracle.space_folding(path) for path in paths]
    wanted = [np.nan if chi is None else float(chi) for chi in wanted]
    np.testing.assert_allclose(space_folding(drawn.codes, offsets), wanted, rtol=0, atol=1e-15)
    for p, path in enumerate(paths):
        of_path = steps[offsets[p] - p : offsets[p + 1] - p - 1]
        assert of_path.tolist() == oracle.consecutive([path])
    whole = [drawn.bits] if n else []
    assert consecutive_hamming(drawn.codes).tolist() == oracle.consecutive(whole)
    assert hamming_from_start(drawn.codes).tolist() == oracle.from_start(whole)


def test_space_folding_of_a_path_that_turns_back():
    """Away by 2 units, back by 1: 1 - 2 / 3."""
    words = np.array([[0], [1], [3], [1]], np.uint64)
    codes = Codes.from_words(words, 2)
    chi = space_folding(codes)
    assert isinstance(chi, float)
    assert chi == pytest.approx(1 / 3, abs=1e-15)
    assert space_folding(codes[:3]) == 0
    assert np.isnan(space_folding(codes[:1]))
    assert space_folding(codes, [0, 1, 4])[1] == pytest.approx(1 - 1 / 2)


def test_starts_of_many_paths_are_gathered_in_pieces(monkeypatch):
    drawn = make(np.random.default_rng(0), 100, (70, 5))
    offsets = [0, 1, 50, 99, 100]
    wanted = hamming_from_start(drawn.codes, offsets, per_layer=True)
    monkeypatch.setattr("splinecode.paths._GATHER_BYTES", 24 * 7)
    np.testing.assert_array_equal(hamming_from_start(drawn.codes, offsets, per_layer=True), wanted)
    assert wanted.shape == (100, 2)


def test_paths_per_layer():
    drawn = make(np.random.default_rng(1), 9, (70, 5))
    by_layer = consecutive_hamming(drawn.codes, [0, 4, 9], per_layer=True)
    assert by_layer.shape == (7, 2)
    np.testing.assert_array_equal(by_layer.sum(1), consecutive_hamming(drawn.codes, [0, 4, 9]))


def test_every_level_and_thread_count_agrees(simd_level):
    rng = np.random.default_rng(2)
    for width in (1, 3, 4, 7, 8, 9, 33, 300):
        a, b, mask = (rng.integers(0, 2**63, (n, width), dtype=np.uint64) for n in (700, 700, 1))
        wanted = popcounts((a ^ b) & mask)
        for n in (1, 2, 5):
            with threads(n):
                np.testing.assert_array_equal(hamming(a, b, mask=mask[0]), wanted)
                np.testing.assert_array_equal(intersection_counts(a, b), popcounts(a & b))


def test_one_code_for_all_is_not_copied():
    drawn = make(np.random.default_rng(3), 20, (70,))
    repeated = Codes(np.broadcast_to(drawn.codes.words[:1], (20, 2)), drawn.codes.layers)
    np.testing.assert_array_equal(hamming(drawn.codes, repeated), hamming_from_start(drawn.codes))


def test_the_same_library_comes_out(library):
    drawn = make(np.random.default_rng(4), 12, (70, 9))
    codes = to_library(drawn.codes, library)
    mask = to_library(drawn.codes[:1], library)
    offsets = [0, 5, 12]
    calls = [
        lambda c, m: hamming(c, c, mask=m),
        lambda c, _: hamming(c, c, weights=[1, 2]),
        lambda c, _: hamming(c, c, per_layer=True, weights={"layer1": 1, "layer0": 0}),
        lambda c, m: hamming_matrix(c, mask=m.bits()[0]),
        lambda c, _: hamming_matrix(c, per_layer=True),
        lambda c, m: hamming_matrix(c, per_layer=True, weights=[1, 2], mask=m.words),
        lambda c, _: consecutive_hamming(c),
        lambda c, _: consecutive_hamming(c, offsets),
        lambda c, _: hamming_from_start(c),
        lambda c, _: hamming_from_start(c, offsets),
        lambda c, _: space_folding(c, offsets),
        lambda c, _: active_counts(c, per_layer=True),
        lambda c, _: intersection_counts(c, c),
        lambda c, _: intersection_counts_matrix(c),
        lambda c, _: jaccard_similarity(c, c),
        lambda c, _: jaccard_similarity_matrix(c, c[2:5]),
    ]
    for call in calls:
        ours, wanted = call(codes, mask), call(drawn.codes, drawn.codes[:1])
        assert type(ours) is type(codes.words)
        assert str(ours.dtype).removeprefix("torch.") == str(wanted.dtype)
        np.testing.assert_array_equal(np.asarray(ours), wanted)


def test_two_empty_codes_are_equal_sets():
    nothing = np.zeros((2, 3), np.uint64)
    assert jaccard_similarity(nothing, nothing).tolist() == [1, 1]
    assert jaccard_similarity(nothing, ~nothing).tolist() == [0, 0]


def test_jaccard_is_scipy_s():
    distance = pytest.importorskip("scipy.spatial.distance")
    drawn = make(np.random.default_rng(5), 20, (90,), 0.1)
    wanted = distance.cdist(drawn.layers[0], drawn.layers[0], "jaccard")
    np.testing.assert_allclose(1 - jaccard_similarity_matrix(drawn.codes), wanted, atol=1e-15)


CODES = make(np.random.default_rng(6), 6, (70, 9)).codes


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (CODES[:2], ValueError, "mask has words of shape"),
        (CODES.layer(0)[:1], ValueError, "wanted the same layers"),
        (np.zeros(2, np.uint64), ValueError, "wanted one code of 3 words"),
        (np.zeros(80, bool), ValueError, r"mask has shape \(80,\); wanted \(79,\)"),
        (np.zeros(79), TypeError, "mask has dtype float64"),
        ([True] * 79, TypeError, "mask is a list"),
    ],
)
def test_bad_masks_are_refused(mask, error, message):
    for call in (hamming, hamming_matrix):
        with pytest.raises(error, match=message):
            call(CODES, CODES, mask=mask)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], r"weights has shape \(1,\); wanted \(2,\)"),
        ([1.0, -1.0], "finite numbers of at least 0"),
        ([1.0, np.nan], "finite numbers of at least 0"),
        ({"layer0": 1.0}, "wanted a weight for each of"),
        ({"layer0": 1.0, "layer1": 1.0, "layer2": 1.0}, "wanted a weight for each of"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    for call in (hamming, hamming_matrix):
        with pytest.raises(ValueError, match=message):
            call(CODES, CODES, weights=weights)


def test_layers_need_codes():
    words = CODES.words
    with pytest.raises(TypeError, match="weights needs Codes"):
        hamming(words, words, weights=[1.0])
    with pytest.raises(TypeError, match="per_layer needs Codes"):
        hamming_matrix(words, per_layer=True)
    with pytest.raises(TypeError, match="a bool a unit, which needs Codes"):
        hamming(words, words, mask=np.ones(192, bool))
    with pytest.raises(TypeError, match="per_layer needs Codes, which know their layers; codes"):
        active_counts(words, per_layer=True)
    with pytest.raises(ValueError, match="a has 6 codes and b 5"):
        intersection_counts(CODES, CODES[:5])


@pytest.mark.parametrize(
    ("offsets", "error", "message"),
    [
        ([0, 5], ValueError, "offsets goes from 0 to 5; wanted 0 to 6"),
        ([1, 6], ValueError, "offsets goes from 1 to 6"),
        ([0, 4, 2, 6], ValueError, "offsets gives path 1 -2 rows"),
        ([0, 3, 3, 6], ValueError, "offsets gives path 1 0 rows; wanted at least 1"),
        ([], ValueError, r"offsets has shape \(0,\)"),
        ([[0, 6]], ValueError, r"offsets has shape \(1, 2\)"),
        ([0.0, 6.0], TypeError, "offsets has dtype float64; wanted integers"),
        ("06", TypeError, "offsets is a str"),
    ],
)
def test_bad_offsets_are_refused(offsets, error, message):
    for call in (consecutive_hamming, hamming_from_start, space_folding):
        with pytest.raises(error, match=message):
            call(CODES, offsets)


def test_no_path_has_no_folding():
    with pytest.raises(ValueError, match="codes holds no codes"):
        space_folding(CODES[:0])
    assert len(space_folding(CODES[:0], [0])) == 0
