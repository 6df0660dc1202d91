"""Whether those who come now are others than those a model was trained on.

The population stability index compares the shares of rows per level, in training (e) and now (a)::

    PSI = Σ (a - e) ln(a / e)

where an empty level counts as half a row. Below 0.1 nothing is the matter, above 0.25 the model is
to be trained anew. Of few rows chance alone makes about a level's share of a row: an index is told
where there are 20 rows per level on either side. Where it foretells the number of successes
wrongly while people are the same, new odds (Platt) are enough.

>>> psi([50, 50], [50, 50]), round(psi([50, 50], [80, 20]), 3)
(0.0, 0.416)
>>> levels = [level(one) for one in (0.05, 0.2, 0.3)]
>>> levels
['fine', 'watch', 'retrain']

Source: Siddiqi 2006, Credit Risk Scorecards, for the limits.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from chalicelib.core.model import Text
from chalicelib.localization.models import SCORE, drifted, off_by, old_model
from chalicelib.prediction.propensity import Propensity
from chalicelib.training.binning import Row, levels_of

WATCH, RETRAIN = 0.1, 0.25
LOW, HIGH = 0.8, 1.25
FEWEST_WINS = 50
FEWEST_ROWS, PER_LEVEL = 200, 20
OLDEST_DAYS = 30
LATELY = timedelta(days=90)
"""Successes are counted of those whose outcome came to be known within this."""

Level = Literal["fine", "watch", "retrain"]
Verdict = Literal["keep", "watch", "recalibrate", "retrain"]

_EMPTY = 0.5


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What to do with a model, and why; ``psi`` by field, and of the score under ``""``."""

    verdict: Verdict
    psi: dict[str, float]
    sentences: tuple[Text, ...]


def psi(expected: Sequence[int], actual: Sequence[int]) -> float:
    """Of rows by level. Nothing where either has no rows at all."""
    if not sum(expected) or not sum(actual):
        return 0.0
    pairs = [(e, a) for e, a in zip(expected, actual, strict=True) if e or a]
    return math.fsum(
        (a - e) * math.log(a / e)
        for e, a in zip(_shares([e for e, _ in pairs]), _shares([a for _, a in pairs]), strict=True)
    )


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [(count or _EMPTY) / total for count in counts]


def level(index: float) -> Level:
    return "fine" if index < WATCH else "watch" if index <= RETRAIN else "retrain"


def drift(model: Propensity, rows: Sequence[Row]) -> dict[str, float]:
    """PSI of every field that has enough rows and, under ``""``, of the score; of segments' models
    nothing is told.
    """
    model = replace(model, segments=())
    found = {
        field.name: psi(field.counts, _counted(column, len(field.counts)))
        for field, column in zip(model.fields, levels_of(model.fields, rows), strict=True)
        if _are_enough(field.counts, rows)
    }
    if _are_enough(model.score_counts, rows):
        scores = [bisect_left(model.score_edges, model.log_odds(row)) for row in rows]
        found[""] = psi(model.score_counts, _counted(scores, len(model.score_counts)))
    return found


def _are_enough(counts: Sequence[int], rows: Sequence[Row]) -> bool:
    needed = max(FEWEST_ROWS, PER_LEVEL * sum(map(bool, counts)))
    return min(sum(counts), len(rows)) >= needed


def _counted(levels: Sequence[int], size: int) -> list[int]:
    counts = Counter(levels)
    return [counts[place] for place in range(size)]


def upkeep(
    model: Propensity,
    rows: Sequence[Row],
    *,
    age_days: int,
    observed: int = 0,
    expected: float = 0.0,
) -> Upkeep:
    """``rows`` are those that came since the model was trained, scored or not.

    ``observed`` and ``expected`` are the successes of the last 90 days and the chances that had
    been foretold of the same cases, in sum.
    """
    found = drift(model, rows)
    drifting = {name: index for name, index in found.items() if index >= WATCH}
    said = tuple(
        drifted(name or SCORE.en, index)._replace(fa=drifted(name or SCORE.fa, index).fa)
        for name, index in drifting.items()
    )
    if age_days >= OLDEST_DAYS:
        return Upkeep("retrain", found, (old_model(age_days), *said))
    if any(level(index) == "retrain" for index in drifting.values()):
        return Upkeep("retrain", found, said)
    if is_off(observed, expected):
        return Upkeep("recalibrate", found, (off_by(observed, expected), *said))
    return Upkeep("watch" if drifting else "keep", found, said)


def is_off(observed: int, expected: float) -> bool:
    """Whether the successes are too many or too few for what was foretold.

    >>> is_off(60, 40.0), is_off(60, 55.0), is_off(30, 10.0)
    (True, False, False)
    """
    return observed >= FEWEST_WINS and not LOW * expected <= observed <= HIGH * expected
