"""The specification against cases worked out by hand, and its steps against torch's."""

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from oracle import (
    AvgPool2d,
    ChannelAffine,
    Conv2d,
    Event,
    Flatten,
    Linear,
    MaxPool2d,
    OracleResult,
    ReLU,
    Shape,
    Step,
    Values,
    argsort,
    code_at_interval,
    codes_of,
    cofiring,
    condensed,
    consecutive,
    crossings,
    evaluate,
    exactly,
    expected_hamming,
    firing_counts,
    flipped,
    from_start,
    hamming,
    hamming_by_layer,
    hamming_masked,
    hamming_matrix,
    hamming_weighted,
    intersection,
    jaccard,
    nearest_by_class,
    pack_words,
    radius,
    shared,
    space_folding,
    steps_of,
    top_k,
    unique,
)

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def numbers(*texts: str | int) -> Values:
    return [Fraction(text) for text in texts]


def linear(*rows: list[int]) -> Linear:
    """A Linear without bias."""
    return Linear([numbers(*row) for row in rows], numbers(*[0] * len(rows)))


# ---------------------------------------------------------------- codes and Hamming distances


def test_codes_are_strictly_above_the_threshold() -> None:
    assert codes_of([[1.0, 0.0, -0.0, -1.0]]) == [[True, False, False, False]]
    assert codes_of([[1.0, 2.0]], threshold=1.0) == [[False, True]]


def test_sets_of_words() -> None:
    assert argsort([[2, 1], [1, 9], [2, 1], [1, 8]]) == [3, 1, 0, 2]
    a, b = [[2], [1], [2]], [[3], [2]]
    assert shared(a, b) == [((1,), 1, -1, 1, 0), ((2,), 0, 1, 2, 1), ((3,), -1, 0, 0, 1)]


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 63, 64, 65, 128, 200])
def test_words_are_little_endian_packbits(bits: int) -> None:
    code = np.random.default_rng(bits).random(bits) > 0.5
    padded = np.pad(code, (0, -bits % 64))
    expected = np.packbits(padded, bitorder="little").view("<u8")
    assert pack_words(code.tolist()) == expected.tolist()


def test_unique_is_ordered_by_words() -> None:
    rows = [[2, 0], [1, 9], [2, 0], [1, 2**63]]
    assert unique(rows) == ([(1, 9), (1, 2**63), (2, 0)], [2, 0, 2, 1], [1, 1, 2])


def test_distances() -> None:
    codes = codes_of([[1, 1, 0], [0, 1, 1]])
    assert hamming(*codes) == 2
    assert hamming_matrix(codes, [*codes, [False] * 3]) == [[0, 2, 2], [2, 0, 2]]
    assert condensed([*codes, [False] * 3]) == [2, 2, 2]


def test_neighbours_are_ordered_by_distance_then_index() -> None:
    database = codes_of([[1, 1], [0, 0], [1, 0], [0, 1], [0, 0]])
    assert top_k([[False, False]], database, 3) == ([[0, 0, 1]], [[1, 4, 2]])
    assert radius([[False, False]], database, 1) == ([[0, 0, 1, 1]], [[1, 4, 2, 3]])


def test_exclude_self_leaves_equal_rows_in() -> None:
    database = codes_of([[1], [1], [0]])
    assert top_k(database, database, 9, exclude_self=True)[1] == [[1, 2], [0, 2], [0, 1]]
    assert radius(database, database, 0, exclude_self=True)[1] == [[1], [0], []]


def test_masks_weights_and_layers() -> None:
    a, b = [[True, False], [True]], [[False, False], [False]]
    assert hamming_by_layer(a, b) == [1, 1]
    assert hamming_weighted(a, b, [0.5, 3]) == 3.5
    assert hamming_masked([True, False, True], [False] * 3, [True, True, False]) == 1


def test_paths() -> None:
    path = codes_of([[0, 0], [1, 0], [1, 1], [1, 0]])
    assert consecutive([path, path[:1], path[:2]]) == [1, 1, 1, 1]
    assert from_start([path, path[2:]]) == [0, 1, 2, 1, 0, 1]
    assert space_folding(path) == Fraction(1, 3)
    assert space_folding(path[:1]) is None


