"""Whether a model foretells better than the one in force, by cases that neither of them knew.

These are cases whose outcome came to be known after the one in force was trained, for of all others
it has seen the outcomes. The later half of them judges; the older half belongs to what the new one
knows, since that is what it has before the other. Both halves together would leave it nothing but
what the one in force was made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.model import Json, Text
from chalicelib.localization import models as say
from chalicelib.prediction.propensity import Propensity
from chalicelib.training.cases import Cases
from chalicelib.training.fitting import FEWEST_COUNTED, Plan, fit
from chalicelib.training.metrics import log_loss
from chalicelib.training.segments import with_segments

FEWEST_OF_EITHER = FEWEST_COUNTED
"""Outcomes by which models are compared: with fewer, luck would choose. With so few nothing is
learned either."""

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Rival:
    """What a model has to be better than, as sentences call it.

    What came to be known until ``trained_at`` it may know; None of what knows no single case.
    """

    model: Propensity
    name: Text = say.RUNNING
    trained_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``text`` is None where there is nothing to say."""

    better: bool
    text: Text | None
    figures: Mapping[str, Json]


def against(
    rival: Rival, chances: Sequence[float], newest: Cases, cases: Cases, plan: Plan, segment: str
) -> Comparison:
    """``chances`` are what is foretold of the ``newest`` by a model of the other ``cases``."""
    if rival.trained_at is None:
        return _compared(rival, chances, newest, {})
    unseen, known = cases.since(rival.trained_at)
    if unseen.rarer < FEWEST_OF_EITHER:
        text = say.not_compared(unseen.rarer, FEWEST_OF_EITHER, rival.name)
        return Comparison(True, text, {})
    model = fit(known, plan)
    if isinstance(model, Text):
        return Comparison(False, model, {})
    whole, _, _ = with_segments(model, known, plan, segment)
    told = [whole.probability(row) for row in unseen.rows]
    figures: dict[str, Json] = {
        "compared": len(told),
        "compared_log_loss": round(log_loss(told, unseen.outcomes), _DIGITS),
    }
    return _compared(rival, told, unseen, figures)


def _compared(
    rival: Rival, chances: Sequence[float], cases: Cases, figures: Mapping[str, Json]
) -> Comparison:
    loss = log_loss(chances, cases.outcomes)
    other = log_loss([rival.model.probability(row) for row in cases.rows], cases.outcomes)
    text = None if loss < other else say.does_not_beat(loss, other, rival.name)
    return Comparison(loss < other, text, {**figures, "running_log_loss": round(other, _DIGITS)})
