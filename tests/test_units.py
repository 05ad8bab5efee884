import numpy as np
import pytest
from hypothesis import given

import oracle
from drawn_codes import drawn_codes, make, to_library
from splinecode import cofiring, firing_counts, firing_rates, threads


@given(drawn_codes(most=150))
def test_firing_agrees_with_the_oracle(drawn):
    units = drawn.codes.n_bits
    counts = firing_counts(drawn.codes)
    assert counts.dtype == np.int64
    assert counts.tolist() == oracle.firing_counts(drawn.bits, units)
    if len(drawn.codes):
        rates = firing_rates(drawn.codes)
        assert rates.tolist() == [count / len(drawn.codes) for count in counts.tolist()]


@given(drawn_codes(most=70))
def test_cofiring_agrees_with_the_oracle(drawn):
    layers = drawn.codes.layers
    units = drawn.codes.n_bits
    counts = cofiring(drawn.codes)
    assert counts.dtype == np.int32
    assert counts.tolist() == oracle.cofiring(drawn.bits, drawn.bits, units, units)
    np.testing.assert_array_equal(counts.diagonal(), firing_counts(drawn.codes))
    last, bits = drawn.codes.layer(-1), drawn.layers[-1].tolist()
    wanted = oracle.cofiring(bits, drawn.bits, layers[-1].bits, units)
    assert cofiring(last, drawn.codes).tolist() == wanted


@pytest.mark.parametrize("n", [1, 64, 248, 249, 2000, 70_000])
def test_every_level_and_thread_count_agrees(simd_level, n):
    rng = np.random.default_rng(n)
    drawn = make(rng, n, (3, 130))
    bits = np.concatenate(drawn.layers, axis=1)
    for count in (1, 2, 5):
        with threads(count):
            np.testing.assert_array_equal(firing_counts(drawn.codes), bits.sum(0))
            product = bits.T.astype(np.float32) @ bits.astype(np.float32)
            np.testing.assert_array_equal(cofiring(drawn.codes), product)


def test_wide_codes_are_counted(simd_level):
    words = np.random.default_rng(0).integers(0, 2**63, (300, 2500), dtype=np.uint64)
    wanted = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little").sum(0)
    np.testing.assert_array_equal(firing_counts(words), wanted)
    np.testing.assert_array_equal(firing_counts(words[::-1, 3:]), wanted[3 * 64 :])


def test_cofiring_in_blocks_of_rows_and_units(monkeypatch):
    drawn = make(np.random.default_rng(1), 9000, (40, 33))
    wanted = cofiring(drawn.codes)
    monkeypatch.setattr("splinecode.units._TRANSPOSED_BYTES", 1)
    monkeypatch.setattr("splinecode.units._MATRIX_BYTES", 4 * 73 * 10)
    np.testing.assert_array_equal(cofiring(drawn.codes), wanted)
    np.testing.assert_array_equal(
        cofiring(drawn.codes.layer(1), drawn.codes.layer(0)), wanted[40:, :40]
    )


def test_the_same_library_comes_out(library):
    drawn = make(np.random.default_rng(2), 30, (70, 9))
    codes = to_library(drawn.codes, library)
    for call in (firing_counts, firing_rates, cofiring):
        ours = call(codes)
        assert type(ours) is type(codes.words)
        np.testing.assert_array_equal(np.asarray(ours), call(drawn.codes))
    by_words = firing_counts(codes.words)
    assert by_words.shape == (192,)
    np.testing.assert_array_equal(
        np.asarray(firing_counts(codes.select("layer1"))), np.asarray(by_words)[128:137]
    )


def test_bad_input_is_refused():
    codes = make(np.random.default_rng(3), 5, (70,)).codes
    with pytest.raises(ValueError, match="codes holds no codes"):
        firing_rates(codes[:0])
    with pytest.raises(ValueError, match="codes has 5 codes and other 4"):
        cofiring(codes, codes[:4])
    with pytest.raises(TypeError, match="codes has dtype bool"):
        firing_counts(codes.bits())
    assert cofiring(codes[:0]).sum() == 0
