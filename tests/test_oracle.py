"""The specification against cases worked out by hand, and its steps against torch's."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from oracle import (
    Concat,
    Conv,
    Event,
    Gather,
    Input,
    Linear,
    MaxWindows,
    Node,
    OracleResult,
    Pieces,
    Scale,
    Shape,
    Sparse,
    Step,
    Sum,
    Values,
    argsort,
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
    nodes_of,
    pack_words,
    radius,
    shared,
    space_folding,
    top_k,
    unique,
)
from splinecode import Network, steps
from splinecode.network import Node as NetworkNode

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def numbers(*texts: str | int) -> Values:
    return [Fraction(text) for text in texts]


def linear(*rows: list[int]) -> Linear:
    """A Linear without bias."""
    return Linear([numbers(*row) for row in rows], numbers(*[0] * len(rows)))


def relu(units: int, below: Fraction = Fraction(0)) -> Pieces:
    """A (leaky) ReLU."""
    zero, one = numbers(*[0] * units), numbers(*[1] * units)
    return Pieces([zero], [[below] * units, one], [zero, zero])


def in_a_row(*steps: Step) -> list[Node]:
    """The graph of steps that each take the one before."""
    return [Node(Input()), *(Node(step, (i,)) for i, step in enumerate(steps))]


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


# ---------------------------------------------------------------- affine steps


def integers(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randint(-5, 6, shape, generator=generator).double()


def assert_step(step: Step, x: torch.Tensor, expected: torch.Tensor) -> None:
    assert evaluate(in_a_row(step), exactly(x.flatten())) == exactly(expected.flatten())


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)])
def test_linear_matches_torch_on_every_run(shape: Shape) -> None:
    weight, bias, x = integers(3, 4), integers(3), integers(*shape)
    assert_step(Linear(exactly(weight), exactly(bias)), x, functional.linear(x, weight, bias))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("stride", [(1, 1, 1), (2, 1, 2)])
@pytest.mark.parametrize("padding", [(0, 0, 0), (1, 2, 0)])
@pytest.mark.parametrize("dilation", [(1, 1, 1), (1, 2, 1)])
def test_conv_matches_torch(
    axes: int, groups: int, stride: Shape, padding: Shape, dilation: Shape
) -> None:
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[axes - 1]
    window = (stride[:axes], padding[:axes], dilation[:axes])
    weight, bias = integers(4, 4 // groups, *(2, 3, 2)[:axes]), integers(4)
    x = integers(4, *(5, 6, 3)[:axes])
    step = Conv(exactly(weight), exactly(bias), *window, groups, tuple(x.shape))
    assert_step(step, x, convolve(x, weight, bias, *window, groups))


def test_scale_is_one_pair_a_unit() -> None:
    assert_step(
        Scale(numbers(2, 0, "1/2"), numbers(0, 3, 1)),
        torch.tensor([5.0, 7, 4]),
        torch.tensor([10.0, 3, 3]),
    )


def test_gather_repeats_and_pads() -> None:
    step = Gather([2, -1, 0, 2])
    assert_step(step, torch.tensor([5.0, 6, 7]), torch.tensor([7.0, 0, 5, 7]))


def test_sparse_is_a_matrix_by_rows() -> None:
    """Rows: nothing but a bias; 2 x0 - x2; x1 / 3 twice, which adds up."""
    step = Sparse([0, 0, 2, 4], [0, 2, 1, 1], numbers(2, -1, "1/3", "1/3"), numbers(9, 0, 1))
    assert evaluate(in_a_row(step), numbers(5, 6, 7)) == numbers(9, 3, 5)


def test_sums_and_concats_take_their_inputs_in_order() -> None:
    nodes = in_a_row(linear([1, 0], [2, 0]), linear([0, 1], [1, 1]))
    assert evaluate([*nodes, Node(Concat(), (2, 0))], numbers(3, 5)) == numbers(6, 9, 3, 5)
    assert evaluate([*nodes, Node(Sum(), (0, 1, 2, 0))], numbers(3, 5)) == numbers(15, 25)


# ---------------------------------------------------------------- kinks


def test_relu_and_its_leaky_kin() -> None:
    x = integers(12)
    assert_step(relu(12), x, x.relu())
    assert_step(relu(12, Fraction(1, 4)), x, functional.leaky_relu(x, 0.25))


def test_pieces_have_thresholds_and_slopes_of_their_own() -> None:
    """Unit 0 is limited to [0, 6]; unit 1 is |z - 1| below 2, from there on constant."""
    step = Pieces(
        [numbers(0, 1), numbers(6, 2)],
        [numbers(0, -1), numbers(1, 1), numbers(0, 0)],
        [numbers(0, 1), numbers(0, -1), numbers(6, 1)],
    )
    for z, out in (((-1, 0), (0, 1)), ((0, 1), (0, 0)), ((5, 2), (5, 1)), ((7, 9), (6, 1))):
        assert evaluate(in_a_row(step), numbers(*z)) == numbers(*out)
    assert step.bits(numbers(6, 1)) == [True, False, False, False]
    assert step.bits(numbers(0, 3)) == [False, False, True, True]


def test_max_windows_skip_what_is_no_unit() -> None:
    step = MaxWindows([[0, 1], [-1, 2], [2, 0]])
    assert evaluate(in_a_row(step), numbers(-3, -2, -3)) == numbers(-2, -3, -3)
    assert step.bits(numbers(-3, -2, -3)) == [False, True, False, True, True, False]


# ---------------------------------------------------------------- crossings by hand


def test_one_unit() -> None:
    """z = -1 + 3 t."""
    result = crossings(in_a_row(relu(1)), numbers(-1), numbers(2))
    assert result == OracleResult(
        events=[Event(THIRD, 0, 0, 1)],
        knots=[Fraction(0), THIRD, Fraction(1)],
        codes=[[[False]], [[True]]],
        values=[numbers(0), numbers(0), numbers(2)],
    )


def test_leaky_slope_keeps_the_bits() -> None:
    result = crossings(in_a_row(relu(1, HALF)), numbers(-1), numbers(2))
    assert result.events == [Event(THIRD, 0, 0, 1)]
    assert result.values == [numbers("-1/2"), numbers(0), numbers(2)]


def test_thermometer_bits_cross_one_threshold_each() -> None:
    """A ReLU6 of 9 - 12 t and of 3 t: on the way down the bit of 6 goes off before that of 0."""
    zero, one, six = numbers(0, 0), numbers(1, 1), numbers(6, 6)
    relu6 = Pieces([zero, six], [zero, one, zero], [zero, zero, six])
    result = crossings(in_a_row(relu6), numbers(9, 0), numbers(-3, 3))
    assert result.events == [Event(Fraction(1, 4), 0, 1, -1), Event(Fraction(3, 4), 0, 0, -1)]
    assert result.codes[1] == [[True, False, True, False]]
    assert result.values == [numbers(6, 0), numbers(6, "3/4"), numbers(0, "9/4"), numbers(0, 3)]


def test_an_affine_network_is_one_piece() -> None:
    result = crossings(in_a_row(linear([2, 1])), numbers(0, 1), numbers(1, 0))
    assert (result.events, result.knots, result.codes) == ([], numbers(0, 1), [[]])
    assert result.values == [numbers(1), numbers(2)]


def test_a_segment_of_no_length_is_one_piece() -> None:
    point = numbers(1, 0, -1)
    result = crossings(in_a_row(relu(3)), point, point)
    assert (result.events, result.knots) == ([], numbers(0, 1))
    assert result.codes == [[[True, False, False]]]


@pytest.mark.parametrize(("a", "b", "bit"), [(0, 1, True), (1, 0, True), (0, -1, False)])
def test_an_end_on_a_boundary_is_no_crossing(a: int, b: int, bit: bool) -> None:
    result = crossings(in_a_row(relu(1)), numbers(a), numbers(b))
    assert (result.events, result.codes) == ([], [[[bit]]])


def test_touching_zero_is_no_crossing() -> None:
    """The second layer sees |x| and -|x|; x passes zero at 1/2."""
    nodes = in_a_row(linear([1], [-1]), relu(2), linear([1, 1], [-1, -1]), relu(2))
    result = crossings(nodes, numbers(-1), numbers(1))
    assert result.events == [Event(HALF, 0, 0, 1), Event(HALF, 0, 1, -1)]
    assert result.codes == [[[False, True], [True, False]], [[True, False], [True, False]]]


def test_a_unit_zero_along_a_piece_is_off_there() -> None:
    """The second layer sees max(x, 0) and its negative; x passes zero at 1/2."""
    nodes = in_a_row(relu(1), linear([1], [-1]), relu(2))
    result = crossings(nodes, numbers(-1), numbers(1))
    assert result.events == [Event(HALF, 0, 0, 1), Event(HALF, 1, 0, 1)]


def test_an_identically_zero_unit_never_crosses() -> None:
    """1.1 x - 0.4 x - 0.7 x: zero here, and not quite zero in floating point."""
    zero = Linear([numbers("1.1", "-0.4", "-0.7"), numbers(1, 0, 0)], numbers(0, 0))
    nodes = in_a_row(linear([1], [1], [1]), zero, relu(2))
    result = crossings(nodes, numbers(-1), numbers(2))
    assert result.events == [Event(THIRD, 0, 1, 1)]
    assert result.codes == [[[False, False]], [[False, True]]]


def test_duplicated_units_cross_together_in_order() -> None:
    nodes = in_a_row(linear([1], [-1], [1], [-1]), relu(4))
    result = crossings(nodes, numbers(-1), numbers(2))
    assert result.events == [Event(THIRD, 0, unit, (-1) ** unit) for unit in range(4)]
    assert result.knots == [Fraction(0), THIRD, Fraction(1)]


def test_bias_free_through_the_origin_has_one_breakpoint() -> None:
    """x = 3 t - 1. Layer 1 sees x and -x; before 1/3 layer 2 sees (-1, 1, 2, -1) times -x, after it
    (1, 1, -1, -1) times x: unit 0 turns on, unit 2 off, 1 and 3 touch zero without passing.
    """
    hidden = linear([1, -1], [1, 1], [-1, 2], [-1, -1])
    nodes = in_a_row(linear([1], [-1]), relu(2), hidden, relu(4))
    result = crossings(nodes, numbers(-1), numbers(2))
    assert result.events == [
        Event(THIRD, 0, 0, 1),
        Event(THIRD, 0, 1, -1),
        Event(THIRD, 1, 0, 1),
        Event(THIRD, 1, 2, -1),
    ]


def test_boundaries_closer_than_float32_stay_apart() -> None:
    gap = Fraction(1, 10**9)
    step = Linear([numbers(1), numbers(1)], [Fraction(0), -gap])
    result = crossings(in_a_row(step, relu(2)), numbers(-1), numbers(1))
    assert [event.t for event in result.events] == [HALF, HALF + gap / 2]


# ---------------------------------------------------------------- maxima by hand


def test_relu_then_pool_dips_below_zero_and_returns() -> None:
    """The inputs are 1 - 3 t and 3 t - 2: between 1/3 and 2/3 both are off, a tie for the pool."""
    nodes = in_a_row(relu(2), MaxWindows([[0, 1]]))
    result = crossings(nodes, numbers(1, -2), numbers(-2, 1))
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


def test_a_tie_at_the_start_is_no_knot() -> None:
    nodes = in_a_row(MaxWindows([[0, 1, 2, 3]]))
    result = crossings(nodes, numbers(1, 1, 0, 0), numbers(0, "1.5", 0, "1.2"))
    assert (result.events, result.knots) == ([], numbers(0, 1))
    assert result.codes == [[[False, True, False, False]]]


def test_an_argmax_for_an_instant_is_no_piece() -> None:
    """t - 1, -t and -1/2 meet at 1/2: the third is the maximum nowhere else."""
    nodes = in_a_row(MaxWindows([[0, 1, 2]]))
    result = crossings(nodes, numbers(-1, 0, "-1/2"), numbers(0, -1, "-1/2"))
    assert result.events == [Event(HALF, 0, 0, 1), Event(HALF, 0, 1, -1)]


def test_equal_elements_leave_the_choice_to_the_first() -> None:
    """Elements 0 and 1 are both t, element 2 is 1/2: the maximum goes from 2 to 0, never to 1."""
    nodes = in_a_row(MaxWindows([[0, 1, 2]]))
    result = crossings(nodes, numbers(0, 0, "1/2"), numbers(1, 1, "1/2"))
    assert result.events == [Event(HALF, 0, 0, 1), Event(HALF, 0, 2, -1)]


def test_no_unit_is_never_chosen_and_bits_follow_windows() -> None:
    """Two units under windows of 2 with padding 1: (pad, x0), (x0, x1), (x1, pad)."""
    nodes = in_a_row(MaxWindows([[-1, 0], [0, 1], [1, -1]]))
    result = crossings(nodes, numbers(-1, -2), numbers(-2, -1))
    before = [False, True, True, False, True, False]
    after = [False, True, False, True, True, False]
    assert result.codes == [[before], [after]]
    assert result.events == [Event(HALF, 0, 2, -1), Event(HALF, 0, 3, 1)]


# ---------------------------------------------------------------- graphs by hand


def test_a_residual_sum_is_linear_between_the_knots_of_its_branches() -> None:
    """X = 4 t - 1; out = x + relu(x) + relu(2 - x): kinks at x = 0 and x = 2, values from each."""
    nodes = [
        Node(Input()),
        Node(relu(1), (0,)),
        Node(Linear([numbers(-1)], numbers(2)), (0,)),
        Node(relu(1), (2,)),
        Node(Sum(), (0, 1, 3)),
    ]
    result = crossings(nodes, numbers(-1), numbers(3))
    assert result.events == [Event(Fraction(1, 4), 0, 0, 1), Event(Fraction(3, 4), 1, 0, -1)]
    assert result.values == [numbers(2), numbers(2), numbers(4), numbers(6)]


def test_branches_that_cancel_make_a_unit_that_never_crosses() -> None:
    """Relu(x) - relu(-x) - x is zero along the whole way: off, whatever its parts do."""
    nodes = [
        Node(Input()),
        Node(relu(1), (0,)),
        Node(linear([-1]), (0,)),
        Node(relu(1), (2,)),
        Node(Concat(), (1, 3, 0)),
        Node(linear([1, -1, -1]), (4,)),
        Node(relu(1), (5,)),
    ]
    result = crossings(nodes, numbers(-1), numbers(2))
    assert result.events == [Event(THIRD, 0, 0, 1), Event(THIRD, 1, 0, -1)]
    assert [codes[2] for codes in result.codes] == [[False], [False]]


def test_a_node_that_waits_keeps_up_with_later_knots() -> None:
    """The input, 2 t - 1, is used first and last: max(x, relu(x - 1/2)) is x until the end."""
    nodes = [
        Node(Input()),
        Node(Linear([numbers(1)], numbers("-1/2")), (0,)),
        Node(relu(1), (1,)),
        Node(Concat(), (0, 2)),
        Node(MaxWindows([[0, 1]]), (3,)),
    ]
    result = crossings(nodes, numbers(-1), numbers(1))
    assert result.events == [
        Event(HALF, 1, 0, 1),
        Event(HALF, 1, 1, -1),
        Event(Fraction(3, 4), 0, 0, 1),
    ]
    assert result.values == [numbers(0), numbers(0), numbers("1/2"), numbers(1)]


# ---------------------------------------------------------------- pieces against evaluation


def drawing(seed: int) -> Callable[..., Any]:
    """Nested lists of small integers, so that ties and touching are common."""
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: exactly(torch.randint(-2, 3, shape, generator=generator).double())


def mlp(seed: int) -> tuple[list[Node], int]:
    draw = drawing(seed)
    hidden = [Linear(draw(6, 6), draw(6)), relu(6), Linear(draw(6, 6), draw(6)), relu(6)]
    ends = Linear(draw(6, 2), draw(6)), Linear(draw(1, 6), draw(1))
    return in_a_row(ends[0], relu(6), *hidden, ends[1]), 2


def residual_cnn(seed: int) -> tuple[list[Node], int]:
    """Convolution, pool, a block with a shortcut, and a head that sees the pool and the block."""
    draw, ones, zero = drawing(seed), ((1, 1), (1, 1), (1, 1)), numbers(*[0] * 8)
    corners = [16 * c + 8 * y + 2 * x for c in (0, 1) for y in (0, 1) for x in (0, 1)]
    relu6 = Pieces([zero, numbers(*[6] * 8)], [draw(8) for _ in range(3)], [zero] * 3)
    relu6.intercepts[2] = [
        6 * (s - t) for s, t in zip(relu6.slopes[1], relu6.slopes[2], strict=True)
    ]
    nodes = in_a_row(
        Conv(draw(2, 1, 2, 2), draw(2), *ones, 1, (1, 3, 3)),
        MaxWindows([[corner + k for k in (0, 1, 4, 5)] for corner in corners]),
        Conv(draw(2, 1, 3, 3), draw(2), *ones, 2, (2, 2, 2)),
        Scale(draw(8), draw(8)),
        relu6,
    )
    return [
        *nodes,
        Node(Sum(), (5, 2)),
        Node(relu(8, Fraction(1, 8)), (6,)),
        Node(Concat(), (7, 2)),
        Node(Gather([0, 3, 5, 12, -1, 9, 14, 3]), (8,)),
        Node(Linear(draw(2, 8), draw(2)), (9,)),
    ], 9


@pytest.mark.parametrize("build", [mlp, residual_cnn])
@pytest.mark.parametrize("seed", range(4))
def test_pieces_agree_with_evaluation(
    build: Callable[[int], tuple[list[Node], int]], seed: int
) -> None:
    """Bits are those of the points of a piece, and the output is linear along it."""
    nodes, units = build(seed)
    a, b = drawing(100 + seed)(2, units)
    result = crossings(nodes, a, b)

    def point(t: Fraction) -> Values:
        return [x + t * (y - x) for x, y in zip(a, b, strict=True)]

    assert result.values == [evaluate(nodes, point(t)) for t in result.knots]
    kinks = [node for node in nodes if isinstance(node.step, Pieces | MaxWindows)]
    for piece, (t0, t1) in enumerate(pairwise(result.knots)):
        for share in numbers("1/7", "1/2", "6/7"):
            t = t0 + share * (t1 - t0)
            output = zip(result.values[piece], result.values[piece + 1], strict=True)
            assert evaluate(nodes, point(t)) == [v + share * (w - v) for v, w in output]
            for code, kink in zip(result.codes[piece], kinks, strict=True):
                if isinstance(kink.step, Pieces):  # a window may tie for an instant within a piece
                    z = evaluate(nodes[: kink.inputs[0] + 1], point(t))
                    assert code == kink.step.bits(z)


# ---------------------------------------------------------------- from a Network


def test_nodes_of_copies_a_network_exactly() -> None:
    """Every step: numbers become rationals, indices stay integers."""
    tenth, half = torch.tensor([0.1], dtype=torch.float64), torch.tensor([0.5])
    index, ones = torch.tensor([0]), ((1,), (0,), (1,))
    copied = [
        (steps.Gather(index), Gather([0])),
        (steps.Concat(), Concat()),
        (steps.Linear(tenth[None], half), Linear([[Fraction(0.1)]], [HALF])),
        (
            steps.Conv(tenth[None, None], half, *ones, 1, (1, 1)),
            Conv([[[Fraction(0.1)]]], [HALF], *ones, 1, (1, 1)),
        ),
        (steps.Scale(tenth, half), Scale([Fraction(0.1)], [HALF])),
        (steps.Sum(), Sum()),
        (
            steps.Sparse(torch.tensor([0, 1]), index, tenth, half),
            Sparse([0, 1], [0], [Fraction(0.1)], [HALF]),
        ),
        (steps.relu(1, 0.25), relu(1, Fraction(1, 4))),
        (steps.MaxWindows(index[None]), MaxWindows([[0]])),
    ]
    theirs = [steps.Input(), *(step for step, _ in copied)]
    network = Network(
        [NetworkNode(step, (i - 1,) * (i > 0), "", (1,)) for i, step in enumerate(theirs)]
    )
    assert nodes_of(network) == in_a_row(*(step for _, step in copied))


def test_a_copy_evaluates_as_the_network_does() -> None:
    """On numbers with few bits float64 is exact, too."""
    weight, x = integers(4, 2, 2, 3) / 8, integers(1, 2, 4, 5)
    conv = steps.Conv(weight, integers(4), (2, 1), (0, 1), (1, 2), 1, (2, 4, 5))
    bound = steps.clamp(24, -2.0, integers(24).abs())
    network = Network(
        [
            NetworkNode(steps.Input(), (), "", (2, 4, 5)),
            NetworkNode(conv, (0,), "conv", conv.output_shape),
            NetworkNode(bound, (1,), "clamp", conv.output_shape),
            NetworkNode(steps.Sum(), (1, 2), "sum", conv.output_shape),
        ]
    )
    assert evaluate(nodes_of(network), exactly(x.flatten())) == exactly(network(x).flatten())
