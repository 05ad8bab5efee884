"""Tokens and pixels as rows, against loops over bools."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from splinecode import capture_codes, spline_codes


class Tokens(nn.Module):
    """Two layers over tokens, and one over inputs; called as a language model is."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(20, 6)
        self.one, self.two, self.head = nn.Linear(6, 70), nn.Linear(70, 3), nn.Linear(3, 5)
        self.act = nn.ReLU()

    def layers(self, input_ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        one = self.one(self.embed(input_ids))
        two = self.two(one.relu())
        return one, two, self.head(two.amax(1))

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        two = self.two(self.act(self.one(self.embed(input_ids))))
        return self.head(two.amax(1))


MODEL = Tokens().eval()
slices = st.builds(
    slice,
    st.none() | st.integers(-6, 6),
    st.none() | st.integers(-6, 6),
    st.sampled_from([None, 1, 2, 3, -1, -2]),
)


@st.composite
def padded(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Token numbers and an attention mask with padding on either side, or amid the tokens."""
    n, t = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    ids = draw(st.lists(st.integers(0, 19), min_size=n * t, max_size=n * t))
    mask = draw(st.lists(st.booleans(), min_size=n * t, max_size=n * t))
    return torch.tensor(ids).reshape(n, t), torch.tensor(mask).reshape(n, t).long()


def bits_by_hand(ids: Tensor, rows: list[tuple[int, int]]) -> Tensor:
    """Return the bits of both token layers at (input, place in the padded row)."""
    one, two, _ = MODEL.layers(ids)
    both = torch.cat([one > 0, two > 0], 2)
    return torch.stack([both[i, j] for i, j in rows]) if rows else both[:0, 0]


@given(padded(), st.just("all") | slices, st.integers(1, 4))
def test_rows_of_tokens(batch: tuple[Tensor, Tensor], positions: object, size: int) -> None:
    ids, mask = batch
    rows, numbered = [], []
    for i in range(len(ids)):
        real = [j for j in range(ids.shape[1]) if mask[i, j]]
        chosen = real if positions == "all" else sorted(real[positions])
        rows += [(i, j) for j in chosen]
        numbered += [(i, real.index(j)) for j in chosen]
    named = {"input_ids": ids, "attention_mask": mask}
    found = capture_codes(MODEL, named, ["one", "two"], positions=positions, batch_size=size)
    assert torch.equal(found.codes.bits(), bits_by_hand(ids, rows))
    assert found.rows.tolist() == numbered


@given(padded(), st.data())
def test_rows_of_a_mask(batch: tuple[Tensor, Tensor], data: st.DataObject) -> None:
    ids, mask = batch
    n, t = ids.shape
    shape = data.draw(st.sampled_from([(t,), (n, t)]))
    drawn = data.draw(st.lists(st.booleans(), min_size=n * t, max_size=n * t))
    wanted = np.array(drawn)[: int(np.prod(shape))].reshape(shape)
    rows = [(i, j) for i in range(n) for j in range(t) if np.broadcast_to(wanted, (n, t))[i, j]]
    found = capture_codes(MODEL, ids, ["one", "two"], positions=wanted, batch_size=2)
    assert torch.equal(found.codes.bits(), bits_by_hand(ids, rows))
    assert found.rows.tolist() == rows
    named = {"input_ids": ids, "attention_mask": mask}
    codes = spline_codes(MODEL, named, ["one", "two"], positions=torch.tensor(wanted))
    assert torch.equal(codes.bits(), bits_by_hand(ids, [(i, j) for i, j in rows if mask[i, j]]))


@given(padded(), st.sampled_from(["last", -1, 0, -2, 1]))
def test_a_row_an_input_by_one_token(batch: tuple[Tensor, Tensor], position: object) -> None:
    ids, mask = batch
    n = -1 if position == "last" else position
    places = []
    for i in range(len(ids)):
        real = [j for j in range(ids.shape[1]) if mask[i, j]]
        places.append(real[n] if -len(real) <= n < len(real) else None)
    named = {"input_ids": ids, "attention_mask": mask}
    if None in places:
        with pytest.raises(ValueError, match="that are no padding; wanted|but 'one' has positions"):
            spline_codes(MODEL, named, positions=position, layers=["one", "two"])
        return
    found = capture_codes(
        MODEL, named, ["one", "two", "head"], positions=position, batch_size=len(ids)
    )
    wanted = bits_by_hand(ids, list(enumerate(places)))
    head = MODEL.layers(ids)[2] > 0
    assert torch.equal(found.codes.bits(), torch.cat([wanted, head], 1))
    numbers = [int(mask[i, :j].sum()) for i, j in enumerate(places)]
    assert found.rows["position"].tolist() == numbers


@given(padded())
def test_pooled_tokens(batch: tuple[Tensor, Tensor]) -> None:
    ids, mask = batch
    mask[:, 0] = 1
    one, two, head = MODEL.layers(ids)
    both = torch.cat([one > 0, two > 0], 2) & (mask > 0)[..., None]
    named = {"input_ids": ids, "attention_mask": mask}
    found = capture_codes(MODEL, named, ["one", "two", "head"], positions="any")
    assert torch.equal(found.codes.bits(), torch.cat([both.any(1), head > 0], 1))
    assert found.rows.tolist() == [(i, -1) for i in range(len(ids))]


CONV = nn.Sequential(
    nn.Conv2d(2, 65, 3, padding=1), nn.ReLU(), nn.Conv2d(65, 5, 1), nn.GELU(), nn.AvgPool2d(2)
).eval()


def test_pixels_as_rows() -> None:
    x = torch.randn(5, 2, 4, 6)
    z = [CONV[0](x), CONV[2](CONV[:2](x))]
    bits = torch.cat([part > 0 for part in z], 1)
    found = capture_codes(CONV, x, positions="all", batch_size=2)
    assert torch.equal(found.codes.bits(), bits.permute(0, 2, 3, 1).flatten(0, 2))
    assert found.rows.tolist() == [(i, j) for i in range(5) for j in range(24)]
    found = capture_codes(CONV, x, positions=(1, -1))
    assert torch.equal(found.codes.bits(), bits[:, :, 1, -1])
    assert found.rows["position"].tolist() == [1 * 6 + 5] * 5
    assert torch.equal(spline_codes(CONV, x, positions="any").bits(), bits.any(3).any(2))
    for mask in (torch.rand(4, 6) < 0.5, torch.rand(5, 4, 6) < 0.5):
        found = capture_codes(CONV, x, positions=mask, batch_size=3)
        chosen = mask.expand(5, 4, 6)
        assert torch.equal(found.codes.bits(), bits.permute(0, 2, 3, 1)[chosen])
        flat = found.rows["position"] + 24 * found.rows["input"]
        assert flat.tolist() == chosen.flatten().nonzero()[:, 0].tolist()


def test_one_pixel_of_layers_of_other_sizes() -> None:
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    x = torch.randn(3, 1, 7, 7)
    found = capture_codes(net, x, positions=(1, 2))
    z = net[0](x), net[2](net[:2](x))
    assert torch.equal(found.codes.bits(), torch.cat([part[:, :, 1, 2] > 0 for part in z], 1))
    assert found.rows["position"].tolist() == [-1] * 3
    assert spline_codes(net, x, positions="any").n_bits == 7
    with pytest.raises(ValueError, match=r"'3' has positions \(3, 3\) and '1' \(5, 5\)"):
        spline_codes(net, x, positions="all")
    with pytest.raises(ValueError, match=r"\(4, 0\), but '3' has positions \(3, 3\)"):
        spline_codes(net, x, positions=(4, 0))


def test_units_axis() -> None:
    line = nn.Sequential(nn.Conv1d(2, 5, 3), nn.ReLU()).eval()
    x = torch.randn(4, 2, 9)
    z = line[0](x)
    codes = spline_codes(line, x, positions="all", units_axis=1)
    assert torch.equal(codes.bits(), (z > 0).movedim(1, 2).flatten(0, 1))
    assert torch.equal(spline_codes(line, x, positions="any", units_axis=1).bits(), (z > 0).any(2))
    last = nn.Sequential(nn.Linear(3, 6), nn.ReLU()).eval()
    x = torch.randn(2, 4, 5, 3)
    codes = spline_codes(last, x, positions=(3, 0), units_axis=-1)
    assert torch.equal(codes.bits(), last[0](x)[:, 3, 0] > 0)
    with pytest.raises(ValueError, match="units_axis is 0, the axis of the inputs"):
        spline_codes(last, x, units_axis=0)


def test_dtypes_are_told_and_packed_from_their_own_bits() -> None:
    model = nn.Sequential(nn.Linear(4, 65), nn.ReLU()).to(torch.bfloat16).eval()
    x = torch.randn(8, 3, 4).to(torch.bfloat16)
    found = capture_codes(model, x)
    assert found.dtypes == {"1": "bfloat16"}
    assert torch.equal(found.codes.bits(), (model[0](x) > 0).flatten(0, 1))
    pooled = spline_codes(model, x, positions="any")
    assert torch.equal(pooled.bits(), (model[0](x) > 0).any(1))


def test_rows_that_do_not_line_up_are_refused() -> None:
    ids, mask = torch.arange(12).reshape(3, 4), torch.tensor([[1, 1, 1, 0]] * 3)
    named = {"input_ids": ids, "attention_mask": mask}
    with pytest.raises(ValueError, match="a batch holds padding.*positions=, such as 'all'"):
        spline_codes(MODEL, named)
    with pytest.raises(ValueError, match="'head' has no positions, so that a row a position"):
        spline_codes(MODEL, named, ["one", "head"], positions="all")
    with pytest.raises(ValueError, match=r"input 1 has 0 tokens that are no padding"):
        mask[1] = 0
        spline_codes(MODEL, named, ["one"], positions="last")
    with pytest.raises(ValueError, match=r"mask of \(5,\), but 'one' has positions \(4,\) in each"):
        spline_codes(MODEL, ids, ["one"], positions=np.ones(5, bool))
    with pytest.raises(ValueError, match=r"mask of \(2, 4\).* inputs 0 to 2; wanted \(4,\), or"):
        spline_codes(MODEL, ids, ["one"], positions=np.ones((2, 4), bool))
    with pytest.raises(ValueError, match=r"a slice is for tokens, for images give a mask"):
        spline_codes(CONV, torch.randn(1, 2, 4, 4), positions=slice(2))
    with pytest.raises(ValueError, match=r"positions is \(-1,\), but '1' has positions \(4, 4\)"):
        spline_codes(CONV, torch.randn(1, 2, 4, 4), positions="last")
    with pytest.raises(ValueError, match=r"has positions \(4, 4\), attention_mask \(4,\)"):
        images = {"input": torch.randn(3, 2, 4, 4), "attention_mask": mask}
        spline_codes(Named(), images, positions="any")


class Named(nn.Module):
    """A convolution that is called with a mask, which it does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = CONV
        self.eval()

    def forward(self, input: Tensor, attention_mask: Tensor) -> Tensor:
        return self.conv(input)


def test_positions_of_no_kind_are_refused() -> None:
    x = torch.arange(4).reshape(1, 4)
    with pytest.raises(ValueError, match=r"positions is 'first'; wanted one of \('last'"):
        spline_codes(MODEL, x, positions="first")
    for wrong in (1.5, True, [1, 2], (1, "a"), np.float64(1)):
        with pytest.raises(TypeError, match=r"positions is .*; wanted one of"):
            spline_codes(MODEL, x, positions=wrong)
    with pytest.raises(TypeError, match="positions has dtype int64; wanted a boolean mask"):
        spline_codes(MODEL, x, positions=np.arange(4))


def test_batches_of_other_lengths_need_positions() -> None:
    batches = [torch.arange(6).reshape(2, 3), torch.arange(4).reshape(1, 4)]
    found = capture_codes(MODEL, batches, ["one", "two"])
    assert found.rows.tolist() == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] + [
        (2, j) for j in range(4)
    ]
    with pytest.raises(ValueError, match=r"positions= makes tokens or pixels rows"):
        spline_codes(MODEL, batches, ["one", "two"])


def test_named_inputs() -> None:
    ids = torch.arange(12).reshape(3, 4)
    wanted = spline_codes(MODEL, ids, "one", positions="all")
    named = {"input_ids": ids.numpy(), "attention_mask": torch.ones(3, 4)}
    assert spline_codes(MODEL, named, "one", positions="all", batch_size=2) == wanted
    assert spline_codes(MODEL, [(named, 7)], "one", positions="all") == wanted
    with pytest.raises(TypeError, match="return_tensors='pt'"):
        spline_codes(MODEL, {"input_ids": [[1, 2]]}, "one")
    with pytest.raises(ValueError, match="wanted at least one input"):
        spline_codes(MODEL, {"input_ids": ids[:0]}, "one")
    with pytest.raises(TypeError, match=r"a batch of inputs is a str; wanted a tensor, a mapping"):
        spline_codes(MODEL, ["a"], "one")


def test_tokens_as_inputs_of_an_mlp_are_put_in_their_places() -> None:
    """OPT flattens tokens before its MLP."""

    class Flat(Tokens):
        def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
            return self.two(self.act(self.one(self.embed(input_ids).flatten(0, 1))))

    flat = Flat().eval()
    flat.load_state_dict(MODEL.state_dict())
    ids, mask = torch.arange(12).reshape(3, 4), torch.tensor([[0, 1, 1, 1]] * 3)
    named = {"input_ids": ids, "attention_mask": mask}
    for positions in ("all", "last", "any", slice(1, 2)):
        wanted = spline_codes(MODEL, named, ["one", "two"], positions=positions)
        assert spline_codes(flat, named, ["one", "two"], positions=positions) == wanted
