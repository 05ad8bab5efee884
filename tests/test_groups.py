from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from drawn_codes import drawn_codes, make, offsets_of, to_library
from splinecode import Codes, flipped_all, flipped_any, threads

CODES = make(np.random.default_rng(0), 10, (70, 9)).codes


def split(rows, offsets):
    return [rows[begin:end] for begin, end in pairwise(offsets)]


@given(drawn_codes(), st.data())
def test_groups_agree_with_the_oracle(drawn, data):
    offsets = data.draw(offsets_of(len(drawn.codes)))
    groups = split(drawn.bits, offsets)
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    layout = [layer.shape[1] for layer in drawn.layers]
    centers = make(rng, data.draw(st.sampled_from([1, len(groups)])), layout)
    center_bits = centers.bits * (len(groups) if len(centers.codes) == 1 else 1)
    for every, function in ((False, flipped_any), (True, flipped_all)):
        counts, units = function(drawn.codes, offsets, return_codes=True)
        wanted = [
            oracle.flipped(rows[0], rows[1:], every) if rows else [False] * drawn.codes.n_bits
            for rows in groups
        ]
        assert units.bits().tolist() == wanted
        assert counts.tolist() == [sum(row) for row in wanted]
        counts, units = function(drawn.codes, offsets, centers.codes, return_codes=True)
        wanted = [
            oracle.flipped(center, rows, every)
            for center, rows in zip(center_bits, groups, strict=True)
        ]
        assert units.bits().tolist() == wanted
        assert counts.tolist() == [sum(row) for row in wanted]
        assert units == Codes(units.words, units.layers)  # pad bits are zero


def test_local_complexity_is_the_sum_over_layers():
    """A point and its two neighbours: unit 0 flips at one, unit 65 at both, the others nowhere."""
    words = np.array([[0, 0], [1, 2], [0, 2]], np.uint64)
    codes = Codes(words, {"first": 64, "second": 6})
    assert flipped_any(codes, [0, 3]).tolist() == [2]
    assert flipped_any(codes, [0, 3], per_layer=True).tolist() == [[1, 1]]
    assert flipped_all(codes, [0, 3], per_layer=True).tolist() == [[0, 1]]
    assert flipped_all(codes, [0, 3], codes[1]).tolist() == [0]


def test_every_level_and_thread_count_agrees(simd_level):
    rng = np.random.default_rng(1)
    for width, size in ((1, 500), (9, 64), (1100, 40)):
        words = rng.integers(0, 2**63, (4 * size, width), dtype=np.uint64)
        words |= rng.integers(0, 2**63, (1, width), dtype=np.uint64)
        differing = (words ^ np.uint64(5)).reshape(4, size, width)
        reference = np.full((1, width), 5, np.uint64)
        offsets = np.arange(5) * size
        for n in (1, 2, 5):
            with threads(n):
                _, any_words = flipped_any(words, offsets, reference, return_codes=True)
                _, all_words = flipped_all(words, offsets, reference, return_codes=True)
            np.testing.assert_array_equal(any_words, np.bitwise_or.reduce(differing, axis=1))
            np.testing.assert_array_equal(all_words, np.bitwise_and.reduce(differing, axis=1))


def test_the_same_library_comes_out(library):
    codes = to_library(CODES, library)
    offsets = [0, 4, 10]
    if library == "torch":
        import torch

        offsets = torch.tensor(offsets, dtype=torch.int32)
    counts, units = flipped_any(codes, offsets, codes[:2], return_codes=True)
    assert type(counts) is type(units.words) is type(codes.words)
    wanted = flipped_any(CODES, [0, 4, 10], CODES[:2])
    np.testing.assert_array_equal(np.asarray(counts), wanted)
    assert type(flipped_all(codes.words, offsets, return_codes=True)[1]) is type(codes.words)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="offsets goes from 0 to 9; wanted 0 to 10"):
        flipped_any(CODES, [0, 9])
    with pytest.raises(ValueError, match="offsets gives group 1 -1 rows"):
        flipped_all(CODES, [0, 5, 4, 10])
    with pytest.raises(ValueError, match="reference has 3 codes; wanted one, or one for each of 2"):
        flipped_any(CODES, [0, 5, 10], CODES[:3])
    with pytest.raises(ValueError, match="wanted the same layers"):
        flipped_any(CODES, [0, 10], CODES.layer(0)[:1])
    with pytest.raises(TypeError, match="per_layer needs Codes"):
        flipped_any(CODES.words, [0, 10], per_layer=True)
