"""Rows of any fields, cut into levels.

A number is cut at the deciles of training into at most ten ranges, equal edges made one and no
range with fewer than ten rows planned; a value of few rows, or that 50 others are more common than,
joins *other*; what is missing is a level of its own. A field that is left with one level tells
nothing and is dropped.

>>> rows = [{"visits": n % 20, "source": "web" if n % 4 else f"fair {n}"} for n in range(40)]
>>> table = binned(rows)
>>> [(field.name, field.edges, field.values, field.counts) for field in table.fields
... ]  # doctest: +NORMALIZE_WHITESPACE
[('source', None, ('web',), (30, 10, 0)),
 ('visits', (4.75, 9.5, 14.25), (), (10, 10, 10, 10, 0, 0))]

Source: type 7 quantiles are those of Hyndman and Fan 1996.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from chalicelib.prediction.propensity import FieldModel, Value, is_missing, written

RANGES = 10
FEWEST = 10
"""Rows that a value needs to be a level of its own."""

MOST_VALUES = 50
"""Levels of a text: each costs a logistic model ten outcomes, and room where models are kept."""

Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Table:
    """``fields`` have no weights yet; ``columns`` hold the level of every row, by field.

    ``constant`` are the fields that were dropped.
    """

    fields: tuple[FieldModel, ...]
    columns: tuple[tuple[int, ...], ...]
    constant: tuple[str, ...]

    @property
    def free_parameters(self) -> int:
        """Of a model with one weight per level: a level less per field, and the intercept."""
        return 1 + sum(sum(map(bool, field.counts)) - 1 for field in self.fields)


def binned(rows: Sequence[Row], ranges: int = RANGES) -> Table:
    """Fields are in the order of their names."""
    names = sorted({name for row in rows for name in row})
    found = [(name, _field(name, [row.get(name) for row in rows], ranges)) for name in names]
    telling = [field for _, (field, _) in found if sum(map(bool, field.counts)) > 1]
    return Table(
        tuple(telling),
        tuple(column for _, (field, column) in found if sum(map(bool, field.counts)) > 1),
        tuple(name for name, (field, _) in found if sum(map(bool, field.counts)) <= 1),
    )


def levels_of(fields: Iterable[FieldModel], rows: Sequence[Row]) -> list[tuple[int, ...]]:
    """The levels of other rows, by field."""
    return [tuple(field.level(row.get(field.name)) for row in rows) for field in fields]


def quantiles(ordered: Sequence[float], parts: int) -> list[float]:
    """The inner borders between equal parts of a sorted list, by type 7.

    >>> quantiles([1, 2, 3, 4, 10], 2), quantiles([1, 2], 4)
    ([3.0], [1.25, 1.5, 1.75])
    """
    return [quantile(ordered, part / parts) for part in range(1, parts)]


def quantile(ordered: Sequence[float], share: float) -> float:
    position = (len(ordered) - 1) * share
    below = min(int(position), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _field(name: str, values: Sequence[Value], ranges: int) -> tuple[FieldModel, tuple[int, ...]]:
    known = [value for value in values if not is_missing(value)]
    if known and all(_is_number(value) for value in known):
        bare = _ranges(name, sorted(cast(list[float], known)), ranges)
    else:
        bare = _values(name, known)
    column = tuple(map(bare.level, values))
    counts = Counter(column)
    return replace(bare, counts=tuple(counts[level] for level in range(len(bare.weights)))), column


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ranges(name: str, ordered: Sequence[float], ranges: int) -> FieldModel:
    parts = max(1, min(ranges, len(ordered) // FEWEST))
    # Of edges with the same values below, one; none at the greatest value, for nothing is above it.
    below = {
        bisect_right(ordered, edge): float(edge)
        for edge in reversed(quantiles(ordered, parts))
        if edge < ordered[-1]
    }
    return FieldModel(name, tuple(sorted(below.values())), (), (0.0,) * (len(below) + 3))


def _values(name: str, known: Sequence[Value]) -> FieldModel:
    counts = Counter(map(written, known))
    often = sorted(counts, key=lambda value: (-counts[value], value))[:MOST_VALUES]
    common = tuple(sorted(value for value in often if counts[value] >= FEWEST))
    return FieldModel(name, None, common, (0.0,) * (len(common) + 2))
