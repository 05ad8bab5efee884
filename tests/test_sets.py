import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import splinecode as sc
from splinecode import Codes, pack, sets

ROWS = st.lists(st.lists(st.booleans(), min_size=4, max_size=4), max_size=14)


def make(rows, library="numpy"):
    """Codes of two layers whose few bits stand in the first and in the last word."""
    bits = np.zeros((len(rows), 70 + 64), bool)
    bits[:, [0, 1, 69, 70]] = np.array(rows, bool).reshape(len(rows), 4)
    words = np.concatenate([pack(bits[:, :70]), pack(bits[:, 70:])], axis=1)
    if library == "torch":
        import torch

        words = torch.from_numpy(words)
    return Codes(words, {"a": 70, "b": 64})


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@given(st.data())
def test_sets_agree_with_the_oracle(kind, data):
    if kind == "torch":
        pytest.importorskip("torch")
    a, b = (make(data.draw(ROWS), kind) for _ in range(2))
    told = oracle.shared(a.words.tolist(), b.words.tolist())
    both = [row for row in told if row[1] >= 0 and row[2] >= 0]
    only_a = [row for row in told if row[2] < 0]

    assert sets.isin(a, b).tolist() == [row in b.words.tolist() for row in a.words.tolist()]

    codes, a_index, b_index = sets.intersection(a, b)
    assert [tuple(row) for row in codes.words.tolist()] == [row[0] for row in both]
    assert (a_index.tolist(), b_index.tolist()) == ([r[1] for r in both], [r[2] for r in both])
    assert a[a_index] == b[b_index] == codes

    codes, a_counts, b_counts = sets.shared(a, b)
    assert [tuple(row) for row in codes.words.tolist()] == [row[0] for row in both]
    assert (a_counts.tolist(), b_counts.tolist()) == ([r[3] for r in both], [r[4] for r in both])

    codes, a_index = sets.difference(a, b)
    assert [tuple(row) for row in codes.words.tolist()] == [row[0] for row in only_a]
    assert a_index.tolist() == [row[1] for row in only_a]

    codes, a_inverse, b_inverse = sets.union(a, b)
    assert [tuple(row) for row in codes.words.tolist()] == [row[0] for row in told]
    assert codes[a_inverse] == a
    assert codes[b_inverse] == b


@given(ROWS)
def test_sort_agrees_with_the_oracle(rows):
    codes = make(rows)
    order = codes.argsort()
    assert order.dtype == np.int64
    assert order.tolist() == oracle.argsort(codes.words.tolist())
    assert codes.sort().words.tolist() == sorted(codes.words.tolist())


def test_layers_are_read_in_place(library):
    rows = np.random.default_rng(0).random((500, 4)) < 0.5
    codes = make(rows, library)
    for name in ("a", "b"):
        layer = codes.layer(name)
        copied = Codes(layer.words + 0 if library == "numpy" else layer.words.clone(), layer.layers)
        assert layer.unique().codes == copied.unique().codes
        assert layer.sort() == copied.sort()
        assert bool(sets.isin(layer[:100], copied[100:]).any())
        backwards = sets.intersection(layer[np.arange(500)[::-1].copy()], copied)
        assert backwards.codes == copied.unique().codes


def test_answers_do_not_depend_on_threads():
    random = np.random.default_rng(1)
    words = random.integers(100, size=(30_000, 2), dtype=np.uint64)
    codes = Codes(words, {"a": 128})
    wanted = np.unique(words, axis=0, return_inverse=True, return_counts=True)
    lexicographic = np.lexsort(words.T[::-1])
    for n in (1, 2, 5):
        with sc.threads(n):
            found = codes.unique()
            np.testing.assert_array_equal(found.codes.words, wanted[0])
            np.testing.assert_array_equal(found.inverse, wanted[1].ravel())
            np.testing.assert_array_equal(found.counts, wanted[2])
            np.testing.assert_array_equal(codes.argsort(), lexicographic)
            inside = sets.isin(codes, codes[:5_000])
            np.testing.assert_array_equal(inside, np.isin(found.inverse, found.inverse[:5_000]))


def test_read_only_and_memory_mapped_words(tmp_path):
    words = np.random.default_rng(2).integers(5, size=(40, 3), dtype=np.uint64)
    np.save(tmp_path / "words.npy", words)
    mapped = Codes(np.load(tmp_path / "words.npy", mmap_mode="r"), {"a": 192})
    codes = Codes(words, {"a": 192})
    np.testing.assert_array_equal(mapped.unique().codes.words, codes.unique().codes.words)
    np.testing.assert_array_equal(mapped.argsort(), codes.argsort())
    assert sets.isin(mapped, codes).all()


def test_other_layouts_and_types_are_refused():
    codes = make([[True] * 4])
    with pytest.raises(ValueError, match="wanted the same layers"):
        sets.isin(codes, codes.layer("a"))
    with pytest.raises(TypeError, match="b is a ndarray; wanted Codes"):
        sets.union(codes, codes.words)
    fortran = Codes(np.asfortranarray(np.zeros((4, 3), np.uint64)), {"a": 134, "b": 0})
    for ask in (fortran.unique, fortran.argsort, lambda: sets.isin(fortran, fortran)):
        with pytest.raises(ValueError, match="side by side within a code"):
            ask()
    torch = pytest.importorskip("torch")
    other = Codes(torch.from_numpy(codes.words), {"a": 70, "b": 64})
    with pytest.raises(ValueError, match="numpy array on cpu and b a torch array"):
        sets.shared(codes, other)
