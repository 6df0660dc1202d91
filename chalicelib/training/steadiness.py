"""Borders that move only when two refreshes in a row agree.

Cut points are learned anew every night, and every night some customers would change sides for
no other reason than that. So a border in force moves only as far as the last refresh and this one
agree: to the median of the three. A value is then on the new side of a border exactly if both
refreshes put it there, so a segment changes with the cut points only when the new one has held
twice.

>>> steadied([10.0, 20.0], seen=[12.0, 25.0], fresh=[14.0, 18.0])
[12.0, 20.0]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import cast

from chalicelib.core.model import Json

REFRESH_SHARE = 0.05
"""Cut points are worth learning anew when so many of the customers have changed."""

SEEN = "seen"
"""Under this name parameters hold what the last refresh found, which is not in force."""


def worth_a_refresh(changed: int, customers: int) -> bool:
    """Whether enough customers are others than at the last refresh.

    >>> worth_a_refresh(5, 100), worth_a_refresh(4, 100)
    (True, False)
    """
    return changed >= REFRESH_SHARE * customers


def steadied(
    in_force: Sequence[float], seen: Sequence[float], fresh: Sequence[float]
) -> list[float]:
    return [median(three) for three in zip(in_force, seen, fresh, strict=True)]


def adopted(in_force: Mapping[str, Json], fresh: Mapping[str, Json]) -> dict[str, Json]:
    """The parameters to put into force, and under ``SEEN`` what this refresh found.

    Numbers and lists of them are steadied; a list of another length than before is taken as it
    is, for the population has become large enough for finer cuts, or too small. So are cut
    points with ``ids``: the customers who stand at them are no numbers.
    """
    seen = cast(Mapping[str, Json], in_force.get(SEEN, in_force))
    fixed = set(fresh) if "ids" in fresh else {"n"}
    steady = {
        name: value if name in fixed else _adopted(in_force.get(name), seen.get(name), value)
        for name, value in fresh.items()
    }
    return {**steady, SEEN: dict(fresh)}


def _adopted(in_force: Json, seen: Json, fresh: Json) -> Json:
    match in_force, seen, fresh:
        case [int() | float(), int() | float(), int() | float()]:
            return median(cast(list[float], [in_force, seen, fresh]))
        case [list(), list(), list()] if len(in_force) == len(seen) == len(fresh):
            rows = zip(in_force, seen, fresh, strict=True)
            return [_adopted(*row) for row in rows]
        case _:
            return fresh
