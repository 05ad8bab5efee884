"""Parts of networks, values at hidden nodes, the table of a network."""

import numpy as np
import pytest
import torch

import nets
from splinecode import Network, crossings, steps
from splinecode.network import Node


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def linear(units_in: int, units_out: int) -> steps.Linear:
    return steps.Linear(randn(units_out, units_in), randn(units_out))


@pytest.fixture
def network() -> Network:
    """A stem, a block with a shortcut that has a convolution of two nodes, a head."""
    torch.manual_seed(0)
    conv = steps.Conv(randn(2, 1, 3), randn(2), (1,), (1,), (1,), 1, (1, 4))
    return Network(
        [
            Node(steps.Input(), (), "x", (3,)),
            Node(linear(3, 4), (0,), "stem", (4,)),
            Node(steps.relu(4), (1,), "relu", (4,)),
            Node(conv, (2,), "block.conv", (2, 4)),
            Node(steps.Scale(randn(8), randn(8)), (3,), "block.conv", (2, 4)),
            Node(steps.clamp(8, 0.0, 6.0), (4,), "block.relu6", (2, 4)),
            Node(steps.Concat(), (2, 2), "shortcut", (8,)),
            Node(steps.Sum(), (5, 6), "add", (2, 4)),
            Node(steps.MaxWindows(torch.arange(8).reshape(4, 2)), (7,), "pool", (2, 2)),
            Node(linear(4, 5), (8,), "head", (5,)),
        ]
    )


def names(network: Network) -> list[str]:
    return [node.name for node in network.nodes]


# ---------------------------------------------------------------- restrict


@pytest.mark.parametrize("cut", ["x", "stem", "relu", "add", "pool", "head"])
def test_two_parts_make_the_network(network: Network, cut: str) -> None:
    first, second = network.restrict(stop=cut), network.restrict(start=cut)
    x = randn(6, 3)
    hidden = first(x)
    assert second.input_shape == first.output_shape == tuple(hidden.shape[1:])
    assert torch.equal(second(hidden), network(x))
    assert first.layers + second.layers == network.layers
    words = torch.cat([first.codes(x).words, second.codes(hidden).words], dim=1)
    assert torch.equal(words, network.codes(x).words)


def test_only_what_leads_to_stop_is_kept(network: Network) -> None:
    assert names(network.restrict(stop="shortcut")) == ["x", "stem", "relu", "shortcut"]
    assert names(network.restrict("relu", "block.relu6")) == [
        "relu",
        "block.conv",
        "block.conv",
        "block.relu6",
    ]


def test_without_names_the_network_is_as_it_was(network: Network) -> None:
    x = randn(2, 3)
    assert names(network.restrict()) == names(network)
    assert torch.equal(network.restrict()(x), network(x))


def test_of_equal_names_the_last_node_counts(network: Network) -> None:
    tail = network.restrict("block.conv", "block.relu6")
    assert [type(node.step) for node in tail.nodes] == [steps.Input, steps.Pieces]


def test_within_a_branch_the_other_one_is_no_way_around(network: Network) -> None:
    x = randn(5, 3)
    branch = network.restrict("block.conv", "block.relu6")
    expected = network.values_at(x, "block.relu6")
    assert torch.equal(branch(network.values_at(x, "block.conv")), expected)


@pytest.mark.parametrize(
    ("start", "around"), [("block.conv", "'shortcut'"), ("shortcut", "'block.relu6'")]
)
def test_a_start_that_is_bypassed_is_refused_by_name(
    network: Network, start: str, around: str
) -> None:
    with pytest.raises(ValueError, match=f"'{start}' is no cut.*{around} goes around it to 'add'"):
        network.restrict(start=start)


def test_a_stop_that_does_not_depend_on_start_is_refused(network: Network) -> None:
    for start, stop in (("pool", "stem"), ("shortcut", "block.relu6")):
        with pytest.raises(ValueError, match=f"from start '{start}' to stop '{stop}'"):
            network.restrict(start, stop)


def test_unknown_names_are_refused_with_near_ones(network: Network) -> None:
    with pytest.raises(ValueError, match=r"start is 'block\.relu', .*near it: 'block\.relu6'"):
        network.restrict("block.relu")
    with pytest.raises(ValueError, match=r"stop is '17', .*summary\(\) lists them"):
        network.restrict(stop="17")
    with pytest.raises(TypeError, match="stop is a int; wanted the name"):
        network.restrict(stop=3)  # type: ignore[arg-type]


def test_segments_are_straight_in_a_hidden_layer(network: Network) -> None:
    hidden, ends = network.restrict(start="relu"), network.values_at(3 * randn(2, 3), "relu")
    found = crossings(hidden, *ends)
    nets.need_equal(found, nets.oracle_of(hidden, *ends))
    assert len(found.t) > 0


# ---------------------------------------------------------------- values_at


def test_values_have_the_shape_of_the_node(network: Network) -> None:
    x = randn(6, 3)
    hidden, branch = network.values_at(x, "relu"), network.values_at(x, "block.relu6")
    shortcut = torch.cat([hidden, hidden], dim=1).reshape(6, 2, 4)
    assert torch.equal(network.values_at(x, "add"), branch + shortcut)
    assert torch.equal(network.values_at(x, "x"), x)
    assert torch.equal(network.values_at(x, "head"), network(x))


def test_values_are_of_the_library_of_x(network: Network) -> None:
    x = randn(2, 3)
    found = network.values_at(x.numpy(), "pool")
    assert isinstance(found, np.ndarray)
    assert np.array_equal(found, network.values_at(x, "pool").numpy())
    assert network.values_at(x[:0], "pool").shape == (0, 2, 2)


def test_values_of_an_unknown_node_are_refused(network: Network) -> None:
    with pytest.raises(ValueError, match="name is 'pol', .*near it: 'pool'"):
        network.values_at(randn(1, 3), "pol")


# ---------------------------------------------------------------- summary


def test_summary_is_a_table_of_the_nodes(network: Network) -> None:
    assert network.summary() == (
        "Network(3 -> 5, 3 layers, 28 bits)\n"
        "\n"
        "name         step        shape  units  bits  multiply-adds\n"
        "----------------------------------------------------------\n"
        "x            Input       3          3\n"
        "stem         Linear      4          4                   12\n"
        "relu         Pieces      4          4     4              4\n"
        "block.conv   Conv        2 x 4      8                   24\n"
        "block.conv   Scale       2 x 4      8                    8\n"
        "block.relu6  Pieces      2 x 4      8    16              8\n"
        "shortcut     Concat      8          8\n"
        "add          Sum         2 x 4      8                    8\n"
        "pool         MaxWindows  2 x 2      4     8\n"
        "head         Linear      5          5                   20\n"
        "----------------------------------------------------------\n"
        "total                              60    28             84"
    )


def test_multiply_adds_of_grouped_convolutions_runs_and_sparse_steps() -> None:
    conv = steps.Conv(randn(4, 2, 3, 3), randn(4), (2, 2), (1, 1), (1, 1), 2, (4, 6, 6))
    sparse = steps.Sparse(torch.tensor([0, 2, 3]), torch.tensor([0, 8, 35]), randn(3), randn(2))
    network = Network(
        [
            Node(steps.Input(), (), "x", (4, 6, 6)),
            Node(conv, (0,), "conv", (4, 3, 3)),
            Node(linear(3, 2), (1,), "runs", (4, 3, 2)),
            Node(sparse, (2,), "", (2,)),
        ]
    )
    cost = [line.split()[-1] for line in network.summary().splitlines()[5:8]]
    assert cost == ["648", "72", "3"]
