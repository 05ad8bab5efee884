"""The benchmark of the GPU with the CPU in its place: what it reports, never how fast."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from splinecode import HammingNeighbors, hamming_matrix, pack, reference, runtime
from splinecode.bench.case import Case, DisagreementError, Result
from splinecode.bench.cuda import (
    baselines,
    data,
    events,
    machine,
    packing,
    parts,
    place,
    roofs,
    search,
    segments,
)
from splinecode.bench.timing import Spread, wall_seconds
from splinecode.cli import main
from splinecode.segments.gpu import chords

GROUPS = {"segments": 3, "packing": 5, "search": 5, "matrices": 5, "rows": 5, "processor": 3}
HERE = place.Place(torch.device("cpu"), wall_seconds, 1 << 30)


@pytest.fixture
def cpu_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "find", lambda: HERE)
    monkeypatch.setattr(machine, "routes", list)
    monkeypatch.setattr(search, "routes", list)


def bench(*options: str) -> int:
    return main(["bench", "--device", "cuda", "--quick", "--seconds", "0.1", *options])


@pytest.mark.usefixtures("cpu_in_its_place")
def test_quick_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gpu.json"
    assert bench("--json", str(path)) == 0
    written = json.loads(path.read_text())
    printed, progress = capsys.readouterr()

    about = written["machine"]
    assert {"gpu", "nvidia_smi", "cuda_runtime", "cuda_toolkit", "commit", "date"} <= about.keys()
    assert about["command"]
    assert (written["failures"], written["cases_left"]) == ([], 0)
    limits = {limit["short"]: limit for limit in written["limits"]}
    assert list(limits) == ["read", "write", "copy", "host", "bf16", "f32", "f64", "int8", "b1"]
    assert all(limits[name]["per_second"] > 0 for name in ("read", "write", "copy", "bf16"))
    assert limits["b1"]["per_second"] is None
    assert "not measured" in limits["b1"]["meaning"]

    groups = [case["group"] for case in written["cases"]]
    assert {group: groups.count(group) for group in groups} == GROUPS
    for case in written["cases"]:
        assert case["title"] in printed
        assert case["title"] in progress
        assert case["ours"]["seconds"]["median"] > 0
        assert case["baselines"] or case["floor"] or "a segment of ResNet" in case["title"]
        assert case["parts"] is None
        for baseline in case["baselines"]:
            assert baseline["ratio"]["min"] <= baseline["ratio"]["max"]
            assert baseline["label"] in printed
        assert set(case["shares"]) <= set(case["needs"]) <= set(limits)
        assert all(share > 0 for share in case["shares"].values())


def test_where_no_gpu_is(capsys: pytest.CaptureFixture[str]) -> None:
    if isinstance(place.find(), place.Place):
        pytest.skip("a GPU is here")
    assert bench() == 2
    printed, errors = capsys.readouterr()
    assert "no CUDA device" in errors
    assert printed == ""


@pytest.mark.parametrize(
    ("device", "name"), [("cuda", "clustering"), ("cpu", "matrices"), ("cpu", "rows")]
)
def test_cases_of_the_other_device(
    device: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--device", device, name]) == 2
    assert f"--device {device} has no {name}" in capsys.readouterr().err


@pytest.mark.usefixtures("cpu_in_its_place")
def test_single_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("packing", "--case", "2") == 0
    assert "packing float64" in capsys.readouterr().out
    assert bench("packing", "--case", "6") == 2
    assert "there are 5 cases" in capsys.readouterr().err


def one_more(found: Any) -> Any:
    return (found[0] + 1, found[1]) if isinstance(found, tuple) else found + 1


@pytest.mark.usefixtures("cpu_in_its_place")
@pytest.mark.parametrize(
    ("group", "module", "name", "spoil"),
    [
        ("packing", baselines, "pack_by_shifts", lambda packed: packed ^ 1),
        ("search", baselines, "product_topk", lambda call: lambda: one_more(call())),
        ("search", baselines, "int8_topk", lambda call: lambda: one_more(call())),
        ("matrices", baselines, "product_counts", lambda call: lambda: one_more(call())),
        ("matrices", baselines, "product_matrix", lambda call: lambda: call().view(torch.uint8)),
        ("rows", reference, "paired", one_more),
        ("segments", reference, "exact_crossings", lambda found: (*found[:2], found[2] + 1)),
    ],
)
def test_a_wrong_answer_fails_and_the_rest_goes_on(
    group: str,
    module: Any,
    name: str,
    spoil: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: spoil(right(*arguments)))
    path = tmp_path / "gpu.json"
    assert bench(group, "processor", "--json", str(path)) == 1
    written = json.loads(path.read_text())
    assert all("disagree" in failure for failure in written["failures"])
    assert written["failures"]
    assert [case["group"] for case in written["cases"]].count("processor") == 3
    assert "FAILED: case" in capsys.readouterr().out


@pytest.mark.usefixtures("cpu_in_its_place")
def test_ours_is_held_to_the_cpu_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(ours: Any) -> None:
        raise DisagreementError("distances differ from the CPU's")

    monkeypatch.setattr(search, "need_nearest", lambda *_: fail)
    assert bench("search", "--case", "1") == 1
    assert "wrong: distances differ from the CPU's" in capsys.readouterr().out


@pytest.mark.usefixtures("cpu_in_its_place")
def test_a_case_that_raises_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("CUDA: out of memory")

    monkeypatch.setattr(packing, "pack", broken)
    assert bench("packing", "--case", "1") == 1
    assert "case 1: RuntimeError: CUDA: out of memory" in capsys.readouterr().out


@pytest.mark.usefixtures("cpu_in_its_place")
def test_a_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kernels = [
        ("void cutlass::Kernel2<cutlass_80_tensorop_d884gemm_64x32_16x4_nn_align1>", 0.5),
        ("void splinecode::cuda::(anonymous namespace)::scan<double>", 0.125),
        ("void cub::DeviceScanByKeyKernel<splinecode::cuda::Larger>", 0.125),
        ("void at::native::index_elementwise_kernel<128, 4>", 0.0625),
        ("Memcpy DtoH (Device -> Pageable)", 0.0625),
    ]
    told = parts.shares(kernels, 1)
    assert told == {"products": 0.5, "ours": 0.25, "torch": 0.0625, "copies": 0.0625, "idle": 0.125}

    monkeypatch.setattr(parts, "parts", lambda call: told if call() else {})
    path = tmp_path / "gpu.json"
    assert bench("segments", "--case", "1", "--profile", "--json", str(path)) == 0
    assert "products 50.0%  ours 25.0%" in capsys.readouterr().out
    assert json.loads(path.read_text())["cases"][0]["parts"] == told


@pytest.mark.usefixtures("cpu_in_its_place")
def test_a_profile_that_fails_leaves_the_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(call: Any) -> Any:
        raise RuntimeError("CUPTI is missing")

    monkeypatch.setattr(parts, "parts", broken)
    path = tmp_path / "gpu.json"
    assert bench("segments", "--case", "1", "--profile", "--json", str(path)) == 1
    written = json.loads(path.read_text())
    assert written["failures"] == ["case 1: RuntimeError: CUPTI is missing"]
    assert len(written["cases"]) == 1


@pytest.mark.usefixtures("cpu_in_its_place")
def test_a_segment_that_would_take_too_long_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = dataclasses.replace(segments._QUICK_RESNET, most_seconds=0)
    monkeypatch.setattr(segments, "_QUICK_RESNET", slow)
    assert bench("segments", "--case", "3") == 1
    assert "a segment of ResNet-6 at 16 was not begun" in capsys.readouterr().out


def test_chords_are_left_as_they_were() -> None:
    before = chords.LEAST_WIDTH
    with pytest.raises(ZeroDivisionError), segments._chords_from(7):
        assert chords.LEAST_WIDTH == 7
        _ = 1 / 0
    assert before == chords.LEAST_WIDTH


def test_every_route_is_forced_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ["auto"]
    kernels = SimpleNamespace(route=lambda: taken[-1], set_route=taken.append)
    monkeypatch.setattr(runtime, "cuda", lambda: kernels)
    monkeypatch.setattr(search, "routes", lambda: ["few", "popc"])
    assert search.routes_for(queries=1) == ["few", "popc"]
    assert search.routes_for(queries=1000) == ["popc"]
    titles = []
    for build in search.cases(HERE, quick=True)[:5]:
        case = build()
        titles.append(case.title.rpartition(", ")[2])
        case.ours()
    assert titles == ["70 x 128 bits", "route popc", "70 x 128 bits", "route popc", "1 x 128 bits"]
    assert taken == ["auto", "popc", "auto", "popc", "auto"]


def test_what_does_not_fit_is_scaled_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "routes", list)
    small = place.Place(torch.device("cpu"), wall_seconds, 3 * 128 * 100)
    case = search.cases(small, quick=True)[0]()
    assert case.sizes["codes"] == 75
    assert case.title.endswith("scaled down from 300")
    assert small.fitting(10, 1) == 10
    assert small.fitting(10, 1e9) == 1


# --- baselines --------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [64, 4160])
def test_products_find_the_nearest(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_PRODUCT_BYTES", 4 * 33 * 1024)
    monkeypatch.setattr(data, "_EXPANDED_AT_ONCE", 1 << 16)
    codes = data.database(HERE, 1_100, bits)
    x = data.coins(HERE, 33, bits, seed=0)
    wanted, _ = HammingNeighbors(7).fit(codes.words).kneighbors(x)
    every = hamming_matrix(x, codes.words)
    for search_ in (baselines.product_topk, baselines.int8_topk):
        distances, indices = search_(x, codes, 7)()
        assert torch.equal(distances, wanted)
        assert torch.equal(every.gather(1, indices), wanted)
    radius = bits // 2
    counts = baselines.product_counts(x, codes, radius)()
    assert torch.equal(counts, (every <= radius).sum(1))
    few = data.Coins(codes.words[:50])
    matrix = baselines.product_matrix(few, torch.int32)()
    assert torch.equal(matrix, hamming_matrix(few.words))


@pytest.mark.parametrize("units", [1, 8, 13])
def test_packing_by_shifts(units: int) -> None:
    z = torch.randn(9, units, generator=torch.Generator().manual_seed(0))
    ours = pack(z).view(torch.uint8)[:, : -(-units // 8)]
    assert torch.equal(baselines.pack_by_shifts(z), ours)


def test_one_database_is_kept() -> None:
    first = data.database(HERE, 20, 128)
    assert data.database(HERE, 20, 128) is first
    assert data.database(HERE, 21, 128) is not first
    assert first.bytes == 320
    assert set(np.unique(first.signs(torch.int8))) == {-1, 1}


# --- machine and roofs ------------------------------------------------------------------------


def test_inputs_take_turns() -> None:
    seen: list[str] = []
    call = events.rotating(seen.append, ["a", "b"])
    for _ in range(3):
        call()
    assert seen == ["a", "b", "a"]


def test_shares_of_the_roofs() -> None:
    case = Case("search", "a case", {}, lambda: None, (), needs={"read": 6.0, "b1": 1.0})
    result = Result(case, Spread(2.0, 2.0, 2.0), [])
    measured = [
        roofs.Roof("read", "bytes", "reading", 4.0),
        roofs.Roof("b1", "products", "?", None),
    ]
    assert roofs.shares(result, measured) == {"read": 0.75}
    text = roofs.text(measured, [result])
    assert "read 0.750" in text
    assert "b1" in text


@pytest.mark.parametrize(("probe", "rate"), [(lambda seconds: 8e15, 8e15), (None, None)])
def test_the_probe_of_bit_products(
    probe: Any, rate: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = SimpleNamespace(**({"probe_b1": probe} if probe else {}))
    monkeypatch.setattr(roofs, "_core", SimpleNamespace(cuda=cuda))
    (roof,) = roofs._bit_products(0.1)
    assert roof.per_second == rate


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("echo 580.1, 700 W, 1980 MHz, 3201 MHz, 1755 MHz, 3201 MHz, 500 W, 60", "1755 MHz"),
        ("echo Unknown field; exit 2", None),
    ],
)
def test_nvidia_smi(
    script: str, wanted: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    told = machine._nvidia_smi(0, lambda: None)
    assert told is not None
    assert told.get("clocks.sm") == wanted
    assert ("Unknown field" in told.get("error", "")) == (wanted is None)
