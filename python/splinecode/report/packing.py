"""Arrays and data inside a page: compressed, as base64, in JSON that cannot end its element."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

_NAMES = {"float32": "f32", "float64": "f64", "uint8": "u8", "uint32": "u32", "int8": "i8"}


def packed(values: np.ndarray[Any, Any], dtype: str) -> dict[str, str]:
    """Return numbers as the page's scripts read them: {"type", "data"}, flat, little-endian.

    Raises ValueError for a whole number that the dtype does not hold.
    """
    wanted = np.dtype(dtype)
    if wanted.kind in "iu" and values.size:
        low, high = int(values.min()), int(values.max())
        limits = np.iinfo(wanted)
        if low < limits.min or high > limits.max:
            raise ValueError(f"values from {low} to {high}; wanted what {dtype} holds")
    flat = np.ascontiguousarray(values, wanted.newbyteorder("<")).tobytes()
    return {"type": _NAMES[dtype], "data": base64.b64encode(zlib.compress(flat, 6)).decode()}


def script_json(data: Mapping[str, Any]) -> str:
    """Return JSON for a script element: no text in it can end the element or open a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
