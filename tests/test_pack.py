import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracle
from splinecode import pack, unpack


def as_words(bits):
    """The documented layout, by numpy."""
    n = bits.shape[-1]
    padded = np.zeros((*bits.shape[:-1], -(-n // 64) * 64), bool)
    padded[..., :n] = bits
    return np.packbits(padded, axis=-1, bitorder="little").view("<u8")


def same(words, bits):
    words = np.asarray(words)
    wanted = as_words(np.asarray(bits))
    assert words.shape == wanted.shape
    np.testing.assert_array_equal(words, wanted)


SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9) | st.tuples(
    st.integers(0, 3), st.integers(0, 300)
)
FLOATS = st.sampled_from([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, 0.5]) | st.floats(
    allow_nan=False, width=16
)


@given(st.data(), st.sampled_from(["float64", "float32", "float16"]))
def test_pack_is_packbits_of_the_comparison(data, dtype):
    z = data.draw(hnp.arrays(dtype, SHAPES, elements=FLOATS))
    threshold = data.draw(st.sampled_from([0.0, 0.5, -0.5, 0.1, -1e-60, -np.inf]))
    words = pack(z, threshold)
    assert words.dtype == np.uint64
    same(words, z > z.dtype.type(threshold))


@given(hnp.arrays(bool, SHAPES))
def test_booleans_pack_as_they_are_and_unpack_inverts(bits):
    words = pack(bits)
    same(words, bits)
    np.testing.assert_array_equal(unpack(words, bits.shape[-1]), bits)


@given(st.data())
def test_any_strides(data):
    z = data.draw(hnp.arrays("float32", (4, 5, 66), elements=FLOATS))
    views = [
        z.T,
        z[::-1, ::2],
        z[..., ::-1],
        z[:, None, 1:, 3:40],
        np.broadcast_to(z[0], z.shape),
        np.moveaxis(z, 0, 1),
        z[:, :, :1],
        z[:, 2],
    ]
    for view in views:
        same(pack(view), view > 0)


def test_every_level_agrees(simd_level):
    rng = np.random.default_rng(0)
    for n in [1, 31, 64, 65, 1000]:
        z = rng.standard_normal((7, n))
        for dtype in ("float64", "float32", "float16"):
            same(pack(z.astype(dtype)), z.astype(dtype) > 0)


def test_agrees_with_the_oracle():
    z = np.array([[0.0, -0.0, 1e-300, -1e-300, 2.0], [np.inf, -np.inf, 1.0, -1.0, 0.0]])
    bits = oracle.codes_of(z.tolist())
    assert pack(z).tolist() == [oracle.pack_words(row) for row in bits]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "bool"])
def test_torch_tensors(dtype):
    torch = pytest.importorskip("torch")
    z = torch.randn(3, 4, 130).to(getattr(torch, dtype))
    z[0, 0, :5] = 0
    for view in (z, z.transpose(0, 2), z[:, ::2], z.unsqueeze(1).expand(3, 2, 4, 130)):
        words = pack(view)
        assert words.dtype == torch.uint64
        same(words, (view > 0).numpy())
        torch.testing.assert_close(unpack(words, view.shape[-1]), view > 0)


def test_bfloat16_threshold_is_rounded_as_torch_rounds_it():
    torch = pytest.importorskip("torch")
    z = torch.tensor([0.0996, 0.1, 0.10009765625, 0.1006]).bfloat16()
    same(pack(z, 0.1), (z > 0.1).numpy())


def test_a_nan_is_found_where_it_is():
    z = np.ones((5, 300), np.float32)
    z[3, 257] = np.nan
    with pytest.raises(ValueError, match=r"z holds a NaN, first at index \(3, 257\)"):
        pack(z)
    z_bits = z > 0
    same(pack(z, nan="inactive"), z_bits)
    with pytest.raises(ValueError, match=r"index \(257, 3\)"):
        pack(z.T)


def test_read_only_and_memory_mapped_input(tmp_path):
    z = np.random.default_rng(1).standard_normal((6, 70)).astype(np.float32)
    np.save(tmp_path / "z.npy", z)
    same(pack(np.load(tmp_path / "z.npy", mmap_mode="r")), z > 0)
    z.flags.writeable = False
    same(pack(z), z > 0)


def test_large_input_on_many_threads():
    z = np.random.default_rng(2).standard_normal((3000, 999)).astype(np.float32)
    same(pack(z), z > 0)


def test_large_results_belong_to_the_library_asked():
    torch = pytest.importorskip("torch")
    z = torch.zeros(1 << 19, 1)
    z[7] = 1
    words = pack(z)
    assert words.dtype == torch.uint64
    assert words.numel() * 8 == 4 << 20
    assert words.view(torch.int64).nonzero().tolist() == [[7, 0]]
