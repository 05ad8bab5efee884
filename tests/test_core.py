"""The compiled module defends itself: wrong arrays give errors, never a crash.

Run this file with the sanitised build (`make sanitize`).
"""

import numpy as np
import pytest

from splinecode import _core, pack

WORDS = np.zeros((4, 2), np.uint64)


def out(shape, dtype):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    "z",
    [
        np.zeros(3, np.int64),
        np.zeros(3, np.complex128),
        np.zeros(3, ">f4"),
        np.array(["a"]),
        np.zeros(3, "longdouble"),
        np.zeros(3, object),
        [1.0],
        None,
        "z",
        3,
    ],
)
def test_pack_refuses_other_types(z):
    with pytest.raises((TypeError, ValueError), match="^z "):
        _core.pack(z, out(1, np.uint64), 0.0)


def test_pack_refuses_wrong_outputs():
    z = np.zeros((4, 70))
    for words in (
        out((4, 1), np.uint64),
        out((4, 3), np.uint64),
        out((8,), np.uint64),
        out((4, 4), np.uint64)[:, ::2],
        np.asfortranarray(out((4, 2), np.uint64)),
    ):
        with pytest.raises(ValueError, match="^words "):
            _core.pack(z, words, 0.0)
    with pytest.raises(TypeError, match="words has dtype float64; wanted uint64"):
        _core.pack(z, out((4, 2), np.float64), 0.0)
    frozen = out((4, 2), np.uint64)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        _core.pack(z, frozen, 0.0)
    with pytest.raises(ValueError, match="at least one axis"):
        _core.pack(np.array(1.0), out(1, np.uint64), 0.0)


def test_misaligned_arrays_are_refused():
    raw = np.zeros(8 * 5 + 1, np.uint8)
    with pytest.raises(ValueError, match=r"aligned memory: pass numpy.ascontiguousarray\(z\)"):
        _core.pack(raw[1:].view(np.float64), out(1, np.uint64), 0.0)
    record = np.zeros(5, dtype=[("a", "i1"), ("z", "f4")])
    with pytest.raises(ValueError, match="aligned"):
        _core.pack(record["z"], out(1, np.uint64), 0.0)


def test_many_axes():
    z = np.zeros((2,) * 20)[..., None]
    _core.pack(z, out((*z.shape[:-1], 1), np.uint64), 0.0)
    scattered = np.lib.stride_tricks.as_strided(
        np.zeros(4000), (2,) * 10, [8 * 3**i % 997 * 8 for i in range(10)]
    )
    with pytest.raises(ValueError, match="at most 8 leading axes"):
        _core.pack(scattered, out((2,) * 9 + (1,), np.uint64), 0.0)


def test_distances_refuse_wrong_arrays():
    with pytest.raises(ValueError, match="as many words in both"):
        _core.hamming_matrix(WORDS, WORDS[:, :1], out((4, 4), np.int32))
    with pytest.raises(ValueError, match="^out "):
        _core.hamming_matrix(WORDS, WORDS, out((4, 3), np.int32))
    with pytest.raises(ValueError, match=r"side by side within a code.*ascontiguousarray\(x\)"):
        wide = out((4, 4), np.uint64)[:, ::2]
        _core.hamming_matrix(wide, wide, out((4, 4), np.int32))
    for ranges in ([(0, 3)], [(-1, 2)], [(2, 1)]):
        with pytest.raises(ValueError, match="outside the code"):
            _core.hamming_paired(WORDS, WORDS, ranges, out((4, 1), np.int32))
    for k in (4, 100):
        with pytest.raises(ValueError, match=f"k is {k} but database is"):
            _core.top_k(WORDS, WORDS, True, out((4, k), np.int32), out((4, k), np.int64))
    with pytest.raises(ValueError, match="^indices "):
        _core.top_k(WORDS, WORDS, False, out((4, 2), np.int32), out((4, 1), np.int64))


