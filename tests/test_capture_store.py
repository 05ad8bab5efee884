"""Codes streamed to a store: what is there is not done again; kills lose and double no row."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from splinecode import Codes, CodeStore, capture_codes, spline_codes
from splinecode.capture import streaming
from splinecode.capture.identity import model_hash
from streamed import BYTES_OF_A_CODE, IDS, MASK, NAMED, Counted


@pytest.fixture(autouse=True, scope="module")
def _fast_disk() -> Iterator[None]:
    """Do not wait for the disk: no test here cuts the power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


def batches_of(named: dict[str, Tensor], size: int) -> list[dict[str, Tensor]]:
    parts = zip(named["input_ids"].split(size), named["attention_mask"].split(size), strict=True)
    return [{"input_ids": ids, "attention_mask": mask} for ids, mask in parts]


@settings(max_examples=30)
@given(
    st.sampled_from(["all", slice(1, None, 2), "loader"]),
    st.lists(st.integers(0, 12), max_size=4),
    st.integers(1, 5),
    st.integers(1, 30),
)
def test_ended_anywhere_it_goes_on(
    positions: object, ends: list[int], batch_size: int, shard_rows: int
) -> None:
    how = {"positions": "all" if positions == "loader" else positions}
    inputs = batches_of(NAMED, batch_size) if positions == "loader" else NAMED
    model = Counted()
    wanted = capture_codes(model, inputs, batch_size=batch_size, **how)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "s"
        how |= {"batch_size": batch_size, "shard_bytes": BYTES_OF_A_CODE * shard_rows}
        for end in [*ends, 10**9]:
            model.left = end
            try:
                made = spline_codes(model, inputs, store=store, **how)
            except KeyboardInterrupt:
                continue
        assert made.codes() == to_numpy(wanted.codes)
        assert made.rows()[["input", "position"]].tolist() == wanted.rows.tolist()
        made.verify()
        assert len(CodeStore(store)) == len(wanted.codes)


def to_numpy(codes: Codes) -> Codes:
    return Codes(codes.words.numpy(), codes.layers)


def test_what_is_stored_is_not_run_again(tmp_path: Path) -> None:
    model = Counted()
    model.left = 12
    how = {"positions": "last", "batch_size": 3, "shard_bytes": BYTES_OF_A_CODE * 5}
    with pytest.raises(KeyboardInterrupt):
        spline_codes(model, IDS, store=tmp_path / "s", **how)
    assert len(CodeStore(tmp_path / "s")) == 10
    model.ran, model.left = 0, 10**9
    store = spline_codes(model, IDS, store=tmp_path / "s", **how)
    assert model.ran == 23 - 9  # the batch of row 9 has two rows that were not stored
    assert store.codes() == to_numpy(spline_codes(model, IDS, positions="last"))
    model.ran = 0
    assert len(spline_codes(model, IDS, store=tmp_path / "s", **how)) == 23
    assert model.ran == 0
    more = torch.cat([IDS, IDS + 1 - 2 * (IDS == 19).long()])
    assert len(spline_codes(model, more, store=tmp_path / "s", **how)) == 46
    assert model.ran == 23 + 2  # with the two that shared a batch with new ones


def test_metadata_says_what_the_codes_are(tmp_path: Path) -> None:
    model = Counted().bfloat16()
    store = spline_codes(model, IDS, "body.?", store=tmp_path / "s", threshold=0.25)
    assert store.dtypes == dict.fromkeys(["body.0", "body.1", "body.2", "body.3"], "bfloat16")
    assert store.threshold == 0.25
    assert store.source["model"].endswith("streamed.Counted")
    assert store.source["layers"] == "body.?"
    assert len(store.source["model_hash"]) == 64
    assert [layer.bits for layer in store.layers] == [350, 350, 45, 45]


def test_what_differs_is_named(tmp_path: Path) -> None:
    model, path = Counted(), tmp_path / "s"
    spline_codes(model, NAMED, positions="all", store=path)
    other = Counted()
    with torch.no_grad():
        other.body[2].bias[3] += 1e-7
    slope = Counted()
    slope.body[1] = nn.LeakyReLU(0.1).eval()
    for changed in (other, slope):
        with pytest.raises(ValueError, match="were made with model_hash '.*', this call has"):
            spline_codes(changed, NAMED, positions="all", store=path)
    for name, how in {
        "layers None": {"positions": "all", "layers": ["body.0"]},
        "positions \"'all'\"": {"positions": slice(None)},
        "threshold 0.0": {"positions": "all", "threshold": 0.5},
    }.items():
        with pytest.raises(ValueError, match=f"were made with {name}"):
            spline_codes(model, NAMED, store=path, **how)
    with pytest.raises(ValueError, match="input 4 is another one than the codes in"):
        changed_ids = IDS.clone()
        changed_ids[4, 2] = (changed_ids[4, 2] + 1) % 20
        spline_codes(model, NAMED | {"input_ids": changed_ids}, positions="all", store=path)
    with pytest.raises(ValueError, match="inputs ends after 5, but .* has codes of 23"):
        first = {name: value[:5] for name, value in NAMED.items()}
        spline_codes(model, first, positions="all", store=path)
    assert len(CodeStore(path)) == int(MASK.sum())


