"""Every function of `_core.cuda`, through the public API and at small sizes, against the CPU.

For compute-sanitizer, so each array has memory of its own. Exits with 1 if an answer differs or a
function was never called.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.util import find_spec
from typing import Any

import numpy as np

import splinecode as sc
from splinecode import _core
from splinecode.kernels import run
from splinecode.runtime import cuda_route

BITS = 200
LAYERS = {"a": 130, "b": 70}

Move = Callable[[Any], Any]


def main() -> int:
    to_device, to_host = memory()
    with recorded() as called:
        failed = [name for name, call in CALLS.items() if not agrees(call, to_device, to_host)]
        for route in _core.cuda.routes():
            with cuda_route(route):
                failed += [
                    f"{name}, route {route}"
                    for name in ("nearest", "nearest of others", "many nearest", "wide")
                    if not agrees(CALLS[name], to_device, to_host)
                ]
    unused = functions() - called
    print(f"{len(CALLS)} calls; differing: {failed or 'none'}; not called: {unused or 'none'}")
    return 1 if failed or unused else 0


def memory() -> tuple[Move, Move]:
    """Return what moves a numpy array to the device and back, by cupy or else torch."""
    try:
        import cupy
    except ModuleNotFoundError:
        import torch

        return lambda array: torch.from_numpy(array).cuda(), lambda array: array.cpu().numpy()
    return cupy.asarray, lambda array: array.get() if hasattr(array, "get") else array


def take_no_pool() -> None:
    """Have cupy allocate each array alone: a pool hides what is read or written out of bounds."""
    if find_spec("cupy"):
        import cupy

        cupy.cuda.set_allocator(None)


def functions() -> set[str]:
    return {name for name in dir(_core.cuda) if not name.startswith("_")} - {
        "device_count",
        "status",
        "probe_b1",
    }


@contextmanager
def recorded() -> Iterator[set[str]]:
    """Give a set that receives the name of every function of `_core.cuda` that is called."""
    called: set[str] = set()

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any) -> Any:
            called.add(function.__name__)
            return function(*arguments)

        return call

    before = {name: getattr(_core.cuda, name) for name in functions()}
    for name, function in before.items():
        setattr(_core.cuda, name, noted(function))
    try:
        yield called
    finally:
        for name, function in before.items():
            setattr(_core.cuda, name, function)


def agrees(call: Callable[[Move], Any], to_device: Move, to_host: Move) -> bool:
    wanted = call(lambda array: array)
    try:
        found = call(to_device)
    except (RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
        print(f"{type(error).__name__}: {error}")
        return False
    return all(
        np.array_equal(to_host(ours), theirs)
        for ours, theirs in zip(arrays(found), arrays(wanted), strict=True)
    )


def arrays(answer: Any) -> list[Any]:
    """Flatten an answer: arrays, tuples of them, arrays of arrays, codes."""
    if isinstance(answer, sc.Codes):
        return [answer.words]
    if isinstance(answer, tuple | list) or str(getattr(answer, "dtype", "")) == "object":
        return [array for part in answer for array in arrays(part)]
    return [answer]


# --- the calls --------------------------------------------------------------------------------


def bits(rows: int, units: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, units)) < 0.4


def words(rows: int = 150, units: int = BITS, seed: int = 0) -> np.ndarray:
    return sc.pack(bits(rows, units, seed))


def codes(move: Move, rows: int = 150, seed: int = 0) -> sc.Codes:
    """Codes of two layers, a third of them repeated."""
    drawn = bits(rows, BITS, seed)[np.arange(rows) % (2 * rows // 3)]
    parts = np.split(drawn, [LAYERS["a"]], axis=1)
    return sc.Codes(move(np.hstack([sc.pack(part) for part in parts])), LAYERS)


def floats(dtype: str) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((33, BITS)).astype(dtype)


def nearest(move: Move, k: int, own: bool, units: int = BITS) -> Any:
    index = sc.HammingNeighbors(k).fit(move(words(units=units)))
    return index.kneighbors(None if own else move(words(9, units, seed=1)))


def within(move: Move) -> Any:
    index = sc.HammingNeighbors(radius=90).fit(move(words()))
    queries = move(words(9, seed=1))
    return index.radius_neighbors(queries), index.radius_counts(queries), index.radius_counts()


def from_host(move: Move) -> Any:
    """Search on the device in a database in host memory; where the arrays are numpy's, there."""
    on_host = isinstance(move(words(1)), np.ndarray)
    index = sc.HammingNeighbors(7, device=None if on_host else "cuda")
    return index.fit(words()).kneighbors(words(9, seed=1))


