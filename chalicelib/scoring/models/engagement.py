"""What they did, and how lately: points that halve with time.

At time t a rule with points w and half-life h is worth ``w · N(t)``, where the decayed count is
``N(t) = Σ 2^(-(t - e) / h)`` over its activities at e ≤ t; without a half-life each of them
counts in full for ever. ``max_per_day`` bounds what one local day adds: the earlier activities
of a day count. Somebody who did nothing has zero points, which is knowledge, not a gap.

Two clicks worth 8 points each with a half-life of 14 days, one now and one 14 days ago, give
8 · (1 + ½):

>>> from datetime import UTC, datetime, timedelta
>>> from zoneinfo import ZoneInfo
>>> from chalicelib.core.facts import FactSet
>>> from chalicelib.core.model import Ref
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> clicks = tuple(Activity(str(days), "email.clicked", now - timedelta(days=days), 1, {})
...                for days in (14, 0))
>>> rule = Rule("clicks", "email.clicked", 8, Text("Clicked {count} links", "…"),
...             Text("Clicked a link", "…"), half_life_days=14, max_per_day=None)
>>> model = Model((rule,), ZoneInfo("UTC"), "gregorian")
>>> profile = Profile(Ref("hubspot-main", "contact", "1"), now, {},
...                   {"email.clicked": clicks}, (), FactSet())
>>> [(term.points, term.text.en) for term in model.measure(profile, {}).terms]
[(12.0, 'Clicked 2 links, last today')]

Source: Cormode, Shkapenyuk, Srivastava and Xu 2009, "Forward decay"; the limits are those of
HubSpot's lead scoring tool.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import mul
from typing import Literal, cast
from zoneinfo import ZoneInfo

from chalicelib.core.model import Activity, Json, Text
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.localization.dates import when
from chalicelib.localization.sentences import happened
from chalicelib.scoring.models import Context, Parameters, rules_schema

SCHEMA = rules_schema(
    when={
        "type": "object",
        "required": ["activity"],
        "additionalProperties": False,
        "properties": {"activity": {"$ref": "#/$defs/activity"}},
    },
    half_life_days={"type": "number", "exclusiveMinimum": 0},
    max_per_day={"type": "integer", "minimum": 1},
    once={"$ref": "#/$defs/text"},
)

_DAY = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Rule:
    """``text`` holds ``{count}``; ``once`` is said of a single time."""

    id: str
    kind: str
    points: float
    text: Text
    once: Text
    half_life_days: float | None
    max_per_day: int | None


@dataclass(frozen=True, slots=True)
class Model:
    rules: tuple[Rule, ...]
    time_zone: ZoneInfo
    calendar: Literal["gregorian", "jalali"]

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:
        rows = cast(Iterable[Mapping[str, Json]], parameters["rules"])
        return cls(tuple(_rule(row) for row in rows), context.time_zone, context.calendar)

    @property
    def maximum(self) -> float:
        return math.inf

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:  # noqa: ARG002
        kinds = {rule.kind for rule in self.rules} & profile.activities.keys()
        done = {kind: self._doings(profile.activities[kind], profile.now) for kind in kinds}
        terms = [_term(rule, done[rule.kind]) for rule in self.rules if rule.kind in done]
        return Measure(terms=tuple(terms), known=1, asked=1)

    def _doings(self, activities: Sequence[Activity], now: datetime) -> Doings:
        days = [one.occurred_at.astimezone(self.time_zone).date() for one in activities]
        today = now.astimezone(self.time_zone).date()
        return Doings(
            ages=[(now - one.occurred_at).total_seconds() / _DAY for one in activities],
            counts=[one.count for one in activities],
            days=days,
            busiest=_busiest(days, activities),
            last=when(days[-1], today, self.calendar),
        )


@dataclass(frozen=True, slots=True)
class Doings:
    """All activities of one kind, oldest first: ages in days, counts, local days.

    ``busiest`` is the count of the fullest day.
    """

    ages: Sequence[float]
    counts: Sequence[int]
    days: Sequence[date]
    busiest: int
    last: Text

    def limited(self, per_day: int) -> Sequence[int]:
        """The counts, with no more than ``per_day`` of them on one day."""
        if per_day >= self.busiest:
            return self.counts
        counts, left = [], dict.fromkeys(self.days, per_day)
        for day, count in zip(self.days, self.counts, strict=True):
            counts.append(min(count, left[day]))
            left[day] -= counts[-1]
        return counts


def _busiest(days: Sequence[date], activities: Sequence[Activity]) -> int:
    by_day: dict[date, int] = {}
    for day, activity in zip(days, activities, strict=True):
        by_day[day] = by_day.get(day, 0) + activity.count
    return max(by_day.values())


def _term(rule: Rule, done: Doings) -> Term:
    counts = done.counts if rule.max_per_day is None else done.limited(rule.max_per_day)
    text = happened(rule.once, rule.text, sum(counts), done.last)
    points = rule.points * _decayed(counts, done.ages, rule.half_life_days)
    return Term(rule.id, points, text, rule.half_life_days)


def _decayed(counts: Sequence[int], ages: Sequence[float], half_life: float | None) -> float:
    if half_life is None:
        return sum(counts)
    return math.fsum(map(mul, counts, [math.exp2(-age / half_life) for age in ages]))


def _rule(row: Mapping[str, Json]) -> Rule:
    text = cast(Mapping[str, str], row["text"])
    once = cast(Mapping[str, str], row.get("once", text))
    return Rule(
        id=str(row["id"]),
        kind=cast(Mapping[str, str], row["when"])["activity"],
        points=cast(float, row["points"]),
        text=Text(text["en"], text["fa"]),
        once=Text(once["en"], once["fa"]),
        half_life_days=cast(float | None, row.get("half_life_days")),
        max_per_day=cast(int | None, row.get("max_per_day")),
    )
