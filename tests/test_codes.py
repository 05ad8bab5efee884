import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from splinecode import Codes, Layer, pack


def make_codes(n=5, seed=0, library="numpy", layers=(("a", 3), ("b.c", 64), ("b.d", 70))):
    rng = np.random.default_rng(seed)
    words = np.concatenate([pack(rng.random((n, bits)) < 0.5) for _, bits in layers], axis=1)
    if library == "torch":
        import torch

        words = torch.from_numpy(words)
    return Codes(words, dict(layers))


def test_layers_are_views_on_words(library):
    codes = make_codes(library=library)
    assert [codes.word_range(i) for i in range(3)] == [(0, 1), (1, 2), (2, 4)]
    assert codes.n_bits == 137
    layer = codes.layer("b.d")
    assert layer.layers == (Layer("b.d", 70),)
    assert layer == codes.layer(-1)
    np.testing.assert_array_equal(np.asarray(layer.words), np.asarray(codes.words[:, 2:]))


def test_select_by_glob_keeps_the_order(library):
    codes = make_codes(library=library)
    assert [layer.name for layer in codes.select("b.*", "a").layers] == ["a", "b.c", "b.d"]
    both = codes.select("b.*")
    np.testing.assert_array_equal(np.asarray(both.bits()), np.asarray(codes.bits())[:, 3:])
    with pytest.raises(KeyError, match="no layer matches 'x'"):
        codes.select("x")


def test_a_glob_means_every_run_of_a_module_or_one():
    layers = [Layer(name, 3) for name in ("r", "r#2", "r#10", "rr")]
    codes = Codes(np.zeros((2, 4), np.uint64), layers)
    for globs, wanted in (
        (["r"], [0, 1, 2]),
        (["r#2"], [1]),
        (["?"], [0, 1, 2]),
        (["*#*"], [1, 2]),
    ):
        assert codes.select(*globs).layers == tuple(layers[i] for i in wanted)


def test_indexing_keeps_the_type(library):
    codes = make_codes(7, library=library)
    assert len(codes[2]) == 1
    assert codes[2] == codes[2:3] == codes[-5]
    assert len(codes[::2]) == 4
    assert codes[np.array([1, 1, 0])][0] == codes[1]
    assert [len(code) for code in codes] == [1] * 7
    with pytest.raises(IndexError):
        codes[7]


def test_concatenate_and_equality(library):
    codes = make_codes(6, library=library)
    assert Codes.concatenate([codes[:2], codes[2:2], codes[2:]]) == codes
    assert codes != codes[:5]
    assert codes != make_codes(6, seed=1, library=library)
    assert codes != Codes(codes.words, {"a": 3, "b.c": 64, "other": 70})
    assert codes != "codes"


def test_the_two_libraries_are_not_equal_silently():
    pytest.importorskip("torch")
    assert make_codes() != make_codes(library="torch")
    with pytest.raises(ValueError, match="numpy array on cpu and a later part a torch"):
        Codes.concatenate([make_codes(), make_codes(library="torch")])


@given(st.lists(st.lists(st.booleans(), min_size=65, max_size=65), max_size=12))
def test_unique_agrees_with_the_oracle(bits):
    rows = np.array(bits, dtype=bool).reshape(len(bits), 65)
    rows[:, 2:64] = False  # few distinct codes
    codes = Codes.from_words(pack(rows), 65)
    distinct, inverse, counts = oracle.unique([oracle.pack_words(row) for row in rows.tolist()])
    found = codes.unique()
    assert [tuple(row) for row in found.codes.words.tolist()] == distinct
    assert found.inverse.tolist() == inverse
    assert found.counts.tolist() == counts
    assert found.codes[found.inverse] == codes


def test_unique_of_a_layer_and_of_torch(library):
    codes = make_codes(50, layers=(("a", 3), ("b", 5)), library=library)
    found = codes.layer("a").unique()
    assert len(found.codes) <= 8
    assert int(found.counts.sum()) == 50
    assert found.codes[found.inverse] == codes.layer("a")


def test_repr_tells_what_it_holds(library):
    text = repr(make_codes(1234, library=library))
    assert text.startswith("Codes(1,234 codes of 137 bits, layers {a: 3, b.c: 64, b.d: 70}")
    assert library in text


def test_codes_without_bits_or_rows():
    empty = Codes(np.empty((3, 0), np.uint64), {})
    assert empty.n_bits == 0
    assert empty.bits().shape == (3, 0)
    assert len(empty.unique().codes) == 1
    assert len(make_codes(0).unique().codes) == 0


@pytest.mark.parametrize(
    ("words", "layers", "message"),
    [
        (np.zeros((2, 2), np.uint64), {"a": 64}, r"words has shape \(2, 2\); wanted \(n, 1\)"),
        (np.zeros(2, np.uint64), {"a": 64}, "wanted"),
        (np.full((2, 1), 8, np.uint64), {"a": 3}, "bit set above the 3 units of layer 'a'"),
        (np.zeros((2, 1), np.uint64), {"a": -1}, "-1 bits"),
        (np.zeros((2, 2), np.uint64), [Layer("a", 3), Layer("a", 3)], "name twice"),
    ],
)
def test_bad_words_are_refused(words, layers, message):
    with pytest.raises(ValueError, match=message):
        Codes(words, layers)


def test_bad_types_are_refused():
    with pytest.raises(TypeError, match="words has dtype int64; wanted uint64"):
        Codes(np.zeros((2, 1), np.int64), {"a": 3})
    with pytest.raises(TypeError, match="words is a list"):
        Codes([[1]], {"a": 3})
    with pytest.raises(KeyError, match="no layer is named 'z'"):
        make_codes().layer("z")
    with pytest.raises(IndexError):
        make_codes().layer(3)
    with pytest.raises(ValueError, match="parts is empty"):
        Codes.concatenate([])
    with pytest.raises(ValueError, match="wanted the same layers"):
        Codes.concatenate([make_codes(), make_codes().layer("a")])
