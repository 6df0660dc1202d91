"""Fields that tell of the outcome because the outcome filled them.

A field is objected to if it alone ranks those who did above the others with an area of more than
0.95, or if it is filled among those who did more than five times as often as among the others and
was last changed within a day of the end. Where it is not known when fields changed, it has to be
filled for half of those who did as well, as what an outcome fills mostly is.

Zero is not filled: a field that counts or sums begins with it.

>>> rows = [{"paid": 9.0 if n < 40 else 0.0, "visits": n % 7} for n in range(200)]
>>> [leak.field for leak in leaks(rows, [n < 45 for n in range(200)])]
['paid']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from chalicelib.core.model import Text
from chalicelib.localization.models import filled_by_the_outcome, ranks_by_itself
from chalicelib.prediction.propensity import FieldModel, is_missing
from chalicelib.training.binning import FEWEST, Row, binned
from chalicelib.training.metrics import auc

AREA = 0.95
TIMES = 5.0
WITHIN_DAYS = 1.0
_MOSTLY = 0.5

Lags = Sequence[Mapping[str, float]]
"""By row and field the days from its last change to the end, which may be below nothing."""


@dataclass(frozen=True, slots=True)
class Leak:
    """``did`` and ``others`` are the shares for whom the field is filled."""

    field: str
    area: float
    did: float
    others: float
    sentence: Text


def leaks(rows: Sequence[Row], outcomes: Sequence[bool], lags: Lags | None = None) -> list[Leak]:
    """By field name. Empty where all outcomes are the same."""
    if all(outcomes) or not any(outcomes):
        return []
    table = binned(rows)
    found = (
        _leak(field, column, rows, outcomes, lags)
        for field, column in zip(table.fields, table.columns, strict=True)
    )
    return [leak for leak in found if leak]


def _leak(
    field: FieldModel,
    column: Sequence[int],
    rows: Sequence[Row],
    outcomes: Sequence[bool],
    lags: Lags | None,
) -> Leak | None:
    name, area = field.name, _area(column, outcomes)
    did, others = _filled(name, rows, outcomes, True), _filled(name, rows, outcomes, False)
    if area > AREA:
        return Leak(name, area, did, others, ranks_by_itself(name, area))
    often = did > TIMES * others and did * sum(outcomes) >= FEWEST
    if often and _came_with_the_end(name, did, outcomes, lags):
        return Leak(name, area, did, others, filled_by_the_outcome(name, did, others))
    return None


def _area(column: Sequence[int], outcomes: Sequence[bool]) -> float:
    """Of the field's levels, ranked by their share of outcomes."""
    rows: dict[int, list[bool]] = {}
    for level, outcome in zip(column, outcomes, strict=True):
        rows.setdefault(level, []).append(outcome)
    shares = {level: sum(flags) / len(flags) for level, flags in rows.items()}
    return auc([shares[level] for level in column], outcomes) or 0.0


def _filled(name: str, rows: Sequence[Row], outcomes: Sequence[bool], which: bool) -> float:
    flags = [
        not is_missing(row.get(name)) and bool(row[name])
        for row, outcome in zip(rows, outcomes, strict=True)
        if bool(outcome) is which
    ]
    return sum(flags) / len(flags)


def _came_with_the_end(name: str, did: float, outcomes: Sequence[bool], lags: Lags | None) -> bool:
    if lags is None:
        return did >= _MOSTLY
    known = [
        lag[name] for lag, outcome in zip(lags, outcomes, strict=True) if outcome and name in lag
    ]
    return bool(known) and median(known) <= WITHIN_DAYS
