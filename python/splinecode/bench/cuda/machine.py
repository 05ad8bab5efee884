"""What the numbers of a GPU depend on: card, driver, toolkit, clocks, the code measured."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch

from ... import _core
from .. import report

_QUERIES = (
    *("driver_version", "power.limit", "clocks.max.sm", "clocks.max.mem"),
    *("clocks.sm", "clocks.mem", "power.draw", "temperature.gpu"),
)
"""What nvidia-smi is asked, while the card is busy: idle, it clocks itself down."""


def describe(device: torch.device, busy: Callable[[], object]) -> dict[str, Any]:
    """Describe processor and card; `busy` queues work for the card and waits for it."""
    return {
        **report.machine(),
        "gpu": _card(device) if device.type == "cuda" else None,
        "nvidia_smi": _nvidia_smi(device.index or 0, busy),
        "cuda_runtime": torch.version.cuda,
        "cuda_toolkit": _last_line("nvcc", "--version"),
        "routes": routes(),
        "commit": _last_line("git", "rev-parse", "HEAD"),
        "command": " ".join(sys.argv),
    }


def routes() -> list[str]:
    """Return the ways to search that this device has."""
    return list(_core.cuda.routes()) if _core.cuda_built else []


def _card(device: torch.device) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(device)
    return {
        "name": properties.name,
        "compute_capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "memory_bytes": properties.total_memory,
        "l2_bytes": properties.L2_cache_size,
    }


def _nvidia_smi(index: int, busy: Callable[[], object]) -> dict[str, str] | None:
    """Return what nvidia-smi says of a card kept busy, None where it is not to be had."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [
        program,
        f"--query-gpu={','.join(_QUERIES)}",
        "--format=csv,noheader",
        f"--id={index}",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as asked:
        while asked.poll() is None:
            busy()
        text = asked.stdout.read() if asked.stdout else ""
    values = [value.strip() for value in text.split(",")]
    if asked.returncode or len(values) != len(_QUERIES):
        return {"error": text.strip()}
    return dict(zip(_QUERIES, values, strict=True))


def _last_line(*command: str) -> str | None:
    """Return the last line that a command prints, None where it is missing or fails."""
    program = shutil.which(command[0])
    if program is None:
        return None
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    return lines[-1].strip() if done.returncode == 0 and lines else None


def heading(about: dict[str, Any]) -> str:
    """Return the lines above the table."""
    card, told = about["gpu"] or {}, about["nvidia_smi"] or {}
    return (
        f"splinecode {about['splinecode']} ({about['commit'] or 'no commit'}), torch "
        f"{about['torch']}, CUDA {about['cuda_runtime']}, driver "
        f"{told.get('driver_version', 'unknown')}\n"
        f"{card.get('name', 'no card')}, compute capability "
        f"{card.get('compute_capability', 'none')}, clocks under load "
        f"{told.get('clocks.sm', 'unknown')} and {told.get('clocks.mem', 'unknown')}; "
        f"{about['processor']}, {about['threads']} threads, {about['simd']}\n"
        f"routes: {', '.join(about['routes']) or 'none'}\n"
        "Medians of interleaved rounds by CUDA events; 'x ours' is the median (least to largest) "
        "of the ratios to ours, taken side by side."
    )
