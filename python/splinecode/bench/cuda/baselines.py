"""What torch offers on a GPU: packing by shifts, and search by matrix products and topk."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..timing import Call
from .data import Coins, signs

_PRODUCT_BYTES = 2 << 30
_MOST_EXACT_HALF = 4096
"""Up to here the scalar products of codes, even numbers, are exact in float16."""

Product = Callable[[Tensor, Tensor], Tensor]


def pack_by_shifts(z: Tensor) -> Tensor:
    """Pack the signs of (n, units) by shift-or over the eight bits of a byte: uint8."""
    octets = pad(z > 0, (0, -z.shape[-1] % 8)).view(torch.uint8).unflatten(-1, (-1, 8))
    packed: Tensor = octets[..., 0].clone()
    for bit in range(1, 8):
        packed |= octets[..., bit] << bit
    return packed


def sign_dtype(bits: int) -> torch.dtype:
    """Return the dtype of the fastest exact product: float16 while its result is exact."""
    return torch.float16 if bits <= _MOST_EXACT_HALF else torch.bfloat16


def product_topk(x: Tensor, database: Coins, k: int) -> Call:
    """Search by products of -1 and +1 in halves, the database expanded before: 16 times as large.

    Returns distances int32 (q, k), ascending, and indices. Blocks of the matrix of products are
    made and reduced to their k largest one after the other.
    """
    dtype = sign_dtype(database.bits)
    y = database.signs(dtype)
    product = _half_product if dtype == torch.float16 else wide_product
    return _search(signs(x, dtype), y, k, product)


def int8_topk(x: Tensor, database: Coins, k: int) -> Call:
    """Search as `product_topk` by products of int8, which torch leaves in int32."""
    return _search(signs(x, torch.int8), database.signs(torch.int8), k, _int8_product)


def product_counts(x: Tensor, database: Coins, radius: int) -> Call:
    """Count the codes within the radius by the products of `product_topk`: int64 (q,)."""
    dtype = sign_dtype(database.bits)
    x_signs, y = signs(x, dtype), database.signs(dtype)
    least = database.bits - 2 * radius
    product = _half_product if dtype == torch.float16 else wide_product

    def count() -> Tensor:
        counts = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        for begin, end in _blocks(len(x), len(y)):
            counts += (product(x_signs, y[begin:end]) >= least).sum(1)
        return counts

    return count


def product_matrix(x: Coins, dtype: torch.dtype) -> Call:
    """Return the distances of all pairs, int32 or uint16, by one product of -1 and +1."""
    halves = sign_dtype(x.bits)
    product = _half_product if halves == torch.float16 else wide_product
    y = x.signs(halves)
    if dtype == torch.uint16:  # torch has little for it: below 2**15, the bytes of int16
        return lambda: product(y, y).sub_(x.bits).mul_(-0.5).to(torch.int16).view(dtype)
    return lambda: product(y, y).sub_(x.bits).mul_(-0.5).to(dtype)


def _search(x: Tensor, y: Tensor, k: int, product: Product) -> Call:
    bits = x.shape[1]

    def search() -> tuple[Tensor, Tensor]:
        best: list[Tensor] = []
        where: list[Tensor] = []
        for begin, end in _blocks(len(x), len(y)):
            values, rows = product(x, y[begin:end]).topk(min(k, end - begin))
            best.append(values)
            where.append(rows + begin)
        products, kept = torch.cat(best, 1).topk(k)
        distances = (bits - products.to(torch.int32)).div_(2, rounding_mode="floor")
        return distances, torch.cat(where, 1).gather(1, kept)

    return search


def _blocks(queries: int, rows: int) -> Iterator[tuple[int, int]]:
    """Cut the rows so that a block's products, of 4 bytes at most, take no more than their part."""
    step = max(1024, _PRODUCT_BYTES // (4 * queries) // 1024 * 1024)
    for begin in range(0, rows, step):
        yield begin, min(rows, begin + step)


def _half_product(x: Tensor, y: Tensor) -> Tensor:
    return x @ y.T


def wide_product(x: Tensor, y: Tensor) -> Tensor:
    """Multiply halves x (q, bits) and y (n, bits) into float32 (q, n)."""
    if x.device.type == "cpu":
        return x.float() @ y.float().T
    return torch.mm(x, y.T, out_dtype=torch.float32)


def _int8_product(x: Tensor, y: Tensor) -> Tensor:
    return torch._int_mm(x, y.T)
