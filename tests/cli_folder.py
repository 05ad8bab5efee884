"""A folder with models and data for the command line, and a process in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

SOURCE = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 3))

def tokens():
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(20, 4), nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))

def smooth():
    return nn.Sequential(net(), nn.Softmax(1))

def bug():
    assert False

def stopped():
    raise KeyboardInterrupt
"""


def fill(folder: Path) -> None:
    """Write models and data into the current folder."""
    (folder / "net.py").write_text(SOURCE)
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.normal(size=(50, 4)))
    np.savez("xy.npz", x=rng.normal(size=(30, 4)).astype(np.float32), y=np.arange(30) % 3)


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
    )