def test_loaders_without_a_fixed_order_are_refused(tmp_path: Path) -> None:
    data, model = TensorDataset(IDS), Counted()
    weighted = WeightedRandomSampler(torch.ones(23), 23)
    for how, kind in (
        ({"batch_size": 4, "shuffle": True}, "RandomSampler"),
        ({"batch_size": 4, "sampler": weighted}, "WeightedRandomSampler"),
        ({"batch_size": None, "sampler": BatchSampler(weighted, 4, False)}, "WeightedRandom"),
        ({"batch_sampler": BatchSampler(RandomSampler(data), 4, False)}, "RandomSampler"),
        ({"batch_sampler": [[2, 1], [0, 3]]}, "list"),
    ):
        loader = DataLoader(data, **how)
        with pytest.raises(ValueError, match=f"a DataLoader in the order of a {kind}.*; with"):
            spline_codes(model, loader, positions="last", store=tmp_path / "s")
    assert list(tmp_path.iterdir()) == []
    wanted = to_numpy(spline_codes(model, IDS, positions="last"))
    for i, inputs in enumerate(
        (
            DataLoader(data, batch_size=4),
            DataLoader(data, batch_sampler=BatchSampler(SequentialSampler(data), 4, False)),
            DataLoader(data, None, sampler=BatchSampler(SequentialSampler(data), 4, False)),
            DataLoader(Streamed(), batch_size=4),
            iter(DataLoader(data, batch_sampler=[range(10), range(10, 23)])),
        )
    ):
        made = spline_codes(model, inputs, positions="last", store=tmp_path / str(i))
        assert made.codes() == wanted


class Streamed(IterableDataset):
    """The same inputs, without numbers."""

    def __iter__(self) -> Iterator[Tensor]:
        return iter(IDS)


class Functional(nn.Module):
    """A model whose activation is a function that it holds."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.function = nn.Linear(5, 9), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.linear(x))


def test_functions_that_modules_hold_tell_models_apart(tmp_path: Path) -> None:
    functions = [
        functional.relu,
        functional.gelu,
        torch.relu,
        partial(functional.leaky_relu, negative_slope=0.1),
        partial(functional.leaky_relu, negative_slope=0.2),
    ]
    hashes = [model_hash(Functional(function).eval()) for function in functions]
    assert len(set(hashes)) == len(hashes)
    assert hashes == [model_hash(Functional(function).eval()) for function in functions]
    x, store = IDS.float(), tmp_path / "s"
    spline_codes(Functional(functional.relu).eval(), x[:9], "linear", store=store)
    with pytest.raises(ValueError, match="were made with model_hash"):
        spline_codes(Functional(functional.gelu).eval(), x, "linear", store=store)
    assert len(spline_codes(Functional(functional.relu).eval(), x, "linear", store=store)) == 23


def test_a_store_can_hold_no_rows_yet(tmp_path: Path) -> None:
    nothing = {"input_ids": IDS, "attention_mask": torch.zeros_like(IDS)}
    model = Counted()
    assert len(spline_codes(model, nothing, positions="all", store=tmp_path / "s")) == 0
    assert len(spline_codes(model, nothing, positions="all", store=tmp_path / "s")) == 0
    with pytest.raises(ValueError, match="no batches"):
        spline_codes(model, [], store=tmp_path / "t")


@pytest.mark.parametrize("ended", [True, False])
def test_a_store_that_another_made_meanwhile_is_left_alone(tmp_path: Path, ended: bool) -> None:
    """Both find no store; the other one has made its own when the first batch has run here."""
    path, model, writing = tmp_path / "s", Counted(), contextlib.ExitStack()

    def other(*of_hook: object) -> None:
        hook.remove()
        spline_codes(Counted(), IDS[:7], positions="last", store=path)
        if not ended:
            writing.enter_context(CodeStore(path).writer())

    hook = model.register_forward_pre_hook(other)
    with writing, pytest.raises(BlockingIOError, match="another writer"):
        spline_codes(model, IDS, positions="last", store=path)
    CodeStore(path).verify()
    assert len(CodeStore(path)) == 7
    assert len(spline_codes(model, IDS, positions="last", store=path)) == 23


def test_nothing_is_doubled_by_one_who_writes_between_making_and_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "s", CodeStore.create

    def create(*args: Any, **how: Any) -> CodeStore:
        store = real(*args, **how)
        spline_codes(Counted(), IDS[:7], positions="last", store=path)
        return store

    monkeypatch.setattr(CodeStore, "create", create)
    with pytest.raises(BlockingIOError, match="another writer began a store"):
        spline_codes(Counted(), IDS, positions="last", store=path)
    assert len(CodeStore(path)) == 7


def test_memory_does_not_grow_with_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what batches gave, none is kept but in the writer's buffer."""
    given: list[weakref.ref[Codes]] = []
    real = streaming.Part

    def part(codes: Codes, rows: np.ndarray, marks: np.ndarray) -> object:
        given.append(weakref.ref(codes))
        assert sum(codes() is not None for codes in given) <= 3  # the first, the last, this
        return real(codes, rows, marks)

    monkeypatch.setattr(streaming, "Part", part)
    batches = (IDS[:2] for _ in range(50))
    store = spline_codes(Counted(), batches, store=tmp_path / "s", shard_bytes=500)
    assert len(store) == 100