def test_the_rest_of_the_family_refuses_wrong_arrays():
    distances = out((4, 1), np.int32)
    with pytest.raises(ValueError, match="^mask "):
        _core.hamming_paired(WORDS, WORDS, [(0, 2)], distances, WORDS[:1])
    with pytest.raises(TypeError, match="^mask "):
        _core.hamming_paired(WORDS, WORDS, [(0, 2)], distances, WORDS.astype(np.int64))
    for offsets in ([0, 5], [1, 4], [0, 3, 2, 4], []):
        reduced = out((max(len(offsets) - 1, 0), 2), np.uint64)
        with pytest.raises(ValueError, match="^offsets "):
            _core.reduce_differences(WORDS, np.array(offsets, np.int64), None, True, reduced)
    with pytest.raises(ValueError, match="^reference "):
        _core.reduce_differences(WORDS, np.array([0, 4]), WORDS, False, out((1, 2), np.uint64))
    with pytest.raises(ValueError, match="^out "):
        _core.reduce_differences(WORDS, np.array([0, 4]), None, False, out((2, 2), np.uint64))
    for function, shape, dtype in (
        (_core.column_counts, (100,), np.int64),
        (_core.transpose_bits, (100, 1), np.uint64),
    ):
        for bits in ([64], [64, 64, 1], [200], []):
            with pytest.raises(ValueError, match="^words "):
                function(WORDS, bits, out(shape, dtype))
        for bits in ([-1], [2**62, 2**62]):
            with pytest.raises(ValueError, match="^layer_bits "):
                function(WORDS, bits, out(shape, dtype))
        with pytest.raises(ValueError, match="^out "):
            function(WORDS, [65], out(shape, dtype))


def test_negative_strides_of_rows_work():
    distances = out((4, 4), np.int32)
    words = np.arange(8, dtype=np.uint64).reshape(4, 2)
    _core.hamming_matrix(words[::-1], words, distances)
    assert distances[0].tolist() == [4, 2, 2, 0]


def test_unpack_and_unique_refuse_wrong_outputs():
    with pytest.raises(ValueError, match="^words "):
        _core.unpack(WORDS, out((4, 200), bool))
    with pytest.raises(ValueError, match="^bits "):
        _core.unpack(WORDS, out((3, 128), bool))
    with pytest.raises(ValueError, match="^counts "):
        _core.unique(WORDS, out(4, np.int64), out(4, np.int64), out(3, np.int64))


def program(units=2):
    sweep = _core.SweepProgram()
    assert sweep.add_input(units) == 0
    return sweep


def test_a_sweep_checks_its_arrays():
    sweep = program()
    sweep.add_pieces(0, np.zeros((1, 2)), np.array([[0.0, 0], [1, 1]]), np.zeros((2, 2)))
    sweep.finish()
    a, b = np.array([[-1.0, 1.0]]), np.array([[1.0, 1.0]])
    events, codes, (offsets, knots, values), ambiguous, assumed = sweep.sweep(a, b, 1 << 20)
    assert knots.tolist() == [0, 0.5, 1]
    assert [column.tolist() for column in events[3:]] == [[0], [0], [1]]
    assert codes.tolist() == [[2]]
    assert offsets.tolist() == [0, 3]
    assert values.tolist() == [0, 1, 0, 1, 1, 1]
    assert len(ambiguous[0]) == len(assumed[0]) == 0
    with pytest.raises(ValueError, match="^b "):
        sweep.sweep(a, np.zeros((2, 2)), 1 << 20)
    with pytest.raises(TypeError, match="a has dtype"):
        sweep.sweep(a.astype(np.float32), b, 1 << 20)
    with pytest.raises(MemoryError, match="give it more"):
        sweep.sweep(a, b, 8)
    with pytest.raises(ValueError, match="empty"):
        _core.SweepProgram().sweep(a, b, 8)


def test_a_sweep_survives_nan_and_infinity():
    sweep = program()
    sweep.add_pieces(0, np.zeros((1, 2)), np.array([[0.0, 0], [1, 1]]), np.zeros((2, 2)))
    sweep.finish()
    for bad in (np.nan, np.inf, -np.inf):
        for ends in ([[bad, 1.0]], [[1.0, bad]]):
            with pytest.raises(OverflowError):
                sweep.sweep(np.array(ends), np.array([[-1.0, 1.0]]), 1 << 20)


@pytest.mark.parametrize(
    ("windows", "error", "message"),
    [
        ([[0, 2]], IndexError, "unit 2 of 2"),
        ([[0, -2]], IndexError, "unit -2"),
        ([[-1, -1]], ValueError, "holds no unit"),
        ([0, 1], ValueError, "^index "),
    ],
)
def test_windows_are_checked(windows, error, message):
    with pytest.raises(error, match=message):
        program().add_max(0, np.array(windows))


