"""How lately, how often and for how much they bought.

At an instant t, R is the number of whole local days since the last purchase, F the number of
purchases in the window ``(t - window_days, t]``, M their net sum in the policy's currency; without
``window_days`` all count. ``frequency: days`` counts days with a purchase instead, ``monetary:
mean`` takes the sum per purchase. Each gets a score from cut points c of the present customers,
with ``k(v)`` = number of cut points strictly below v:

    F, M: 1 + 4k / len(c)        R: 5 - 4k / len(c)

so four cut points (quintiles) give 1-5, two (tertiles) give 1, 3, 5, and none, when all
customers are alike, gives 3. M ≤ 0 scores 1. With ``ties: first`` equal values go by the
customer's id, so that groups are equal in size, and alike customers are not. The index is
``100 · Σ w(score - 1) / (4 Σ w)``, and each quantity's part of it is one term.

Sums whose worth in that currency nobody told are left out of M, and count as not known; the
purchase still counts in R and F. A purchase made 12 days ago, the fourth one:

>>> cuts = Cuts(r=(30, 90, 180, 365), f=(1, 2, 4, 8), m=(5000, 20000, 50000, 200000))
>>> cuts.scores(recency_days=12, frequency=4, monetary=61000)
(5, 3, 4)
>>> SEGMENTS[5][3 - 1]
'potential_loyalist'
>>> next_segment(cuts, (5, 3, 4), frequency=4).text.en
'One more purchase → Champion'

Source: Hughes 1994; Blattberg, Kim and Neslin 2008, chapter 12; the segments are the 25-cell
map in general use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, cast
from zoneinfo import ZoneInfo

from chalicelib.core.card import NextSegment, Rfm
from chalicelib.core.facts import earliest
from chalicelib.core.model import Json, Money, Purchase, Ref, Text
from chalicelib.core.outputs import RFM_SEGMENTS
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.localization.customers import (
    beyond_others,
    last_purchase,
    more_purchases,
    purchases,
    spent,
)
from chalicelib.localization.dates import Calendar, local_day, when
from chalicelib.localization.periods import midnight
from chalicelib.scoring.models import Context, Parameters
from chalicelib.scoring.models._cuts import Cuts, thresholds

_CUT_POINTS: Json = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
_DAYS: Json = {"type": "number", "minimum": 0, "maximum": 36500}
_DAY_CUTS: Json = {"type": "array", "items": _DAYS, "minItems": 4, "maxItems": 4}
_WEIGHT: Json = {"type": "number", "minimum": 0}

PROPERTIES: Mapping[str, Json] = {
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
        "properties": {"r": _DAY_CUTS, "f": _CUT_POINTS, "m": _CUT_POINTS},
    },
    "thresholds_serve": {"enum": ["until_fitted", "always"]},
    "window_days": {"type": "integer", "minimum": 1, "maximum": 36500},
    "frequency": {"enum": ["orders", "days"]},
    "monetary": {"enum": ["sum", "mean"]},
    "ties": {"enum": ["equal", "first"]},
}

SCHEMA: Mapping[str, Json] = {"required": [], "properties": dict(PROPERTIES)}

SEGMENTS: Mapping[int, tuple[str, ...]] = {
    5: ("new_customer", "potential_loyalist", "potential_loyalist", "champion", "champion"),
    4: ("promising", "potential_loyalist", "potential_loyalist", "loyal", "loyal"),
    3: ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    2: ("hibernating", "hibernating", "at_risk", "at_risk", "cant_lose_them"),
    1: ("hibernating", "hibernating", "at_risk", "at_risk", "cant_lose_them"),
}
"""By R score, then F scores 1-5. Every cell has one segment, so no order of rules matters."""

_MOST = 4  # steps between the lowest score and the highest


@dataclass(frozen=True, slots=True)
class Options:
    """``window_days`` is None where all purchases count; ``ties_by_id`` is ``ties: first``."""

    window_days: int | None = None
    per_day: bool = False
    mean: bool = False
    ties_by_id: bool = False
    thresholds_always: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """``thresholds`` stand in until the population has cut points of its own."""

    weights: tuple[float, float, float]
    thresholds: Cuts | None
    time_zone: ZoneInfo
    calendar: Literal["gregorian", "jalali"]
    currency: str
    options: Options = Options()

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:
        weights = cast(Mapping[str, float], parameters.get("weights", {"r": 1, "f": 1, "m": 1}))
        given = cast(Mapping[str, Sequence[float]] | None, parameters.get("thresholds"))
        return cls(
            weights=(weights["r"], weights["f"], weights["m"]),
            thresholds=thresholds(given, context.currency) if given else None,
            time_zone=context.time_zone,
            calendar=context.calendar,
            currency=context.currency,
            options=_options(parameters),
        )

    @property
    def maximum(self) -> float:
        return 100.0

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:
        cuts, today = self.cuts(fitted), self._day(profile.now)
        rfm = self._rfm(profile, cuts, fitted, today)
        if rfm is None or rfm.scores is None or cuts is None:
            return Measure(terms=(), known=0, asked=3, detail=rfm)
        all_known = not [one for one in profile.purchases if one.amount.currency != self.currency]
        return Measure(
            terms=self._terms(rfm.scores, self._texts(rfm, cuts, profile.subject, today)),
            known=3 if all_known else 2,
            asked=3,
            changes_at=self._changes_at(cuts, rfm, profile, today),
            flags=_flags(fitted, all_known=all_known),
            detail=rfm,
        )

    def rfm(self, profile: Profile, fitted: Mapping[str, Json]) -> Rfm | None:
        """None for somebody who has not bought; without cut points there are no scores."""
        return self._rfm(profile, self.cuts(fitted), fitted, self._day(profile.now))

    def cuts(self, fitted: Mapping[str, Json]) -> Cuts | None:
        """Those of the population, or the thresholds that serve in their place."""
        found, own = Cuts.fitted(fitted, ties_by_id=self.options.ties_by_id), self.thresholds
        if found is None or own is None or not self.options.thresholds_always:
            return found or own
        return Cuts(own.r or found.r, own.f or found.f, own.m or found.m)

    def _rfm(
        self, profile: Profile, cuts: Cuts | None, fitted: Mapping[str, Json], today: date
    ) -> Rfm | None:
        if not profile.purchases:
            return None
        recency = (today - self._day(profile.purchases[-1].occurred_at)).days
        counted = self._counted(profile)
        frequency, total = self._frequency(counted), self._monetary(counted)
        me = self._name(profile.subject)
        scores = cuts.scores(recency, frequency, total, me) if cuts else None
        if cuts is None or scores is None:
            return Rfm(recency, frequency, Money(total, self.currency), None, None)
        return Rfm(
            recency_days=recency,
            frequency=frequency,
            monetary=Money(total, self.currency),
            scores=scores,
            segment=segment_of(scores),
            next_segment=next_segment(cuts, scores, frequency),
            one_time_buyer=frequency == 1 and "r" in fitted and set(cuts.f[:2]) <= {1},
        )

    def _counted(self, profile: Profile) -> Sequence[Purchase]:
        """The purchases within the window."""
        days = self.options.window_days
        if days is None:
            return profile.purchases
        start = profile.now - timedelta(days=days)
        return [one for one in profile.purchases if one.occurred_at > start]

    def _frequency(self, counted: Sequence[Purchase]) -> int:
        if self.options.per_day:
            return len({self._day(one.occurred_at) for one in counted})
        return len(counted)

    def _monetary(self, counted: Sequence[Purchase]) -> int:
        known = [one.amount.amount for one in counted if one.amount.currency == self.currency]
        total = sum(known)
        if not self.options.mean or not known:
            return total
        return (2 * total + len(known)) // (2 * len(known))  # half up

    def _terms(self, scores: tuple[int, int, int], texts: Sequence[Text]) -> tuple[Term, ...]:
        most = _MOST * sum(self.weights)
        r, f, m = self.weights
        return (
            Term("recency", 100 * r * (scores[0] - 1) / most, texts[0]),
            Term("frequency", 100 * f * (scores[1] - 1) / most, texts[1]),
            Term("monetary", 100 * m * (scores[2] - 1) / most, texts[2]),
        )

    def _texts(self, rfm: Rfm, cuts: Cuts, subject: Ref, today: date) -> tuple[Text, Text, Text]:
        r = f = m = 0
        if cuts is not self.thresholds and not self.options.thresholds_always:
            had = rfm.recency_days, rfm.frequency, rfm.monetary.amount
            r, f, m = cuts.beaten(*had, self._name(subject))
        last = today - timedelta(days=rfm.recency_days)
        return (
            _recent(last, today, self.calendar, r),
            _often(rfm.frequency, f),
            beyond_others(self._spent(rfm), "much", m),
        )

    def _spent(self, rfm: Rfm) -> Text:
        return spent(rfm.monetary, self.options.window_days, each=self.options.mean)

    def _changes_at(self, cuts: Cuts, rfm: Rfm, profile: Profile, today: date) -> datetime | None:
        """When the recency score falls, or a purchase leaves the window."""
        falls = leaves = None
        days = cuts.next_recency(rfm.recency_days, self._name(profile.subject))
        if days is not None:
            day = today + timedelta(days=days - rfm.recency_days)
            falls = midnight(day, self.time_zone)
        window = self.options.window_days
        if window is not None and (counted := self._counted(profile)):
            leaves = counted[0].occurred_at + timedelta(days=window)
        return earliest((falls, leaves)) if leaves else falls

    def _name(self, subject: Ref) -> str:
        """By which ties go, if they go by any."""
        return str(subject) if self.options.ties_by_id else ""

    def _day(self, instant: datetime) -> date:
        return local_day(instant, self.time_zone)


@lru_cache(maxsize=1024)
def _recent(last: date, today: date, calendar: Calendar, beaten: int) -> Text:
    return beyond_others(last_purchase(when(last, today, calendar)), "recent", beaten)


@lru_cache(maxsize=1024)
def _often(frequency: int, beaten: int) -> Text:
    return beyond_others(purchases(frequency), "often", beaten)


def segment_of(scores: tuple[int, int, int]) -> str:
    return SEGMENTS[scores[0]][scores[1] - 1]


def next_segment(cuts: Cuts, scores: tuple[int, int, int], frequency: int) -> NextSegment | None:
    """How few purchases from today on lead to which better segment; None for a champion."""
    return _next_segment(cuts.r, cuts.f, segment_of(scores), frequency)


@lru_cache(maxsize=1024)
def _next_segment(
    r: tuple[float, ...], f: tuple[float, ...], segment: str, frequency: int
) -> NextSegment | None:
    """By the cut points alone, since where ties go by id no customer's is less than none."""
    cuts = Cuts(r, f, m=())
    steps = {1, *(int(cut // 1) + 1 - frequency for cut in f)}
    for count in sorted(step for step in steps if step > 0):
        then = segment_of(cuts.scores(0, frequency + count, 1))
        if then != segment:
            return NextSegment(count, then, more_purchases(count, RFM_SEGMENTS[then]))
    return None


def _options(parameters: Parameters) -> Options:
    return Options(
        window_days=cast("int | None", parameters.get("window_days")),
        per_day=parameters.get("frequency") == "days",
        mean=parameters.get("monetary") == "mean",
        ties_by_id=parameters.get("ties") == "first",
        thresholds_always=parameters.get("thresholds_serve") == "always",
    )


def _flags(fitted: Mapping[str, Json], *, all_known: bool) -> tuple[str, ...]:
    alike = [f"alike:{name}" for name in cast("Sequence[str]", fitted.get("constant", ()))]
    return (*alike,) if all_known else (*alike, "no_rate")
