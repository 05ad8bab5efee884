"""Primes small enough for exact sums of products in float64, and the way back to integers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import mul
from threading import Lock
from typing import Any

import numpy as np

EXACT = 2**52
"""Sums of integers are exact in float64, in any order and with fused operations, up to this."""


def largest_modulus(terms: int) -> int:
    """Return a power of two below which moduli make sums of `terms` products of residues exact.

    Residues modulo p are at most h = (p + 1) / 2 (see `reduce`). With a constant added to them,
    (terms + 1) * h^2 <= 2^52 is wanted.
    """
    largest = 2 * math.isqrt(EXACT // (terms + 1)) - 1
    return int(min(2 ** (largest.bit_length() - 1), 2**26))


def reduce(
    values: np.ndarray[Any, Any], primes: np.ndarray[Any, Any] | float
) -> np.ndarray[Any, Any]:
    """Bring integers of at most 2^52, as float64, to residues of at most (p + 1) / 2, in place.

    The quotient x / p rounds by at most 2^-53 of itself, which is 1 / 2p: the nearest integer q is
    within 1/2 + 1/2p of the true one. q p is at most 2^52 + p and so exact, as is x - q p.
    """
    values -= np.rint(values / primes) * primes
    return values


class Moduli:
    """A run of consecutive primes below a limit, from the largest down."""

    def __init__(self, primes: Sequence[int]) -> None:
        self.primes = tuple(primes)
        self.column = np.array(primes, np.float64)
        self._powers = np.ones((len(primes), 1), np.int64)

    def powers(self, count: int) -> np.ndarray[Any, Any]:
        """Return 2**k modulo each prime for k < count at least: int64 (primes, k)."""
        primes = np.array(self.primes, np.int64)[:, None]
        while self._powers.shape[1] < count:
            next_power = self._powers[:, -1:] * 2 % primes
            more = self._powers * next_power % primes
            self._powers = np.concatenate([self._powers, more], axis=1)
        return self._powers

    def power(self, exponent: int) -> np.ndarray[Any, Any]:
        """Return 2**exponent modulo each prime, balanced: float64 (primes,)."""
        residues = [pow(2, exponent, prime) for prime in self.primes]
        balanced = [r - p if r > p // 2 else r for r, p in zip(residues, self.primes, strict=True)]
        return np.array(balanced, np.float64)


class Basis:
    """All the moduli of a computation: chunks of primes below a limit, and integers from residues.

    Chinese remainders: N = sum of r_i e_i modulo M, the product of the primes, with e_i = 1 modulo
    p_i and 0 modulo the others. |N| < M / 2 makes N unique.
    """

    def __init__(self, limit: int, chunk_size: int) -> None:
        self.chunk_size = chunk_size
        self._primes = _primes_below(limit)
        self._chunks: list[Moduli] = []
        self._lock = Lock()
        self._idempotents: dict[int, tuple[int, list[int]]] = {}

    def chunk(self, index: int) -> Moduli:
        """Return one chunk."""
        with self._lock:
            while len(self._chunks) <= index:
                self._chunks.append(Moduli([next(self._primes) for _ in range(self.chunk_size)]))
        return self._chunks[index]

    def chunks_for(self, bits: float) -> int:
        """Return how many chunks tell integers of magnitude at most 2**bits apart."""
        count, product = 0, 0.0
        while product <= bits + 2:
            product += float(np.log2(self.chunk(count).column).sum()) - 1e-9
            count += 1
        return count

    def integers(self, residues: np.ndarray[Any, Any]) -> list[int]:
        """Return the integers with these residues (moduli, n), the first len(residues) moduli."""
        modulus, idempotents = self._inverse(len(residues))
        half = modulus // 2
        found = []
        for column in residues.T.astype(np.int64).tolist():
            integer = sum(map(mul, column, idempotents)) % modulus
            found.append(integer - modulus if integer > half else integer)
        return found

    def _inverse(self, count: int) -> tuple[int, list[int]]:
        if count not in self._idempotents:
            primes = [p for i in range(count // self.chunk_size) for p in self.chunk(i).primes]
            modulus = math.prod(primes)
            parts = [modulus // p for p in primes]
            self._idempotents[count] = (
                modulus,
                [part * pow(part, -1, p) for part, p in zip(parts, primes, strict=True)],
            )
        return self._idempotents[count]


@lru_cache(maxsize=8)
def basis_below(limit: int, chunk_size: int) -> Basis:
    """Return the moduli below a limit, found once."""
    return Basis(limit, chunk_size)


def _primes_below(limit: int) -> Iterator[int]:
    """Yield the odd primes below a limit, the largest first.

    Raises ValueError where there are no more.
    """
    width = 1 << 14
    small = np.flatnonzero(_sieve(math.isqrt(limit) + 1))
    for stop in range(limit, 3, -width):
        start = max(stop - width, 3)
        candidates = np.ones(stop - start, bool)
        for prime in small.tolist():
            first = max(prime * prime, -(-start // prime) * prime)
            candidates[first - start :: prime] = False
        yield from (np.flatnonzero(candidates)[::-1] + start).tolist()
    raise ValueError(f"no more primes below {limit}")


def _sieve(stop: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which integers below `stop` are prime."""
    prime = np.ones(stop + 1, bool)
    prime[:2] = False
    for factor in range(2, math.isqrt(stop) + 1):
        if prime[factor]:
            prime[factor * factor :: factor] = False
    return prime[:stop]