def along_segments(move: Move) -> Any:
    """Codes of the pieces of two segments, and those of their last pieces alone."""
    knots = [np.linspace(0, 1, n) for n in (4, 300)]
    t = [np.repeat(one[1:-1], 2) for one in knots]
    offsets, knot_offsets = (np.cumsum([0, *map(len, lists)]) for lists in (t, knots))
    places = np.random.default_rng(0).integers(64 * 33, size=offsets[-1])
    segment = np.repeat([0, 1], np.diff(offsets))
    columns = (offsets, np.concatenate(t), places, knot_offsets, np.concatenate(knots))
    codes = move(np.zeros((302, 33), np.uint64))
    run(_core.piece_codes, codes, move(words(2, 64 * 33)), *map(move, columns), codes)
    last = move(words(2, 64 * 33))
    run(_core.flip_bits, last, *map(move, (segment, places)), last)
    return codes, last


def crossed(move: Move, precision: str = "float64") -> Any:
    """Sweep segments: what of it is the same on both sides to the last bit."""
    network = network_of_all_steps()
    a, b = (move(end) for end in np.random.default_rng(1).standard_normal((2, 2, 1, 4, 4)))
    on_host = isinstance(a, np.ndarray)
    found = sc.crossings(network, a, b, precision="float64" if on_host else precision)
    if precision == "float32":  # which may find others, in another order
        return found.offsets[:1], found.knot_offsets[:1]
    places = (found.offsets, found.layer, found.unit, found.direction, found.knot_offsets)
    return *places, found.codes()


def network_of_all_steps() -> Any:
    """Convolutions, pool, shortcut, and a layer so wide that its new rows are made on chords."""
    import torch

    from splinecode import steps
    from splinecode.network import Network, Node

    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    ones = ((1, 1),) * 3
    conv, again = (steps.Conv(normal(2, n, 3, 3), normal(2), *ones, 1, (n, 4, 4)) for n in (1, 2))
    index = torch.tensor([[0, 1, 4], [2, 3, -1], [16, 17, 20], [30, 31, 27]])
    wide = steps.Linear(normal(520, 36) / 6, normal(520))
    return Network(
        [
            Node(steps.Input(), (), "input", (1, 4, 4)),
            Node(conv, (0,), "conv", (2, 4, 4)),
            Node(steps.clamp(32, 0.0, 6.0), (1,), "relu6", (2, 4, 4)),
            Node(again, (2,), "again", (2, 4, 4)),
            Node(steps.Sum(), (1, 3), "sum", (2, 4, 4)),
            Node(steps.MaxWindows(index), (4,), "pool", (4,)),
            Node(steps.Gather(torch.arange(32)), (4,), "flat", (32,)),
            Node(steps.Concat(), (5, 6), "concat", (36,)),
            Node(steps.relu(36, 0.25), (7,), "leaky", (36,)),
            Node(wide, (8,), "wide", (520,)),
            Node(steps.relu(520), (9,), "relu", (520,)),
            Node(steps.Linear(normal(3, 520), normal(3)), (10,), "out", (3,)),
        ]
    )


CALLS: dict[str, Callable[[Move], Any]] = {
    **{
        f"pack {dtype}": lambda move, dtype=dtype: sc.pack(move(floats(dtype)))
        for dtype in ("float64", "float32", "float16")
    },
    "pack bool": lambda move: sc.pack(move(bits(33, BITS, 0))),
    "pack strided": lambda move: sc.pack(move(floats("float32")).T),
    "unpack": lambda move: sc.unpack(move(words()), BITS),
    "paired": lambda move: sc.hamming(codes(move), codes(move, seed=1), per_layer=True),
    "masked": lambda move: sc.hamming(
        move(words()), move(words(seed=1)), mask=move(words(1, seed=2)[0].copy())
    ),
    "flipped": lambda move: sc.flipped_any(codes(move), [0, 3, 90, 150]),
    "flipped all": lambda move: sc.flipped_all(codes(move), [0, 3, 90, 150]),
    "firing": lambda move: sc.firing_counts(codes(move)),
    "cofiring": lambda move: sc.cofiring(codes(move)),
    "order": lambda move: codes(move).argsort(),
    "unique": lambda move: tuple(codes(move).unique()),
    "match": lambda move: sc.sets.isin(codes(move), codes(move, seed=0, rows=60)),
    "matrix": lambda move: sc.hamming_matrix(move(words()), move(words(40, seed=1))),
    "matrix uint16": lambda move: sc.hamming_matrix(
        move(words()), move(words(40, seed=1)), dtype="uint16"
    ),
    "symmetric": lambda move: sc.hamming_matrix(move(words())),
    "condensed": lambda move: sc.hamming_matrix(move(words()), form="condensed"),
    "within": within,
    "nearest": lambda move: nearest(move, 10, own=True),
    "nearest of others": lambda move: nearest(move, 10, own=False),
    "many nearest": lambda move: nearest(move, 149, own=True),
    "wide": lambda move: nearest(move, 3, own=False, units=5000),
    "from host memory": from_host,
    "along segments": along_segments,
    "crossings": crossed,
    "crossings in float32": lambda move: crossed(move, "float32"),
}


if __name__ == "__main__":
    take_no_pool()
    sys.exit(main())
