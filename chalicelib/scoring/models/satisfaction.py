"""How satisfied they say they are: the latest answer of each survey, the newer the heavier.

Answers q are brought to 0-100: of NPS, 0-10, by ``10 v``; of CSAT, 1-5, by ``25 (v - 1)``. An
answer that is t days old weighs ``w = 2^(-t / h)``, with h = ``half_life_days`` = 180, and the mean
of all customers μ, where it is known, weighs 1:

    Q = (Σ w·q + μ) / (Σ w + 1)  =  μ + Σ w·(q - μ) / (Σ w + 1)

Since all answers fade alike, each part of the second sum decays as ``p·d(1 + b) / (1 + b·d)`` with
``b = Σ w`` and d = what is left of a plain half-life. Who never answered is missing, not neutral.

A promoter's 10 of today, where customers are at 70 on average, gives (100 + 70) / 2:

>>> from datetime import UTC, datetime
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> [line[1] for line in parts([Answer("nps", 10, 100, now)], now, 180, mean=70)]
[15.0]

Source: Reichheld 2003 for NPS; shrinkage towards the mean of all after Efron and Morris 1975.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp2, fsum
from typing import Literal, NamedTuple, cast
from zoneinfo import ZoneInfo

from chalicelib.core.card import Satisfaction
from chalicelib.core.facts import Fact, FactSet, parse_instant
from chalicelib.core.model import Json, Text
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.localization.customers import answered, usual_answer
from chalicelib.localization.dates import when
from chalicelib.scoring.models import Context, Parameters

SCHEMA: Mapping[str, Json] = {
    "required": [],
    "properties": {"half_life_days": {"type": "number", "exclusiveMinimum": 0}},
    "examples": [{"model": "satisfaction", "half_life_days": 180}],
}

HALF_LIFE_DAYS = 180

SCALES: Mapping[str, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5)}
"""The least and the greatest answer of each kind of survey that counts."""


class Answer(NamedTuple):
    """``value`` is what was ticked, ``quality`` that on a scale of 0-100."""

    kind: str
    value: float
    quality: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Model:
    half_life_days: float
    time_zone: ZoneInfo
    calendar: Literal["gregorian", "jalali"]

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:
        half_life = cast(float, parameters.get("half_life_days", HALF_LIFE_DAYS))
        return cls(half_life, context.time_zone, context.calendar)

    @property
    def maximum(self) -> float:
        return 100.0

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:
        told = answers(profile.facts)
        ahead = min((one.at for _, one in told if one.at > profile.now), default=None)
        latest = _latest((survey, one) for survey, one in told if one.at <= profile.now)
        if not latest:
            return Measure(terms=(), known=0, asked=1, changes_at=ahead)
        mean = cast("float | None", fitted.get("mean"))
        qualities = [one.quality for one in latest.values()]
        return Measure(
            terms=self._terms(latest, profile.now, mean),
            known=1,
            asked=1,
            changes_at=ahead,
            detail=Satisfaction(fsum(qualities) / len(qualities), len(qualities)),
        )

    def _terms(
        self, latest: Mapping[str, Answer], now: datetime, mean: float | None
    ) -> tuple[Term, ...]:
        names, given = sorted(latest), [latest[name] for name in sorted(latest)]
        lines = parts(given, now, self.half_life_days, mean)
        texts = [self._text(one, now) for one in given]
        if mean is None:
            rows = zip(names, lines, texts, strict=True)
            return tuple(Term(name, points, text) for name, (_, points), text in rows)
        weight = fsum(weight for weight, _ in lines)
        rows = zip(names, lines, texts, strict=True)
        return (
            Term("average", mean, usual_answer()),
            *(Term(name, points, text, self.half_life_days, weight)
              for name, (_, points), text in rows),
        )  # fmt: skip

    def _text(self, answer: Answer, now: datetime) -> Text:
        day, today = (at.astimezone(self.time_zone).date() for at in (answer.at, now))
        scale = SCALES[answer.kind][1]
        return answered(answer.kind, answer.value, scale, when(day, today, self.calendar))


def parts(
    given: Sequence[Answer], now: datetime, half_life_days: float, mean: float | None
) -> list[tuple[float, float]]:
    """Of each answer its weight and its points, beside the mean's own or, without one, in all."""
    ages = [(now - one.at) / timedelta(days=1) for one in given]
    # Without a mean only the proportion counts: the youngest weighs 1, so that not all are 0.
    youngest = min(ages) if mean is None else 0.0
    weights = [exp2((youngest - age) / half_life_days) for age in ages]
    whole = fsum(weights) + (0 if mean is None else 1)
    return [
        (weight, weight * (one.quality - (mean or 0)) / whole)
        for weight, one in zip(weights, given, strict=True)
    ]


def answers(facts: FactSet) -> list[tuple[str, Answer]]:
    """By survey, in no order; what is on no known scale, or no longer linked, is left out."""
    linked = facts.facts.get("FACT#links")
    counted = cast("list[str] | None", linked.data.get("survey")) if linked else None
    found = (
        (str(fact.data.get("survey") or fact.data.get("kind")), _answer(fact))
        for fact in facts.facts.values()
        if fact.type == "survey" and (counted is None or fact.id in counted or fact.is_told)
    )
    return [(survey, one) for survey, one in found if one is not None]


def _answer(fact: Fact) -> Answer | None:
    kind, value = str(fact.data.get("kind")), fact.data.get("value")
    if kind not in SCALES or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    low, high = SCALES[kind]
    if not low <= value <= high:
        return None
    at = fact.data.get("answered_at")
    answered_at = parse_instant(str(at)) if at else fact.occurred_at
    return Answer(kind, value, 100 * (value - low) / (high - low), answered_at)


def _latest(told: Iterable[tuple[str, Answer]]) -> Mapping[str, Answer]:
    """Of each survey; of two answers given at once, the higher one."""
    latest: dict[str, Answer] = {}
    for survey, answer in told:
        held = latest.get(survey)
        if held is None or (answer.at, answer.quality) > (held.at, held.quality):
            latest[survey] = answer
    return latest
