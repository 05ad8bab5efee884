"""Linear regions of a ReLU net in a window of a plane, in plain PyTorch."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Subdivision(NamedTuple):
    """Vertices (V, 2), edges (E, 2) between them, the regions (E, 2) beside edges: -1 outside."""

    vertices: Tensor
    edges: Tensor
    sides: Tensor

    @property
    def regions(self) -> int:
        """How many regions there are."""
        return len(self.sides.unique()) - 1


@torch.no_grad()
def slice_regions(
    model: nn.Sequential, p0: Tensor, p1: Tensor, p2: Tensor, extent: Sequence[float]
) -> Subdivision:
    """Cut the window u_min, u_max, v_min, v_max of x(u, v) = p0 + u (p1 - p0) + v (p2 - p0).

    `model` holds Linear and ReLU; anything else raises TypeError. Edge subdivision (Berzins,
    "Polyhedral Complex Extraction from ReLU Networks using Edge Subdivision", ICML 2023): each unit
    is known at the vertices; edges whose ends are on opposite sides of its zero are cut, and the
    two new vertices of a region are joined. One unit after the other, O(units * edges).

    In general position alone: no vertex may lie on the zero of a unit.
    """
    u_min, u_max, v_min, v_max = extent
    corners = [[u_min, v_min], [u_max, v_min], [u_max, v_max], [u_min, v_max]]
    uv = torch.tensor(corners, dtype=p0.dtype)
    edges = torch.tensor([[0, 1], [1, 2], [2, 3], [3, 0]])
    sides = torch.tensor([[0, -1]] * 4)
    z = p0 + uv[:, :1] * (p1 - p0) + uv[:, 1:] * (p2 - p0)
    for module in model:
        if isinstance(module, nn.ReLU):
            z = torch.cat([uv, z], dim=1)  # both are linear in each region
            for unit in range(2, z.shape[1]):
                z, edges, sides = _cut(z, edges, sides, unit)
            uv, z = z[:, :2], z[:, 2:].relu()
        elif isinstance(module, nn.Linear):
            z = module(z)
        else:
            raise TypeError(f"no rule for a {type(module).__name__}: wanted Linear and ReLU")
    return Subdivision(uv, edges, sides)


def _cut(z: Tensor, edges: Tensor, sides: Tensor, unit: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cut all regions along the zero of a unit."""
    ends = z[edges, unit]
    cut = (ends > 0).sum(1) == 1
    if not cut.any():
        return z, edges, sides
    (a, b), (za, zb) = edges[cut].T, ends[cut].T
    fresh = torch.arange(len(z), len(z) + len(a))
    z = torch.cat([z, torch.lerp(z[a], z[b], (za / (za - zb))[:, None])])
    z[fresh, unit] = 0.0
    edges = torch.cat([edges, torch.stack([fresh, b], 1)])
    edges[: -len(fresh)][cut, 1] = fresh
    sides = torch.cat([sides, sides[cut]])

    # The two cut edges of a region stand next to each other in the order of their regions.
    region, place = sides[-len(fresh) :].flatten().sort(stable=True)
    place = place[region >= 0]
    region = region[region >= 0][::2]
    joined = fresh[place // 2].reshape(-1, 2)
    number = torch.arange(int(sides.max()) + 2)  # the last is that of the outside, -1
    number[-1] = -1
    number[region] = torch.arange(len(region)) + int(sides.max()) + 1
    negative = z[edges, unit].sum(1) < 0  # one end at least is strictly on one side
    sides = torch.where(negative[:, None], number[sides], sides)
    beside = torch.stack([region, number[region]], dim=1)
    return z, torch.cat([edges, joined]), torch.cat([sides, beside])
