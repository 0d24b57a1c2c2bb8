"""Numbers that a user gives, taken if they make sense; what is refused is named, with the range and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np


def whole(name: str, value: Any, low: int) -> int:
    """The value as an int, if it is a whole number of at least `low`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}={value!r} must be a whole number >= {low}")
    if value < low:
        raise ValueError(f"{name}={value!r} must be at least {low}")
    return int(value)


def span(name: str, values: Any) -> tuple[int, int]:
    """The values as (fewest, most), if they are two whole numbers of at least 1 that ascend."""
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 2:
        raise TypeError(f"{name}={values!r} must be two whole numbers, the fewest and the most, as in {name}=(1, 5)")
    low, high = (whole(f"each of {name}", value, 1) for value in values)
    if low > high:
        raise ValueError(f"{name}={(low, high)} must ascend: the fewest, then the most, as in {name}=(1, 5)")
    return low, high


def widths(name: str, values: Any) -> tuple[int, ...]:
    """The values as a tuple, if they are whole numbers of at least 1, each once and ascending."""
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise TypeError(f"{name}={values!r} must be a non-empty tuple of whole numbers, as in {name}=(1, 2, 4)")
    given = tuple(whole(f"each of {name}", value, 1) for value in values)
    if any(b <= a for a, b in pairwise(given)):
        raise ValueError(f"{name}={given} must ascend, each once, as in {name}=(1, 2, 4)")
    return given
