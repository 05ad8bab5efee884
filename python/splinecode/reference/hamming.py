"""Hamming distances between bool codes in plain PyTorch."""

import torch
from torch import Tensor


def paired(a_bool: Tensor, b_bool: Tensor) -> Tensor:
    """Distance between corresponding rows of bool (..., bits): int32 (...). One byte a bit."""
    return (a_bool ^ b_bool).sum(-1, dtype=torch.int32)


def xor_matrix(a_bool: Tensor, b_bool: Tensor) -> Tensor:
    """Distances from bool (m, bits) to bool (n, bits): int32 (m, n).

    O(m n bits) byte operations. One row of `a_bool` at a time, so that the scratch is n * bits
    bytes and not m times that.
    """
    distances = torch.empty(len(a_bool), len(b_bool), dtype=torch.int32, device=a_bool.device)
    for row, out in zip(a_bool, distances, strict=True):
        torch.sum(row ^ b_bool, -1, dtype=torch.int32, out=out)
    return distances


def pm1_topk(
    queries_bool: Tensor, database_bool: Tensor, k: int, chunk: int = 8192
) -> tuple[Tensor, Tensor]:
    """Find the k nearest rows of bool (n, bits) for each of bool (q, bits), by a matrix product.

    With bits written as -1 and +1, the scalar product of two codes is bits - 2 * distance: it turns
    a search into a float32 matrix product and `torch.topk`. Returns distances, int32 (q, k),
    ascending, and indices, int64 (q, k).

    Distances are exact up to 2**24 bits, where float32 stops counting. Which of several rows at one
    distance is returned, and in which order, is up to `torch.topk`. O(q n bits); the scratch is
    4 * (q * bits + chunk * (q + bits)) bytes, whatever n is. Raises ValueError unless 1 <= k <= n.
    """
    if not 1 <= k <= len(database_bool):
        raise ValueError(f"k must lie in 1..{len(database_bool)}, the rows searched; got {k}")
    bits = queries_bool.shape[-1]
    queries = _plus_minus_one(queries_bool)
    products = queries.new_empty(len(queries), 0)
    indices = torch.empty(len(queries), 0, dtype=torch.int64, device=queries.device)
    for start in range(0, len(database_bool), chunk):
        block = queries @ _plus_minus_one(database_bool[start : start + chunk]).T
        best, where = block.topk(min(k, block.shape[1]))
        products, indices = torch.cat([products, best], 1), torch.cat([indices, where + start], 1)
        products, kept = products.topk(min(k, products.shape[1]))
        indices = indices.gather(1, kept)
    return ((bits - products) / 2).to(torch.int32), indices


def _plus_minus_one(bits: Tensor) -> Tensor:
    return bits.to(torch.float32).mul_(2).sub_(1)
