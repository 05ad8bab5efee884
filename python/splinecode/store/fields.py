"""Fields of a JSON document from anywhere, each checked as it is read."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

_MOST = 2**62
_HASH_DIGITS = 64


class Fields:
    """Fields of a JSON object, each asked for with its type.

    Raises ValueError, which names the file and the field, for another.
    """

    def __init__(self, path: Path, place: str, values: Any) -> None:
        self._path, self._place = path, place
        if not isinstance(values, dict):
            raise self.error("", values, "an object")
        self._values = values

    def error(self, name: str, value: Any, wanted: str) -> ValueError:
        """Return what is to be raised for the value of a field."""
        place = f"{self._place}{name}" or "the document"
        return ValueError(f"{self._path}: {place} is {str(value)[:80]!r}; wanted {wanted}")

    def text(self, name: str) -> str:
        """Return a string."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise self.error(name, value, "text")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string, or None where there is none."""
        return None if self._values.get(name) is None else self.text(name)

    def digest(self, name: str) -> str:
        """Return SHA-256 in hexadecimal digits."""
        value = self.text(name)
        if len(value) != _HASH_DIGITS or not set(value) <= set("0123456789abcdef"):
            raise self.error(name, value, f"{_HASH_DIGITS} hexadecimal digits")
        return value

    def count(self, name: str, least: int, most: int = _MOST) -> int:
        """Return a whole number of at least `least`, at most `most`."""
        value = self._values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.error(name, value, f"a whole number of at least {least}, at most {most}")
        return value

    def number(self, name: str) -> float:
        """Return a number that is no NaN."""
        value = self._values.get(name)
        number = math.nan
        if isinstance(value, int | float) and not isinstance(value, bool):
            with suppress(OverflowError):  # a whole number beyond all floats
                number = float(value)
        if math.isnan(number):
            raise self.error(name, value, "a number")
        return number

    def mapping(self, name: str) -> dict[str, Any]:
        """Return an object as it is."""
        value = self._values.get(name)
        if not isinstance(value, dict):
            raise self.error(name, value, "an object")
        return value

    def objects(self, name: str) -> list[Fields]:
        """Return the fields of each object of a list."""
        value = self._values.get(name)
        if not isinstance(value, list):
            raise self.error(name, value, "a list")
        return [Fields(self._path, f"{name}[{i}].", item) for i, item in enumerate(value)]