def test_steps_are_checked():
    norms = (np.zeros(1), np.zeros(1), np.zeros(1), 0.0, 0.0, 0.0, 1.0)
    zero = np.zeros(1)
    with pytest.raises(ValueError, match="another length"):
        empty = (np.zeros(0), np.zeros(0), np.zeros(0), *norms[3:])
        program().add_linear(0, np.zeros((1, 3)), zero, empty)
    with pytest.raises(IndexError, match="node 3 of 1"):
        program().add_sum([0, 3])
    with pytest.raises(IndexError, match="unit 5 of 2"):
        program().add_view([0], np.array([5]))
    with pytest.raises(ValueError, match="offsets must rise"):
        offsets, columns = np.array([0, 2]), np.array([0])
        program().add_sparse(0, offsets, columns, zero, zero, np.zeros(1, np.int64), norms)
    with pytest.raises(ValueError, match="^row1 "):
        program().add_scale(0, np.zeros(2), np.zeros(2), norms)


def test_lazy_negation_is_refused():
    torch = pytest.importorskip("torch")
    z = torch.randn(70, dtype=torch.complex64).conj().imag
    assert z.is_neg()
    with pytest.raises(ValueError, match="z is a lazy view"):
        pack(z)


def test_torch_tensors_that_cannot_be_borrowed():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="detach"):
        _core.pack(torch.zeros(3, requires_grad=True), out(1, np.uint64), 0.0)
    with pytest.raises(TypeError, match="z has dtype"):
        _core.pack(torch.zeros(3, dtype=torch.int16), out(1, np.uint64), 0.0)
    with pytest.raises((TypeError, ValueError, BufferError, RuntimeError)):
        _core.pack(torch.zeros(3).to_sparse(), out(1, np.uint64), 0.0)


def test_probes_refuse_nonsense():
    assert _core.cache_bytes(1) <= _core.cache_bytes(2)
    with pytest.raises(ValueError, match="level is 0; wanted 1, 2 or 3"):
        _core.cache_bytes(0)
    with pytest.raises(ValueError, match="bytes is 8; wanted at least 4096"):
        _core.probe_cache(8, 1.0)
    for seconds in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="seconds is .*; wanted a positive number"):
            _core.probe_shuffle(seconds)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("offsets", np.array([0, 2]), "offsets must go from 0 to 1"),
        ("offsets", np.array([0, 1, 1]), r"offsets is a int64 array of shape \(3,\)"),
        ("t", np.array([0.5, 0.5]), "offsets must go from 0 to 2"),
        ("places", np.array([128]), "places has 128 for codes of 2 words"),
        ("places", np.array([-1]), "places has -1 for codes of 2 words"),
        ("places", np.array([1.0]), "places has dtype float64; wanted int64"),
        ("places", np.array([1, 2]), r"places is a int64 array of shape \(2,\)"),
        ("knot_offsets", np.array([0, 4]), "knot_offsets must go from 0 to 3"),
        ("knots", np.zeros(1), "knot_offsets must go from 0 to 1"),
        ("words", WORDS, r"words is a uint64 array of shape \(4, 2\)"),
    ],
)
def test_piece_codes_refuses_what_does_not_fit(name, value, message):
    arrays = {
        "first": np.zeros((1, 2), np.uint64),
        "offsets": np.array([0, 1]),
        "t": np.array([0.5]),
        "places": np.array([127]),
        "knot_offsets": np.array([0, 3]),
        "knots": np.array([0, 0.5, 1]),
        "words": np.zeros((2, 2), np.uint64),
    }
    _core.piece_codes(**arrays)
    assert arrays["words"].tolist() == [[0, 0], [0, 1 << 63]]
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        _core.piece_codes(**arrays | {name: value})


def test_piece_codes_refuses_segments_without_pieces():
    first, knots, words = np.zeros((2, 1), np.uint64), np.zeros(3), np.zeros((1, 1), np.uint64)
    offsets, none = np.zeros(3, np.int64), np.zeros(0, np.int64)
    with pytest.raises(ValueError, match="knot_offsets gives segment 1 fewer than 2 knots"):
        _core.piece_codes(first, offsets, np.zeros(0), none, np.array([0, 2, 3]), knots, words)


def test_flip_bits_refuses_what_does_not_fit():
    words, one = WORDS.copy(), np.array([1])
    with pytest.raises(ValueError, match="rows has 4 for 4 rows of words"):
        _core.flip_bits(np.array([4]), one, words)
    with pytest.raises(ValueError, match="places has 128 for codes of 2 words"):
        _core.flip_bits(one, np.array([128]), words)
    with pytest.raises(ValueError, match=r"places is a int64 array of shape \(2,\)"):
        _core.flip_bits(one, np.array([1, 2]), words)
    assert not words.any()
