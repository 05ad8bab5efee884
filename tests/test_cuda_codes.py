"""Codes and sets of them on a GPU: the answers of the CPU, bit for bit."""

import pickle

import numpy as np
import pytest

from gpu_arrays import LAYOUTS, in_wider_rows, make, same, sized, to_gpu
from splinecode import Codes, pack, sets, unpack

pytestmark = pytest.mark.gpu

SHAPES = [(1, 1), (3, 63), (5, 64), (7, 65), (2, 3, 100), (0, 5), (4, 0)]
SIZES = sized([0, 1, 2, 33, 5000], [0, 1, 2, 33])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bool"])
@pytest.mark.parametrize("shape", [*SHAPES, sized((70_000, 33), (300, 33))])
def test_pack(gpu_library, dtype, shape):
    z = np.random.default_rng(0).standard_normal(shape)
    z[..., :1] = 0.0
    z = z > 0 if dtype == "bool" else z.astype(dtype)
    on_gpu = to_gpu(z, gpu_library)
    same(pack(on_gpu), pack(z))
    if dtype != "bool":
        same(pack(on_gpu, 0.3, nan="inactive"), pack(z, 0.3))
    same(pack(on_gpu[..., ::2]), pack(z[..., ::2]))
    if z.ndim == 2:
        same(pack(on_gpu.T), pack(z.T))


def test_pack_bfloat16_of_all_bit_patterns(torch_on_gpu):
    torch = torch_on_gpu
    z = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    for threshold in (0.0, 0.1, -3.0):
        ours = pack(z.cuda(), threshold, nan="inactive").cpu()
        assert torch.equal(ours, pack(z, threshold, nan="inactive"))


def test_first_nan(gpu_library):
    z = np.ones((500, 129), np.float32)
    z[321, 77] = z[400, 3] = np.nan
    with pytest.raises(ValueError, match=r"first at index \(321, 77\)"):
        pack(to_gpu(z, gpu_library))


@pytest.mark.parametrize("bits", [0, 1, 63, 64, 65, 200])
def test_unpack(gpu_library, bits):
    for shape in ((0,), (5,), (2, 3)):
        wanted = np.random.default_rng(bits).random((*shape, bits)) < 0.5
        same(unpack(to_gpu(pack(wanted), gpu_library), bits), wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bits_of_layers(gpu_library, layout):
    codes = make(33, layout)
    on_gpu = to_gpu(codes, gpu_library)
    same(on_gpu.bits(), codes.bits())
    for layer in codes.layers:
        same(on_gpu.bits(layer.name), codes.bits(layer.name))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("density", [0.0, 0.01, 0.5])
def test_order_and_distinct_codes(gpu_library, n, density):
    codes = make(n, (65, 3), density, seed=n)
    for layer in (slice(None), 0, 1):
        one = codes if layer == slice(None) else codes.layer(layer)
        on_gpu = to_gpu(codes, gpu_library)
        ours = on_gpu if layer == slice(None) else on_gpu.layer(layer)
        same(ours.argsort(), one.argsort())
        same(ours.sort(), one.sort())
        same(ours.unique(), one.unique())


def test_words_are_sorted_as_unsigned(gpu_library):
    words = np.array([[2**63, 0], [1, 2**63], [2**64 - 1, 5], [1, 7], [0, 0], [1, 7]], np.uint64)
    codes = Codes.from_words(words, 128)
    same(to_gpu(codes, gpu_library).argsort(), codes.argsort())


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("m", [0, 1, 40])
def test_sets(gpu_library, n, m):
    # A few distinct codes, so that both sides hold some of the other's.
    a, b = make(n, (5, 64), 0.02, seed=1), make(m, (5, 64), 0.02, seed=2)
    ours = to_gpu(a, gpu_library), to_gpu(b, gpu_library)
    for operation in (sets.isin, sets.intersection, sets.union, sets.difference, sets.shared):
        same(operation(*ours), operation(a, b))


def test_sets_of_layers(gpu_library):
    a, b = make(30, (65, 3), 0.1, seed=1), make(20, (65, 3), 0.1, seed=2)
    ours = [to_gpu(codes, gpu_library).layer(1) for codes in (a, b)]
    same(sets.union(*ours), sets.union(a.layer(1), b.layer(1)))
    same(sets.shared(*ours), sets.shared(a.layer(1), b.layer(1)))


def test_indexing_and_joining(gpu_library):
    codes = make(9, (3, 130, 64))
    ours = to_gpu(codes, gpu_library)
    rows = np.array([4, 0, 4])
    chosen = np.arange(9) % 2 == 0
    same(ours[3], codes[3])
    same(ours[2:7:2], codes[2:7:2])
    same(ours[to_gpu(rows, gpu_library)], codes[rows])
    same(ours[to_gpu(chosen, gpu_library)], codes[chosen])
    same(ours.select("layer0", "layer2"), codes.select("layer0", "layer2"))
    same(Codes.concatenate([ours, ours[:2]]), Codes.concatenate([codes, codes[:2]]))


def test_equality(gpu_library):
    codes = make(9)
    ours = to_gpu(codes, gpu_library)
    assert ours == to_gpu(codes, gpu_library)
    assert ours != ours[:8]
    assert ours != codes
    changed = codes.words.copy()
    changed[8, 1] ^= np.uint64(1 << 63)
    assert ours != to_gpu(Codes(changed, codes.layers), gpu_library)


def test_pickles(gpu_library):
    ours = to_gpu(make(9), gpu_library)
    assert pickle.loads(pickle.dumps(ours)) == ours


@pytest.mark.parametrize("bit", [0, 61, 191])
def test_pad_bits_must_be_zero(gpu_library, bit):
    codes = make(5, (3, 130))
    words = codes.words.copy()
    pads = [*range(3, 64), *range(64 + 130, 256)]
    place = pads[bit % len(pads)]
    words[4, place // 64] |= np.uint64(1 << place % 64)
    name = "layer0" if place < 64 else "layer1"
    with pytest.raises(ValueError, match=rf"units of layer '{name}'; pad bits must be zero"):
        Codes(to_gpu(words, gpu_library), codes.layers)


def test_rows_may_be_any_stride_apart(gpu_library):
    codes = make(20, (65, 3), 0.1)
    wide, inside = in_wider_rows(codes.words)
    ours = Codes(to_gpu(wide, gpu_library)[:, inside], codes.layers)
    same(ours.unique(), codes.unique())
    same(ours.bits(), codes.bits())
    same(sets.union(ours, ours), sets.union(codes, codes))


def test_codes_of_a_network(torch_on_gpu):
    torch = torch_on_gpu
    from splinecode import spline_codes

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 70), torch.nn.ReLU(), torch.nn.Linear(70, 2))
    net = net.double().eval().cuda()
    x = torch.randn(100, 3, dtype=torch.float64, device="cuda")
    codes = spline_codes(net, x, batch_size=33)
    assert codes.words.is_cuda
    same(codes.words, pack(net[0](x).detach().cpu().numpy()))
