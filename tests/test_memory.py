"""Read-only, memory-mapped and strided words, and work that needs more memory than there is."""

import subprocess
import sys

import numpy as np
import pytest

import splinecode as sc
from splinecode import Codes, HammingNeighbors, _core, hamming, hamming_matrix, pack, unpack

LAYERS = {"a": 70, "b": 64}


def make(n=40, seed=0):
    bits = np.random.default_rng(seed).random((n, 134)) < 0.5
    return np.concatenate([pack(bits[:, :70]), pack(bits[:, 70:])], axis=1)


def answers(words):
    """Everything that reads words, of all three words and of a layer's slice."""
    index = HammingNeighbors(3).fit(words)
    codes = Codes(words, LAYERS)
    return [
        hamming(words[1:], words[:-1]),
        hamming(codes[1:], codes[:-1], per_layer=True),
        hamming_matrix(words),
        *index.kneighbors(),
        *index.kneighbors(words[:5]),
        *(np.concatenate(lists) for lists in index.radius_neighbors(words[:5], 60)),
        codes.bits(),
        codes.unique().codes.words,
        codes.layer("a").unique().inverse,
        codes.argsort(),
        sc.sets.isin(codes[:5], codes[3:]),
    ]


def same(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_memory_mapped_words_are_read_in_place(tmp_path):
    words = make()
    words.tofile(tmp_path / "words")
    mapped = np.memmap(tmp_path / "words", np.uint64, mode="r", shape=words.shape)
    assert not mapped.flags.writeable
    same(answers(mapped), answers(words))
    np.testing.assert_array_equal(mapped, words)


def test_read_only_words():
    words = make()
    wanted = answers(words)
    words.flags.writeable = False
    same(answers(words), wanted)


def test_rows_may_be_any_stride_apart():
    wide = np.zeros((80, 9), np.uint64)
    wide[::2, 4:7] = make()
    same(answers(wide[::2, 4:7]), answers(make()))
    backwards = wide[78::-2, 4:7]
    same(answers(backwards), answers(make()[::-1].copy()))
    repeated = np.broadcast_to(make()[:1], (6, 3))
    same(answers(repeated), answers(repeated.copy()))


def test_words_that_are_not_side_by_side_are_refused_with_the_cure(library):
    words = np.asfortranarray(make())
    if library == "torch":
        import torch

        words = torch.from_numpy(words)
    cure = r"lie side by side within a code .*ascontiguousarray\(\w+\) or \w+\.contiguous\(\)"
    for ask in (
        lambda: hamming(words, words),
        lambda: hamming_matrix(words),
        lambda: HammingNeighbors(1).fit(words).kneighbors(),
        lambda: unpack(words, 192),
        lambda: Codes(words, LAYERS).unique(),
        lambda: Codes(words, LAYERS).sort(),
    ):
        with pytest.raises(ValueError, match=cure):
            ask()
    contiguous = np.ascontiguousarray(words) if library == "numpy" else words.contiguous()
    same(answers(np.asarray(contiguous)), answers(make()))


def test_more_memory_than_there_is_is_refused_before_the_start():
    word = np.ones((1, 1), np.uint64)
    many = np.broadcast_to(word, (10**13, 1))
    codes = Codes._trusted(many, (sc.Layer("a", 64),))
    with pytest.raises(MemoryError, match=r"bits of 10000000000000 codes, a byte each, take 640"):
        unpack(many, 64)
    for ask in (codes.unique, codes.argsort, lambda: sc.sets.isin(codes, codes)):
        with pytest.raises(MemoryError):
            ask()
    with pytest.raises(MemoryError, match=r"x take 9\.2 EB of memory, and .* are available"):
        _core.need_memory(2**63 - 1, "x")
    _core.need_memory(0, "nothing")


def test_a_limit_on_addresses_is_seen():
    pytest.importorskip("resource")
    program = (
        "import resource, splinecode\n"
        "from splinecode import _core\n"
        "resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))\n"
        "_core.need_memory(1 << 26, 'little')\n"
        "try:\n"
        "    _core.need_memory(9 << 30, 'much')\n"
        "except MemoryError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("much take 9.7 GB of memory, and ")
