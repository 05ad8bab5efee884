"""Distance matrices in all forms and dtypes."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from drawn_codes import drawn_codes, make, to_library
from splinecode import (
    cofiring,
    hamming_matrix,
    intersection_counts_matrix,
    jaccard_similarity_matrix,
    threads,
)


@given(drawn_codes(), st.sampled_from(["int32", "uint16"]))
def test_forms_agree_with_the_oracle(drawn, dtype):
    codes = drawn.codes
    full = hamming_matrix(codes, dtype=dtype)
    condensed = hamming_matrix(codes, form="condensed", dtype=dtype)
    assert full.dtype == condensed.dtype == dtype
    assert full.tolist() == oracle.hamming_matrix(drawn.bits, drawn.bits)
    assert condensed.tolist() == oracle.condensed(drawn.bits)


@given(drawn_codes(most=12), st.sampled_from(["int32", "uint16"]))
def test_masks_layers_and_weights_of_pairs_agree_with_the_oracle(drawn, dtype):
    codes, layers = drawn.codes, len(drawn.layers)
    mask = [i % 3 != 0 for i in range(codes.n_bits)]
    weights = [0.3 * i + 0.1 for i in range(layers)]
    pairs = list(combinations(range(len(codes)), 2))
    masked = hamming_matrix(codes, form="condensed", dtype=dtype, mask=np.array(mask))
    assert masked.tolist() == [
        oracle.hamming_masked(drawn.bits[i], drawn.bits[j], mask) for i, j in pairs
    ]
    by_layer = hamming_matrix(codes, form="condensed", dtype=dtype, per_layer=True)
    assert by_layer.shape == (len(pairs), layers)
    assert by_layer.dtype == dtype
    rows = [drawn.rows_of_layers(i) for i in range(len(codes))]
    assert by_layer.tolist() == [oracle.hamming_by_layer(rows[i], rows[j]) for i, j in pairs]
    weighted = hamming_matrix(codes, form="condensed", weights=weights)
    assert weighted.tolist() == [
        oracle.hamming_weighted(rows[i], rows[j], weights) for i, j in pairs
    ]
    shared = hamming_matrix(codes, form="condensed", weights=weights, per_layer=True)
    np.testing.assert_array_equal(shared, by_layer * np.array(weights))


@given(drawn_codes(most=12))
def test_a_set_with_itself_equals_two_sets(drawn):
    codes = drawn.codes
    for options in ({}, {"dtype": "uint16"}, {"per_layer": True}, {"mask": codes.words[:1]}):
        if options.get("mask") is not None and len(codes) == 0:
            continue
        np.testing.assert_array_equal(
            hamming_matrix(codes, **options), hamming_matrix(codes, codes, **options)
        )
    weights = [0.7] * len(codes.layers)
    np.testing.assert_array_equal(
        hamming_matrix(codes, weights=weights), hamming_matrix(codes, codes, weights=weights)
    )
    for call in (intersection_counts_matrix, jaccard_similarity_matrix, cofiring):
        np.testing.assert_array_equal(call(codes), call(codes, codes))


@pytest.mark.parametrize("n", [1, 2, 7, 64, 129, 700])
def test_every_level_and_thread_count_gives_scipy_s_pdist(simd_level, n):
    pdist = pytest.importorskip("scipy.spatial.distance").pdist
    drawn = make(np.random.default_rng(n), n, (130,))
    bits = drawn.layers[0]
    wanted = np.rint(pdist(bits, "hamming") * 130) if n > 1 else np.zeros(0)
    for count in (1, 2, 5):
        with threads(count):
            condensed = hamming_matrix(drawn.codes, form="condensed", dtype="uint16")
            full = hamming_matrix(drawn.codes)
        np.testing.assert_array_equal(condensed, wanted)
        np.testing.assert_array_equal(full[np.triu_indices(n, 1)], wanted)
        np.testing.assert_array_equal(full, full.T)


def test_the_same_library_comes_out(library):
    drawn = make(np.random.default_rng(1), 30, (70, 9))
    codes = to_library(drawn.codes, library)
    for options in (
        {"dtype": "uint16"},
        {"form": "condensed"},
        {"dtype": "uint16", "per_layer": True},
        {"form": "condensed", "weights": [1.0, 0.5]},
    ):
        ours = hamming_matrix(codes, **options)
        assert type(ours) is type(codes.words)
        np.testing.assert_array_equal(np.asarray(ours), hamming_matrix(drawn.codes, **options))


def test_codes_that_uint16_cannot_count_are_refused():
    words = np.zeros((3, 1024), np.uint64)
    words[1] = 2**64 - 1
    with pytest.raises(ValueError, match=r"codes of 1024 words may differ in more than 65,535"):
        hamming_matrix(words, dtype="uint16")
    assert hamming_matrix(words, form="condensed").tolist() == [65_536, 0, 65_536]
    narrower = words[:, :1023]
    assert hamming_matrix(narrower, dtype="uint16")[0].tolist() == [0, 65_472, 0]


def test_layers_are_counted_in_uint16_where_each_fits():
    codes = make(np.random.default_rng(2), 3, (64 * 1000, 64 * 1000)).codes
    with pytest.raises(ValueError, match="2000 words"):
        hamming_matrix(codes, dtype="uint16")
    np.testing.assert_array_equal(
        hamming_matrix(codes, dtype="uint16", per_layer=True).sum(2), hamming_matrix(codes)
    )


def test_cofiring_with_itself_in_blocks_of_rows_and_units(monkeypatch):
    drawn = make(np.random.default_rng(3), 300, (40, 33))
    wanted = cofiring(drawn.codes, drawn.codes)
    for step in (1, 10, 72, 73, 74):
        monkeypatch.setattr("splinecode.units._TRANSPOSED_BYTES", 8 * 4 * 100)
        monkeypatch.setattr("splinecode.units._MATRIX_BYTES", 4 * 73 * step)
        np.testing.assert_array_equal(cofiring(drawn.codes), wanted)


def test_bad_forms_are_refused():
    codes = make(np.random.default_rng(4), 5, (70,)).codes
    with pytest.raises(ValueError, match="form is 'upper'; wanted one of"):
        hamming_matrix(codes, form="upper")
    with pytest.raises(ValueError, match="wanted y=None"):
        hamming_matrix(codes, codes, form="condensed")
    with pytest.raises(ValueError, match="dtype is 'int64'; wanted one of"):
        hamming_matrix(codes, dtype="int64")
    with pytest.raises(ValueError, match="weights give float64"):
        hamming_matrix(codes, dtype="uint16", weights=[1.0])


def test_more_memory_than_there_is_is_refused_before_the_start():
    many = np.broadcast_to(np.ones((1, 1), np.uint64), (10**9, 1))
    with pytest.raises(MemoryError, match=r"distances of 1000000000 x 1000000000 codes take 2\.0"):
        hamming_matrix(many, dtype="uint16")
    with pytest.raises(MemoryError, match=r"distances of the pairs of 1000000000 codes take 2\.0"):
        hamming_matrix(many, form="condensed")
    with pytest.raises(MemoryError, match="similarities of"):
        jaccard_similarity_matrix(many)
    with pytest.raises(MemoryError, match=r"counts of 64000000 x 64000000 units take"):
        cofiring(np.broadcast_to(np.ones((1, 1), np.uint64), (2, 10**6)))
