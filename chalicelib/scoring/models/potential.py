"""How probable it is that they buy next, by the deals that are open.

Deals in stages of which the connection's own deals were won with probabilities p are taken to be
independent, so the chance that at least one is won is

    U = 100 · (1 - Π (1 - p))

The likeliest deal comes first and each adds what is left for it: ``100 · p · Π (1 - p of those
before)``, so that the lines sum to the whole. Who has no open deal in a known stage, and any
connection that has not learned probabilities yet, has no potential that is known; that is not zero.
Where a model of deals is in force, p is what it tells of the deal.
Where it is predicted that they buy within 90 days with a chance that is larger, that one counts, in
steps of 5 %.

Deals at 60 % and 50 % leave a chance of 20 % that both are lost:

>>> shares([0.5, 0.6])
[60.0, 20.0]

Source: the weighted pipeline of all three CRMs; noisy-or after Pearl 1988, chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

from chalicelib.core.facts import earliest
from chalicelib.core.funnel import STAGES
from chalicelib.core.model import Json
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.localization.customers import open_deal
from chalicelib.localization.predictions import likely_to_buy
from chalicelib.scoring.models import Context, Parameters

SCHEMA: Mapping[str, Json] = {
    "required": [],
    "properties": {},
    "examples": [{"model": "potential"}],
}

FITTED = "stages"
"""What training learned of stages serves the forecast as well."""


class Chance(NamedTuple):
    deal: str
    stage: str
    probability: float


@dataclass(frozen=True, slots=True)
class Model:
    stage_of: Callable[[Mapping[str, Json]], str | None]

    @classmethod
    def from_page(cls, _: Parameters, context: Context) -> Model:
        return cls(context.stage_of)

    @property
    def maximum(self) -> float:
        return 100.0

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:
        odds = cast("Mapping[str, float]", fitted.get("p") or {})
        found = sorted(self._chances(profile, odds), key=lambda one: (-one.probability, one.deal))
        points = shares([one.probability for one in found])
        predicted, wins = profile.prediction, profile.wins
        changes = wins.changes_at if wins else None
        if predicted and predicted.step is not None and 100 * predicted.step > sum(points):
            return _predicted(predicted.step, earliest((predicted.steps_at, changes)))
        if not found:
            return Measure(terms=(), known=0, asked=1)
        rows = zip(found, points, strict=True)
        terms = tuple(_term(one, part) for one, part in rows)
        return Measure(terms, known=1, asked=1, changes_at=changes)

    def _chances(self, profile: Profile, odds: Mapping[str, float]) -> Iterator[Chance]:
        told = profile.wins.chances if profile.wins else {}
        for deal in profile.facts.deals():
            stage = self.stage_of(deal.attributes) if deal.status == "open" else None
            if stage is not None and stage in odds:
                yield Chance(deal.id, stage, told.get(deal.id, odds[stage]))


def shares(probabilities: Sequence[float]) -> list[float]:
    """Of each deal, the likeliest first, in points of 100."""
    left, found = 100.0, []
    for probability in sorted(probabilities, reverse=True):
        found.append(left * probability)
        left -= found[-1]
    return found


def _predicted(step: float, changes_at: datetime | None) -> Measure:
    percent = round(100 * step)
    term = Term("predicted", percent, likely_to_buy(percent, 90))
    return Measure((term,), known=1, asked=1, changes_at=changes_at)


def _term(one: Chance, points: float) -> Term:
    return Term(one.deal, points, open_deal(STAGES[one.stage], round(100 * one.probability)))
