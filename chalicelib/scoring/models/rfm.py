"""How lately, how often and for how much they bought.

At an instant, R is the number of whole local days since the last purchase, F the number of
purchases, M their sum in the policy's currency. Each gets a score from cut points c of the
present customers, with ``k(v)`` = number of cut points strictly below v:

    F, M: 1 + 4k / len(c)        R: 5 - 4k / len(c)

so four cut points (quintiles) give 1-5, two (tertiles) give 1, 3, 5, and none, when all
customers are alike, gives 3. M ≤ 0 scores 1. The index is
``100 · Σ w(score - 1) / (4 Σ w)``, and each quantity's part of it is one term.

Sums whose worth in that currency nobody told are left out of M, and count as not known; the
purchase still counts in R and F. A purchase made 12 days ago, the fourth one:

>>> cuts = Cuts(r=(30, 90, 180, 365), f=(1, 2, 4, 8), m=(5000, 20000, 50000, 200000))
>>> cuts.scores(recency_days=12, frequency=4, monetary=61000)
(5, 3, 4)
>>> SEGMENTS[5][3 - 1]
'potential_loyalist'

Source: Hughes 1994; Blattberg, Kim and Neslin 2008, chapter 12; the segments are the 25-cell
map in general use.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, cast
from zoneinfo import ZoneInfo

from chalicelib.core.card import Rfm
from chalicelib.core.model import Json, Money, Purchase
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.localization.dates import when
from chalicelib.localization.sentences import last_purchase, purchases, spent
from chalicelib.scoring.models import Context, Parameters

_CUT_POINTS: Json = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
_WEIGHT: Json = {"type": "number", "minimum": 0}

SCHEMA: Mapping[str, Json] = {
    "required": [],
    "properties": {
        "weights": {
            "type": "object",
            "required": ["r", "f", "m"],
            "additionalProperties": False,
            "properties": {"r": _WEIGHT, "f": _WEIGHT, "m": _WEIGHT},
            "anyOf": [{"properties": {name: {"exclusiveMinimum": 0}}} for name in "rfm"],
            "description": "weights of which at least one is greater than 0",
        },
        "thresholds": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {"r": _CUT_POINTS, "f": _CUT_POINTS, "m": _CUT_POINTS},
        },
    },
}

SEGMENTS: Mapping[int, tuple[str, ...]] = {
    5: ("new_customer", "potential_loyalist", "potential_loyalist", "champion", "champion"),
    4: ("promising", "potential_loyalist", "potential_loyalist", "loyal", "loyal"),
    3: ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    2: ("hibernating", "hibernating", "at_risk", "at_risk", "cant_lose_them"),
    1: ("hibernating", "hibernating", "at_risk", "at_risk", "cant_lose_them"),
}
"""By R score, then F scores 1-5. Every cell has one segment, so no order of rules matters."""

_TOP = 4  # steps between the lowest score, 1, and the highest, 5
_MIDDLE = 3


@dataclass(frozen=True, slots=True)
class Cuts:
    """Cut points in days, purchases and smallest units of money, each sorted."""

    r: tuple[float, ...]
    f: tuple[float, ...]
    m: tuple[float, ...]

    @classmethod
    def fitted(cls, parameters: Mapping[str, Json]) -> Cuts | None:
        """From trained parameters; None where the population was too small to have any."""
        if "r" not in parameters:
            return None
        r, f, m = (cast(Sequence[float], parameters[name]) for name in "rfm")
        return cls(tuple(r), tuple(f), tuple(m))

    def scores(self, recency_days: int, frequency: int, monetary: int) -> tuple[int, int, int]:
        r = 6 - _score(self.r, recency_days)
        m = _score(self.m, monetary) if monetary > 0 else 1
        return r, _score(self.f, frequency), m

    def next_recency(self, recency_days: int) -> int | None:
        """The first greater number of days that has another R score."""
        passed = bisect_left(self.r, recency_days)
        return int(self.r[passed] // 1) + 1 if passed < len(self.r) else None


def _score(cuts: Sequence[float], value: float) -> int:
    return 1 + _TOP * bisect_left(cuts, value) // len(cuts) if cuts else _MIDDLE


@dataclass(frozen=True, slots=True)
class Model:
    """``thresholds`` stand in until the population has cut points of its own."""

    weights: tuple[float, float, float]
    thresholds: Cuts | None
    time_zone: ZoneInfo
    calendar: Literal["gregorian", "jalali"]
    currency: str

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:
        weights = cast(Mapping[str, float], parameters.get("weights", {"r": 1, "f": 1, "m": 1}))
        thresholds = cast(Mapping[str, Sequence[float]] | None, parameters.get("thresholds"))
        return cls(
            weights=(weights["r"], weights["f"], weights["m"]),
            thresholds=_thresholds(thresholds, context.currency) if thresholds else None,
            time_zone=context.time_zone,
            calendar=context.calendar,
            currency=context.currency,
        )

    @property
    def maximum(self) -> float:
        return 100.0

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:
        cuts, rfm = Cuts.fitted(fitted) or self.thresholds, self.rfm(profile, fitted)
        if rfm is None or rfm.scores is None or cuts is None:
            return Measure(terms=(), known=0, asked=3)
        return Measure(
            terms=self._terms(rfm, rfm.scores, profile),
            known=3 if self._all_sums_known(profile.purchases) else 2,
            asked=3,
            changes_at=self._next_recency_at(cuts, rfm, profile.purchases[-1]),
        )

    def rfm(self, profile: Profile, fitted: Mapping[str, Json]) -> Rfm | None:
        """None for somebody who has not bought; without cut points there are no scores."""
        if not profile.purchases:
            return None
        recency = (self._day(profile.now) - self._last_day(profile)).days
        frequency = len(profile.purchases)
        total = sum(
            purchase.amount.amount
            for purchase in profile.purchases
            if purchase.amount.currency == self.currency
        )
        cuts = Cuts.fitted(fitted) or self.thresholds
        scores = cuts.scores(recency, frequency, total) if cuts else None
        segment = SEGMENTS[scores[0]][scores[1] - 1] if scores else None
        return Rfm(recency, frequency, Money(total, self.currency), scores, segment)

    def _terms(self, rfm: Rfm, scores: tuple[int, int, int], profile: Profile) -> tuple[Term, ...]:
        last = when(self._last_day(profile), self._day(profile.now), self.calendar)
        texts = (last_purchase(last), purchases(rfm.frequency), spent(rfm.monetary))
        most = _TOP * sum(self.weights)
        rows = zip(("recency", "frequency", "monetary"), self.weights, scores, texts, strict=True)
        return tuple(
            Term(name, 100 * weight * (score - 1) / most, text)
            for name, weight, score, text in rows
        )

    def _all_sums_known(self, bought: Sequence[Purchase]) -> bool:
        return all(purchase.amount.currency == self.currency for purchase in bought)

    def _next_recency_at(self, cuts: Cuts, rfm: Rfm, last: Purchase) -> datetime | None:
        days = cuts.next_recency(rfm.recency_days)
        if days is None:
            return None
        day = self._day(last.occurred_at) + timedelta(days=days)
        return datetime.combine(day, time.min, self.time_zone).astimezone(UTC)

    def _last_day(self, profile: Profile) -> date:
        return self._day(profile.purchases[-1].occurred_at)

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self.time_zone).date()


def _thresholds(page: Mapping[str, Sequence[float]], currency: str) -> Cuts:
    """Money stands on the page in major units, as people say it."""
    money = (Money.from_decimal(Decimal(str(value)), currency) for value in page.get("m", ()))
    return Cuts(
        r=tuple(sorted(page.get("r", ()))),
        f=tuple(sorted(page.get("f", ()))),
        m=tuple(sorted(amount.amount for amount in money)),
    )