def test_sets_of_units() -> None:
    a, b, none = codes_of([[1, 1, 0], [0, 1, 1], [0, 0, 0]])
    assert intersection(a, b) == 1
    assert (jaccard(a, b), jaccard(a, none), jaccard(none, none)) == (THIRD, 0, 1)
    assert flipped(a, [b, none], every=False) == [True, True, True]
    assert flipped(a, [b, none], every=True) == [True, False, False]
    assert flipped(a, [], every=True) == [False] * 3
    assert firing_counts([a, b], 3) == [1, 2, 1]
    assert cofiring([a, b], [b, b], 3, 3) == [[0, 1, 1], [0, 2, 2], [0, 1, 1]]


def test_soft_codes_and_banks() -> None:
    assert expected_hamming(numbers(1, "1/2"), numbers(0, "1/2")) == Fraction(3, 2)
    bank = codes_of([[1, 1], [0, 1], [0, 0], [0, 1]])
    assert nearest_by_class([False, True], bank, "abaa") == {"a": (0, 3), "b": (0, 1)}


# ---------------------------------------------------------------- steps against torch


def integers(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randint(-5, 6, shape, generator=generator).double()


def assert_step(step: Step, x: torch.Tensor, expected: torch.Tensor) -> None:
    assert step.output_shape(tuple(x.shape)) == tuple(expected.shape)
    values = evaluate([step], tuple(x.shape), exactly(x.flatten()))
    assert [float(value) for value in values] == pytest.approx(expected.flatten().tolist())


def test_linear_matches_torch() -> None:
    weight, bias, x = integers(3, 4), integers(3), integers(4)
    assert_step(Linear(exactly(weight), exactly(bias)), x, functional.linear(x, weight, bias))


@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
@pytest.mark.parametrize("padding", [(0, 0), (1, 2)])
@pytest.mark.parametrize("dilation", [(1, 1), (1, 2)])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_matches_torch(
    stride: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int], groups: int
) -> None:
    weight, bias, x = integers(6, 4 // groups, 2, 3), integers(6), integers(4, 5, 6)
    step = Conv2d(exactly(weight), exactly(bias), stride, padding, dilation, groups)
    assert_step(step, x, functional.conv2d(x, weight, bias, stride, padding, dilation, groups))


@pytest.mark.parametrize("shape", [(3,), (3, 2, 4)])
def test_channel_affine_matches_batch_norm(shape: tuple[int, ...]) -> None:
    x, scale, shift = integers(*shape), integers(3), integers(3) + 1
    zero, one = torch.zeros(3).double(), torch.ones(3).double()
    expected = functional.batch_norm(x[None], zero, one, scale, shift, eps=0.0)[0]
    assert_step(ChannelAffine(exactly(scale), exactly(shift)), x, expected)


@pytest.mark.parametrize("count_include_pad", [True, False])
def test_avg_pool_matches_torch(count_include_pad: bool) -> None:
    x, geometry = integers(2, 5, 6), ((2, 3), (2, 1), (1, 1))
    expected = functional.avg_pool2d(x, *geometry, count_include_pad=count_include_pad)
    assert_step(AvgPool2d(*geometry, count_include_pad), x, expected)


def test_max_pool_matches_torch() -> None:
    x, geometry = -integers(2, 5, 6).abs(), ((2, 3), (2, 1), (1, 1), (1, 2))
    assert_step(MaxPool2d(*geometry), x, functional.max_pool2d(x, *geometry))


def test_relu_and_flatten_match_torch() -> None:
    x = integers(2, 3, 2)
    assert_step(Flatten(), x, x.flatten())
    assert_step(ReLU(), x, x.relu())
    assert_step(ReLU(Fraction(1, 4)), x, functional.leaky_relu(x, 0.25))


# ---------------------------------------------------------------- crossings by hand


def test_one_unit() -> None:
    """z = -1 + 3 t."""
    result = crossings([ReLU()], (1,), numbers(-1), numbers(2))
    assert result == OracleResult(
        events=[Event(THIRD, 0, 0, 1)],
        knots=[Fraction(0), THIRD, Fraction(1)],
        codes=[[[False]], [[True]]],
        values=[numbers(0), numbers(0), numbers(2)],
    )


def test_leaky_slope_keeps_the_bits() -> None:
    result = crossings([ReLU(HALF)], (1,), numbers(-1), numbers(2))
    assert result.events == [Event(THIRD, 0, 0, 1)]
    assert result.values == [numbers("-1/2"), numbers(0), numbers(2)]


def test_an_affine_network_is_one_piece() -> None:
    result = crossings([linear([2, 1])], (2,), numbers(0, 1), numbers(1, 0))
    assert (result.events, result.knots, result.codes) == ([], numbers(0, 1), [[]])
    assert result.values == [numbers(1), numbers(2)]


def test_a_segment_of_no_length_is_one_piece() -> None:
    point = numbers(1, 0, -1)
    result = crossings([ReLU()], (3,), point, point)
    assert (result.events, result.knots) == ([], numbers(0, 1))
    assert result.codes == [[[True, False, False]]]


@pytest.mark.parametrize(("a", "b", "bit"), [(0, 1, True), (1, 0, True), (0, -1, False)])
def test_an_end_on_a_boundary_is_no_crossing(a: int, b: int, bit: bool) -> None:
    result = crossings([ReLU()], (1,), numbers(a), numbers(b))
    assert (result.events, result.codes) == ([], [[[bit]]])


def test_touching_zero_is_no_crossing() -> None:
    """The second layer sees |x| and -|x|; x passes zero at 1/2."""
    steps: list[Step] = [linear([1], [-1]), ReLU(), linear([1, 1], [-1, -1]), ReLU()]
    result = crossings(steps, (1,), numbers(-1), numbers(1))
    assert result.events == [Event(HALF, 0, 0, 1), Event(HALF, 0, 1, -1)]
    assert result.codes == [[[False, True], [True, False]], [[True, False], [True, False]]]


def test_a_unit_zero_along_a_piece_is_off_there() -> None:
    """The second layer sees max(x, 0) and its negative; x passes zero at 1/2."""
    steps: list[Step] = [ReLU(), linear([1], [-1]), ReLU()]
    result = crossings(steps, (1,), numbers(-1), numbers(1))
    assert result.events == [Event(HALF, 0, 0, 1), Event(HALF, 1, 0, 1)]


def test_an_identically_zero_unit_never_crosses() -> None:
    """1.1 x - 0.4 x - 0.7 x: zero here, and not quite zero in floating point."""
    zero = Linear([numbers("1.1", "-0.4", "-0.7"), numbers(1, 0, 0)], numbers(0, 0))
    steps: list[Step] = [linear([1], [1], [1]), zero, ReLU()]
    result = crossings(steps, (1,), numbers(-1), numbers(2))
    assert result.events == [Event(THIRD, 0, 1, 1)]
    assert result.codes == [[[False, False]], [[False, True]]]


def test_duplicated_units_cross_together_in_order() -> None:
    steps: list[Step] = [linear([1], [-1], [1], [-1]), ReLU()]
    result = crossings(steps, (1,), numbers(-1), numbers(2))
    assert result.events == [Event(THIRD, 0, unit, (-1) ** unit) for unit in range(4)]
    assert result.knots == [Fraction(0), THIRD, Fraction(1)]


def test_bias_free_through_the_origin_has_one_breakpoint() -> None:
    """x = 3 t - 1. Layer 1 sees x and -x; before 1/3 layer 2 sees (-1, 1, 2, -1) times -x, after it
    (1, 1, -1, -1) times x: unit 0 turns on, unit 2 off, 1 and 3 touch zero without passing.
    """
    steps: list[Step] = [
        linear([1], [-1]),
        ReLU(),
        linear([1, -1], [1, 1], [-1, 2], [-1, -1]),
        ReLU(),
    ]
    result = crossings(steps, (1,), numbers(-1), numbers(2))
    assert result.events == [
        Event(THIRD, 0, 0, 1),
        Event(THIRD, 0, 1, -1),
        Event(THIRD, 1, 0, 1),
        Event(THIRD, 1, 2, -1),
    ]


def test_boundaries_closer_than_float32_stay_apart() -> None:
    gap = Fraction(1, 10**9)
    step = Linear([numbers(1), numbers(1)], [Fraction(0), -gap])
    result = crossings([step, ReLU()], (1,), numbers(-1), numbers(1))
    assert [event.t for event in result.events] == [HALF, HALF + gap / 2]


# ---------------------------------------------------------------- max pooling by hand


def test_relu_then_pool_dips_below_zero_and_returns() -> None:
    """The inputs are 1 - 3 t and 3 t - 2: between 1/3 and 2/3 both are off, a tie for the pool."""
    steps: list[Step] = [ReLU(), MaxPool2d((1, 2), (1, 2))]
    result = crossings(steps, (1, 1, 2), numbers(1, -2), numbers(-2, 1))
    two_thirds = Fraction(2, 3)
    assert result.events == [
        Event(THIRD, 0, 0, -1),
        Event(two_thirds, 0, 1, 1),
        Event(two_thirds, 1, 0, -1),
        Event(two_thirds, 1, 1, 1),
    ]
    assert result.codes == [
        [[True, False], [True, False]],
        [[False, False], [True, False]],
        [[False, True], [False, True]],
    ]
    assert result.values == [numbers(1), numbers(0), numbers(0), numbers(1)]


def test_a_pool_tie_at_the_start_is_no_knot() -> None:
    pool = MaxPool2d((1, 4), (1, 4))
    result = crossings([pool], (1, 1, 4), numbers(1, 1, 0, 0), numbers(0, "1.5", 0, "1.2"))
    assert (result.events, result.knots) == ([], numbers(0, 1))
    assert result.codes == [[[False, True, False, False]]]


def test_an_argmax_for_an_instant_is_no_piece() -> None:
    """t - 1, -t and -1/2 meet at 1/2: the third is the maximum nowhere else."""
    pool = MaxPool2d((1, 3), (1, 3))
    result = crossings([pool], (1, 1, 3), numbers(-1, 0, "-1/2"), numbers(0, -1, "-1/2"))
    assert result.events == [Event(HALF, 0, 0, 1), Event(HALF, 0, 1, -1)]


def test_equal_elements_leave_the_choice_to_the_first() -> None:
    """Elements 0 and 1 are both t, element 2 is 1/2: the maximum goes from 2 to 0, never to 1."""
    pool = MaxPool2d((1, 3), (1, 3))
    result = crossings([pool], (1, 1, 3), numbers(0, 0, "1/2"), numbers(1, 1, "1/2"))
    assert result.events == [Event(HALF, 0, 0, 1), Event(HALF, 0, 2, -1)]


def test_padding_is_never_chosen_and_bits_follow_windows() -> None:
    """A 1 x 2 image under 1 x 2 windows, stride 1, padding 1: (pad, x0), (x0, x1), (x1, pad)."""
    pool = MaxPool2d((1, 2), (1, 1), (0, 1))
    result = crossings([pool], (1, 1, 2), numbers(-1, -2), numbers(-2, -1))
    before = [False, True, True, False, True, False]
    after = [False, True, False, True, True, False]
    assert result.codes == [[before], [after]]
    assert result.events == [Event(HALF, 0, 2, -1), Event(HALF, 0, 3, 1)]


def test_pool_bits_are_flat_over_channel_window_and_kernel() -> None:
    """Two channels of 2 x 4 under 2 x 2 windows; the maximum sits at a different place in each."""
    image = numbers(9, 0, 0, 9, 0, 0, 0, 0) + numbers(0, 0, 0, 0, 9, 0, 0, 9)
    result = crossings([MaxPool2d((2, 2), (2, 2))], (2, 2, 4), image, image)
    bits = result.codes[0][0]
    assert [i for i, bit in enumerate(bits) if bit] == [0, 4 + 1, 8 + 2, 12 + 3]


# ---------------------------------------------------------------- pieces against evaluation


def drawing(seed: int) -> Callable[..., Any]:
    """Nested lists of small integers, so that ties and touching are common."""
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: exactly(torch.randint(-2, 3, shape, generator=generator))


def cnn(seed: int) -> tuple[list[Step], Shape]:
    draw = drawing(seed)
    steps: list[Step] = [
        Conv2d(draw(2, 1, 2, 2), draw(2), padding=(1, 1)),
        ReLU(),
        MaxPool2d((2, 2), (2, 2)),
        ChannelAffine(draw(2), draw(2)),
        Flatten(),
        Linear(draw(5, 8), draw(5)),
        ReLU(Fraction(1, 8)),
        Linear(draw(2, 5), draw(2)),
    ]
    return steps, (1, 3, 3)


def mlp(seed: int) -> tuple[list[Step], Shape]:
    draw = drawing(seed)
    hidden: list[Step] = [Linear(draw(6, 6), draw(6)), ReLU(), Linear(draw(6, 6), draw(6)), ReLU()]
    return [Linear(draw(6, 2), draw(6)), ReLU(), *hidden, Linear(draw(1, 6), draw(1))], (2,)


@pytest.mark.parametrize("build", [mlp, cnn])
@pytest.mark.parametrize("seed", range(4))
def test_pieces_agree_with_evaluation(
    build: Callable[[int], tuple[list[Step], Shape]], seed: int
) -> None:
    """Bits are those of the points of a piece, and the output is linear along it."""
    steps, shape = build(seed)
    a, b = drawing(100 + seed)(2, math.prod(shape))
    result = crossings(steps, shape, a, b)

    def point(t: Fraction) -> Values:
        return [x + t * (y - x) for x, y in zip(a, b, strict=True)]

    assert result.values == [evaluate(steps, shape, point(t)) for t in result.knots]
    relus = [i for i, step in enumerate(steps) if isinstance(step, ReLU)]
    layers = [i for i, step in enumerate(steps) if isinstance(step, ReLU | MaxPool2d)]
    for piece, (t0, t1) in enumerate(pairwise(result.knots)):
        for share in numbers("1/7", "1/2", "6/7"):
            t = t0 + share * (t1 - t0)
            output = zip(result.values[piece], result.values[piece + 1], strict=True)
            assert evaluate(steps, shape, point(t)) == [v + share * (w - v) for v, w in output]
            codes = code_at_interval(result.knots, result.codes, t)
            for i in relus:
                z = evaluate(steps[:i], shape, point(t))
                assert codes[layers.index(i)] == [value > 0 for value in z]


# ---------------------------------------------------------------- from a Network


def network_step(name: str, **attributes: Any) -> Any:
    return type(name, (), attributes)()


def test_steps_of_copies_a_network_exactly() -> None:
    weight = torch.tensor([[0.1]], dtype=torch.float64)
    bias = torch.tensor([0.5], dtype=torch.float64)
    pair = (2, 1)
    network = SimpleNamespace(
        steps=(
            network_step("Linear", weight=weight, bias=bias),
            network_step(
                "Conv2d",
                weight=weight[..., None, None],
                bias=bias,
                stride=pair,
                padding=pair,
                dilation=pair,
                groups=1,
            ),
            network_step("ChannelAffine", scale=bias, shift=bias),
            network_step(
                "AvgPool2d", kernel=pair, stride=pair, padding=pair, count_include_pad=False
            ),
            network_step("Flatten"),
            network_step("ReLU", negative_slope=0.25),
            network_step("MaxPool2d", kernel=pair, stride=pair, padding=pair, dilation=pair),
        )
    )
    tenth = Fraction(0.1)
    assert steps_of(network) == [
        Linear([[tenth]], [HALF]),
        Conv2d([[[[tenth]]]], [HALF], pair, pair, pair, 1),
        ChannelAffine([HALF], [HALF]),
        AvgPool2d(pair, pair, pair, False),
        Flatten(),
        ReLU(Fraction(1, 4)),
        MaxPool2d(pair, pair, pair, pair),
    ]