def test_every_state_that_a_kill_can_leave_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is copied before every step that readers could see, in two sittings."""
    store, states = tmp_path / "s", []
    how = {"positions": "all", "batch_size": 4, "shard_bytes": BYTES_OF_A_CODE * 30}

    def stepping(step: Callable[..., object]) -> Callable[..., object]:
        def copying(*args: object) -> object:
            if str(args[0]).startswith(str(store)):
                states.append(tmp_path / f"state{len(states)}")
                shutil.copytree(store, states[-1])
            return step(*args)

        return copying

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(os, name, stepping(getattr(os, name)))
        for stop in (14, 23):
            first = {name: value[:stop] for name, value in NAMED.items()}
            spline_codes(Counted(), first, store=store, **how)
    assert len(states) >= 12
    wanted = to_numpy(spline_codes(Counted(), NAMED, positions="all", batch_size=4))
    for state in states:
        if (state / "store.json").exists():
            before = CodeStore(state)
            assert before.codes() == wanted[: len(before)]
            before.verify()
        assert spline_codes(Counted(), NAMED, store=state, **how).codes() == wanted
        assert not list(state.glob(".*.part"))


FORKED = """
import os, sys, torch
sys.path.insert(0, {tests!r})
torch.set_num_threads(1)
from streamed import NAMED, Counted
from splinecode import spline_codes
how = dict(positions="all", batch_size=7, store={store!r}, shard_bytes=24 * 50)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        named = {{name: value.repeat(20, 1) for name, value in NAMED.items()}}
        spline_codes(Counted(), named, **how)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def rows_in(store: Path) -> int:
    return len(CodeStore(store)) if (store / "store.json").exists() else 0


def test_kill_9_anywhere(tmp_path: Path) -> None:
    """Processes that stream are killed, one after another, until one comes to the end."""
    store, killed = tmp_path / "s", 0
    code = FORKED.format(tests=str(Path(__file__).parent), store=str(store))
    rng = random.Random(0)
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code], stdin=-1, stdout=-1, text=True
    ) as forking:
        status = signal.SIGKILL
        while status == signal.SIGKILL:
            wanted = rows_in(store) + 50 * rng.randrange(4)
            print(file=forking.stdin, flush=True)
            child = int(forking.stdout.readline())
            deadline = time.monotonic() + 20
            while killed < 15 and rows_in(store) <= wanted and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(rng.random() / 100)
            if killed < 15:
                with contextlib.suppress(ProcessLookupError):  # it came to its end
                    os.kill(child, signal.SIGKILL)
            status = int(forking.stdout.readline())
            killed += status == signal.SIGKILL
        forking.stdin.close()
    assert status == 0
    assert killed >= 3
    named = {name: value.repeat(20, 1) for name, value in NAMED.items()}
    wanted = capture_codes(Counted(), named, positions="all", batch_size=7)
    made = CodeStore(store)
    assert made.codes() == to_numpy(wanted.codes)
    assert made.rows()[["input", "position"]].tolist() == wanted.rows.tolist()
    made.verify()
