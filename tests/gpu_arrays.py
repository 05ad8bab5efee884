"""Arrays and codes on a GPU beside the same ones on the CPU. Emulated kernels get small ones."""

import importlib

import numpy as np

from splinecode import Codes, _core, pack

EMULATED = _core.cuda_emulated


def sized(on_gpu, emulated):
    """Return what a GPU can do, or the little that the emulator can."""
    return emulated if EMULATED else on_gpu


def to_gpu(array, library, device=0):
    """Copy a numpy array, or Codes of one, to a GPU."""
    if isinstance(array, Codes):
        return Codes(to_gpu(array.words, library, device), array.layers)
    module = importlib.import_module(library)
    if library == "torch":
        return module.from_numpy(np.array(array)).to(f"cuda:{device}")
    with module.cuda.Device(device):
        return module.asarray(array)


def to_cpu(array):
    """Copy an array, or Codes, back; numpy's are returned as they are."""
    if isinstance(array, Codes):
        return Codes(to_cpu(array.words), array.layers)
    if isinstance(array, np.ndarray):
        return array
    return array.cpu().numpy() if hasattr(array, "cpu") else array.get()


def is_on_gpu(array):
    words = array.words if isinstance(array, Codes) else array
    return not isinstance(words, np.ndarray) and "cuda" in str(getattr(words, "device", "")).lower()


def same(ours, theirs):
    """Assert that results on a GPU are those of the CPU, bit for bit, and of its dtypes."""
    if isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            same(one, other)
        return
    if isinstance(theirs, Codes):
        assert ours.layers == theirs.layers
        ours, theirs = ours.words, theirs.words
    if theirs is None or np.isscalar(theirs):
        assert type(ours) is type(theirs)
        np.testing.assert_array_equal(ours, theirs)
        return
    assert not isinstance(ours, np.ndarray), "the result is on the CPU"
    ours = to_cpu(ours)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


LAYOUTS = [(1,), (64,), (65,), (3, 130), (64, 0, 7)]


def make(n, layout=(3, 130), density=0.5, seed=0):
    """Codes of n inputs on the CPU; some are equal, if there are several."""
    rng = np.random.default_rng(seed)
    layers = [rng.random((n, bits)) < density for bits in layout]
    for bits in layers:
        bits[n // 2 :][::3] = bits[: len(bits[n // 2 :][::3])]
    words = np.concatenate([pack(bits) for bits in layers], axis=1)
    return Codes(words, {f"layer{i}": bits for i, bits in enumerate(layout)})


def in_wider_rows(words):
    """The same words in the middle of wider rows."""
    wide = np.full((len(words), words.shape[1] + 3), 2**64 - 1, np.uint64)
    wide[:, 1 : 1 + words.shape[1]] = words
    return wide, slice(1, 1 + words.shape[1])
