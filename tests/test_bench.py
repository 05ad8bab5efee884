"""The benchmark: what it reports and that it refuses to time wrong answers. Never how fast."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from splinecode import crossings, get_threads, reference
from splinecode.bench import growth, peers, report, timing
from splinecode.bench.case import Baseline, Case, Result, measure
from splinecode.bench.growth_figure import growth_figure
from splinecode.bench.nets import make_cnn, make_net
from splinecode.bench.peak import peak_bytes
from splinecode.bench.segments import affine_work, plain_products
from splinecode.cli import main

GROUPS = {
    "packing": 5,
    "hamming": 10,
    "segments": 3,
    "growth": 6,
    "sampling": 1,
    "slices": 2,
    "lens": 3,
}
if find_spec("hdbscan"):
    GROUPS["clustering"] = 1


def bench(*options: str) -> int:
    return main(["bench", "--quick", "--seconds", "0.1", *options])


def need_spread(spread: dict[str, float]) -> None:
    assert 0 < spread["min"] <= spread["median"] <= spread["max"]


def need_paired(paired: dict[str, Any]) -> None:
    need_spread(paired["seconds"])
    need_spread(paired["ratio"])
    assert paired["rounds"] >= 1


def test_quick_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bench.json"
    torch_threads = torch.get_num_threads()
    seed = torch.initial_seed()
    assert bench("--json", str(path), "--threads", "1") == 0
    assert (torch.get_num_threads(), torch.initial_seed()) == (torch_threads, seed)

    written = json.loads(path.read_text())
    assert list(tmp_path.iterdir()) == [path]
    assert written["machine"]["threads"] == 1
    assert written["machine"]["torch"] == torch.__version__
    assert {"processor", "simd", "date", "splinecode"} <= written["machine"].keys()
    assert written["quick"] is True
    assert [limit["short"] for limit in written["limits"]] == [
        *("popcount", "L1", "L2", "shuffle", "memory")
    ]
    assert all(limit["all_threads"] > 0 for limit in written["limits"])

    printed, progress = capsys.readouterr()
    groups = [case["group"] for case in written["cases"]]
    assert {group: groups.count(group) for group in groups} == GROUPS
    for case in written["cases"]:
        assert case["sizes"]
        assert case["title"] in printed
        assert case["title"] in progress
        need_spread(case["ours"]["seconds"])
        assert case["baselines"] or case["group"] == "growth"
        for baseline in case["baselines"]:
            need_paired(baseline)
            assert baseline["label"] in printed
    with_floor = {case["group"] for case in written["cases"] if case["floor"]}
    assert with_floor == {"packing", "hamming", "segments", "growth", "slices", "lens"}
    for case in written["cases"]:
        if case["floor"]:
            need_paired(case["floor"])


def test_a_peer_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "library", lambda name: None)
    assert bench("hamming") == 0
    printed = capsys.readouterr().out
    assert "not compared with: faiss, usearch, numkong, regioncam (extra [bench])" in printed
    assert "torch, +-1 matrix product" in printed
    assert "IndexBinaryFlat" not in printed


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("faiss_knn", lambda found: (found[0] + 1, found[1])),
        ("faiss_radius", lambda found: (found[0], found[1], found[2] + 1)),
        ("faiss_radius", lambda found: (found[0] // 2, found[1][::2], found[2][::2])),
        ("usearch_knn", lambda found: (found[0], 0 * found[1])),
        ("numkong_matrix", lambda matrix: matrix + 1),
        ("numkong_symmetric", lambda matrix: matrix + 1),
    ],
)
def test_a_peer_that_disagrees_fails(
    name: str,
    spoil: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip(name.partition("_")[0])
    right = getattr(peers, name)

    def wrong(*arguments: Any) -> Any:
        call = right(*arguments)
        return lambda: spoil(call())

    monkeypatch.setattr(peers, name, wrong)
    assert bench("hamming") == 1
    assert "disagree" in capsys.readouterr().err


def test_sampling_reports_all_three_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("sampling") == 0
    printed = capsys.readouterr().out
    assert "sampled" in printed
    assert "exact" in printed
    assert "between the ends" in printed
    assert "packing" not in printed
    assert "Limits" not in printed


def test_single_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("packing", "--case", "3", "--case", "1") == 0
    printed, progress = capsys.readouterr()
    assert progress.index("bfloat16") < progress.index("float32")
    assert "float16, 64" not in printed.replace("bfloat16", "")
    assert bench("packing", "--case", "6") == 2
    assert "there are 5 cases" in capsys.readouterr().err


def flip_byte(packed: torch.Tensor) -> torch.Tensor:
    packed[-1, -1] ^= 1
    return packed


def one_too_far(found: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return found[0] + 1, found[1]


def first_twice(found: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return found[0], found[1][:, :1].expand_as(found[1])


Events = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def late(found: Events) -> Events:
    return found[0] + 1e-6, found[1], found[2]


def other_unit(found: Events) -> Events:
    return found[0], found[1], found[2].flip(0)


def one_less(found: Events) -> Events:
    return found[0][1:], found[1][1:], found[2][1:]


@pytest.mark.parametrize(
    ("group", "name", "spoil"),
    [
        ("packing", "pack_torch", flip_byte),
        ("hamming", "pm1_topk", one_too_far),
        ("hamming", "pm1_topk", first_twice),
        ("segments", "exact_crossings", late),
        ("segments", "exact_crossings", other_unit),
        ("segments", "exact_crossings", one_less),
        ("sampling", "sampled_crossings", lambda count: count + 1000),
    ],
)
def test_disagreement_fails(
    group: str,
    name: str,
    spoil: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    right = getattr(reference, name)
    monkeypatch.setattr(reference, name, lambda *arguments: spoil(right(*arguments)))
    threads = get_threads()
    assert bench(group, "--threads", str(threads + 1)) == 1
    assert get_threads() == threads
    printed, errors = capsys.readouterr()
    assert "disagree" in errors
    assert "median" not in printed


def test_disagreement_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "pack_torch", lambda z: torch.zeros(1, dtype=torch.uint8))
    assert bench("packing", "--json", str(tmp_path / "bench.json")) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [["weather"], ["--threads", "0"], ["--seconds", "nan"]])
def test_wrong_options(options: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        bench(*options)
    assert exit_.value.code == 2


def test_a_profile_is_of_a_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--profile") == 2
    assert "--profile is for --device cuda" in capsys.readouterr().err


def test_json_into_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--json", str(tmp_path / "missing" / "bench.json")) == 2
    assert "missing" in capsys.readouterr().err


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bench.json"
    path.write_text("old")

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        report.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_interleaving() -> None:
    calls: list[str] = []
    ours, paired = timing.interleave(
        lambda: calls.append("ours"),
        [lambda: calls.append("a"), lambda: calls.append("b")],
        seconds=60,
        most_rounds=2,
    )
    runs = [name for i, name in enumerate(calls) if i == 0 or calls[i - 1] != name]
    assert runs == ["ours", "a", "ours", "b"] + 2 * ["ours", "a", "ours", "b"]
    assert [one.rounds for one in paired] == [2, 2]
    assert 0 < ours.min <= ours.max


def test_a_spent_budget_still_measures_once() -> None:
    _, (paired,) = timing.interleave(lambda: None, [lambda: None], seconds=0)
    assert paired.rounds == 1


def test_the_probe_of_a_long_call_is_a_sample() -> None:
    calls: list[str] = []

    def one_second(call: Callable[[], Any], repeats: int) -> float:
        call()
        return 1.0

    ours, paired = timing.interleave(
        lambda: calls.append("ours"), [lambda: calls.append("a")], 1.5, stopwatch=one_second
    )
    assert calls == ["ours", "a"]
    assert (paired[0].rounds, ours.median) == (1, 1)
    timing.interleave(lambda: calls.append("alone"), [], 0.5, stopwatch=one_second)
    assert calls[2:] == ["alone"]


def test_a_part_of_the_work_is_scaled_and_ours_is_not_called_to_be_checked() -> None:
    calls: list[str] = []

    def ours() -> str:
        calls.append("ours")
        return "called"

    def compare(found: str, theirs: None) -> str:
        return f"{found} before"

    part = Baseline("a part", lambda: None, compare, scale=8)
    case = Case("a group", "a case", {}, ours, (part,), found="answered")
    result = measure(case, 0.5, stopwatch=lambda call, _: 2.0 if call() else 1.0)
    _, paired, remark = result.baselines[0]
    assert calls == ["ours"]
    assert remark == "answered before"
    assert (paired.seconds.median, paired.ratio.median) == (8, 4)
    assert result.without_calls().case.found is None


def test_a_scaled_floor_scales_seconds_and_ratio_alike() -> None:
    paired = timing.Paired(timing.Spread(2, 1, 4), timing.Spread(20, 10, 40), 3)
    assert paired.scaled(0.5) == timing.Paired(
        timing.Spread(1, 0.5, 2), timing.Spread(10, 5, 20), 3
    )


def test_segments_come_with_sampling_and_the_certified_share(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench("segments") == 0
    printed = capsys.readouterr().out
    assert "beside 50 sampled points" in printed
    assert "3 of 3 segments certified (100.0%), 0 ranges were open" in printed
    assert "growth" not in printed


def test_growth_writes_sizes_floors_and_a_figure(tmp_path: Path) -> None:
    written, figure = tmp_path / "growth.json", tmp_path / "growth.png"
    assert bench("growth", "--json", str(written), "--png", str(figure)) == 0
    assert figure.read_bytes().startswith(b"\x89PNG\r\n")
    cases = json.loads(written.read_text())["cases"]
    assert [case["sizes"]["along"] for case in cases] == [
        *("segments", "segments", "width", "width", "depth", "depth")
    ]
    for case in cases:
        assert case["sizes"]["crossings"] > 0
        assert case["sizes"]["flops"] > 0
        assert case["floor"]["seconds"]["median"] > 0


def test_a_line_of_the_figure_follows_what_varies() -> None:
    spread = timing.Spread(1, 1, 1)
    floor = timing.Paired(spread, spread, 1)
    builders = growth.cases(quick=True)
    results = [Result(build(), spread, [], floor) for build in builders]
    deep = next(i for i, result in enumerate(results) if result.case.sizes["along"] == "depth")
    case = results[deep].case
    many = replace(case, sizes={**case.sizes, "crossings": 10**6})
    results[deep] = replace(results[deep], case=many)  # the shallowest net crosses most
    _, by_depth = growth_figure(results).axes
    ours, _ = by_depth.lines
    assert list(ours.get_xdata()) == [2, 3]
    assert by_depth.get_xlabel() == "depth (hidden layers)"
    assert by_depth.get_ylabel() == "time (s)"


def test_a_figure_without_growth_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("segments", "--png", str(tmp_path / "growth.png")) == 2
    assert "wanted growth" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_figure_without_matplotlib_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("splinecode.bench.find_spec", lambda name: None)
    assert bench("growth", "--png", str(tmp_path / "growth.png")) == 2
    assert "matplotlib" in capsys.readouterr().err


def test_the_plain_sweep_takes_each_step_at_the_knots_before_it() -> None:
    net = make_net((2, 8, 8, 1), segments=3)
    found = crossings(net.network, net.a, net.b)
    first, second = found.count(per_layer=True).sum(0).tolist()
    assert first > 0
    assert second > 0
    work = [(units, knots) for _, units, knots in affine_work(net.network, found)]
    assert work == [(2, 6), (8, 6 + first), (8, 6 + first + second)]


def test_products_of_the_plain_sweep() -> None:
    net = make_cnn((2, 2, 2), 4, nn.MaxPool2d(2), segments=3, share=1.0)
    found = crossings(net.network, net.a, net.b)
    first, second, pool, third = found.count(per_layer=True).sum(0).tolist()
    assert pool > 0
    ends = 2 * len(found)
    before_pool = ends + first + second
    after_pool = before_pool + pool // 2
    convolutions = 9 * (ends * 2 * 16 + (ends + first) * 4 * 16 + after_pool * 4 * 4)
    linear = (after_pool + third) * 8 * 10
    assert plain_products(net.network, found) == convolutions + linear


def test_peak_memory_counts_what_a_call_frees_again() -> None:
    peak = peak_bytes(lambda: float(np.ones(2**23).sum()))
    if peak is None:
        pytest.skip("this system does not tell a process its peak memory")
    assert 2**26 * 0.95 < peak < 2**26 * 1.5


def test_peak_memory_is_none_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("splinecode.bench.peak._STATUS", tmp_path / "missing")
    monkeypatch.setattr("splinecode.bench.peak._CLEAR", tmp_path / "missing" / "too")
    assert peak_bytes(lambda: None) is None
