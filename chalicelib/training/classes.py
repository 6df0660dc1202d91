"""Who makes the first 80 % of the value: the borders of the classes A, B and C.

>>> class_borders([50, 30, 10, 6, 4], (0.8, 0.95))
{'A': 30, 'B': 6}

Source: Pareto analysis (ABC analysis), Dickie 1951.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from chalicelib.core.model import Json


def class_borders(values: Iterable[int], shares: Sequence[float]) -> Mapping[str, Json]:
    """The least values of classes A and B, by the cumulative ``shares`` of all value.

    Who has exactly a border value is in the better class, so equals are never parted. A border
    is None where nobody has a value, and everybody is in class C.
    """
    ordered = sorted((value for value in values if value > 0), reverse=True)
    total, borders = sum(ordered), []
    for share in shares:
        goal = Fraction(str(share)) * total
        borders.append(_border(ordered, goal))
    return dict(zip("AB", borders, strict=True))


def _border(ordered: Sequence[int], goal: Fraction) -> int | None:
    reached = 0
    for value in ordered:
        reached += value
        if reached >= goal:
            return value
    return None
