"""A model and inputs whose codes are streamed, here and in processes that are killed."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Counted(nn.Module):
    """Two layers over tokens; it counts the inputs that it runs, and stops after `left` of them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(20, 6)
        self.body = nn.Sequential(nn.Linear(6, 70), nn.ReLU(), nn.Linear(70, 9), nn.ReLU())
        self.ran, self.left = 0, 10**9
        self.eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        self.left -= len(input_ids)
        if self.left < 0:
            raise KeyboardInterrupt
        self.ran += len(input_ids)
        return self.body(self.embed(input_ids))


IDS = torch.randint(20, (23, 5), generator=torch.Generator().manual_seed(1))
MASK = torch.rand(23, 5, generator=torch.Generator().manual_seed(2)) < 0.7
NAMED = {"input_ids": IDS, "attention_mask": MASK.long()}
BYTES_OF_A_CODE = 24
