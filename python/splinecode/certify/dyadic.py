"""float64 numbers as what they are: an odd integer times a power of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .moduli import Moduli, reduce

Vector = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

_BLOCK = 1 << 13  # stays in cache


@dataclass(frozen=True)
class Dyadic:
    """Finite float64 numbers, `odd * 2**exponent`; zeros have odd 0 and exponent 0."""

    odd: Integers
    exponent: Integers

    @classmethod
    def of(cls, values: Vector) -> Dyadic:
        """Take numbers apart, subnormal ones too."""
        mantissa, exponent = np.frexp(values)
        integer = np.ldexp(mantissa, 53).astype(np.int64)
        lowest = np.frexp((integer & -integer).astype(np.float64))[1] - 1  # its trailing zeros
        lowest[integer == 0] = 0
        exponent = exponent.astype(np.int64) - 53 + lowest
        exponent[integer == 0] = 0
        return cls(integer >> lowest, exponent)

    @property
    def scale(self) -> int | None:
        """The least E with all numbers times 2**E integers; None where all are zero."""
        present = self.odd != 0
        return -int(self.exponent[present].min()) if present.any() else None

    def residues(self, moduli: Moduli, scale: int) -> Vector:
        """Return the integers x * 2**scale modulo each of the moduli: (moduli, *shape), balanced.

        `scale` is at least `self.scale`.
        """
        shift = np.where(self.odd == 0, 0, self.exponent + scale).ravel()
        powers = moduli.powers(int(shift.max(initial=0)) + 1).astype(np.float64)
        odd, out = self.odd.ravel(), np.empty((len(moduli.primes), self.odd.size))
        for start in range(0, len(odd), _BLOCK):
            block = slice(start, start + _BLOCK)
            for row, prime in enumerate(moduli.primes):
                remainder = odd[block] - odd[block] // prime * prime
                out[row, block] = reduce(remainder * powers[row].take(shift[block]), float(prime))
        return out.reshape(len(moduli.primes), *self.odd.shape)

    def scaled(self, place: tuple[int, ...], scale: int) -> int:
        """Return the integer x * 2**scale of one number."""
        odd = int(self.odd[place])
        return odd << (int(self.exponent[place]) + scale) if odd else 0
