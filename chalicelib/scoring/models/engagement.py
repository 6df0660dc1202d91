"""What they did, and how lately: points that halve with time.

At time t a rule with points w and half-life h is worth ``w · N(t)``, where the decayed count is
``N(t) = Σ 2^(-(t - e) / h)`` over its activities at e ≤ t; without a half-life each of them
counts in full for ever. With ``per: minutes`` the values of that attribute are summed instead of
ones, and an activity without it is left out; with ``where`` only those with fitting attributes
count. Somebody who did nothing has zero points, which is knowledge, not a gap.

Limits say how many of a session (``max_per_session``), of a local day (``max_per_day``) or of so
many of them (``max_per_period``) count; the earlier ones do. Periods tile the days, weeks
beginning as the calendar's do, rather than roll: whether an activity counts is then decided within
its own period, and neither a late one nor one that is forgotten for its age moves points elsewhere.

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
...             Text("Clicked a link", "…"), half_life_days=14)
>>> model = Model((rule,), ZoneInfo("UTC"), "gregorian")
>>> profile = Profile(Ref("hubspot-main", "contact", "1"), now, {},
...                   {"email.clicked": clicks}, (), FactSet())
>>> [(term.points, term.text.en) for term in model.measure(profile, {}).terms]
[(12.0, 'Clicked 2 links, last today')]

Source: Cormode, Shkapenyuk, Srivastava and Xu 2009, "Forward decay"; the limits are those of
HubSpot's lead scoring tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from math import exp2, fsum, inf
from operator import attrgetter, mul, sub
from typing import Literal, cast
from zoneinfo import ZoneInfo

from chalicelib.core.model import Activity, Json, Text
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.localization.dates import Calendar, local_day, when
from chalicelib.localization.sentences import happened
from chalicelib.scoring.models import Context, Parameters, Where, rules_schema

_WHOLE: Json = {"type": "integer", "minimum": 1}

SCHEMA = rules_schema(
    when={
        "type": "object",
        "required": ["activity"],
        "additionalProperties": False,
        "properties": {
            "activity": {"$ref": "#/$defs/activity"},
            "where": {"$ref": "#/$defs/where"},
        },
    },
    half_life_days={"type": "number", "exclusiveMinimum": 0},
    max_per_session=_WHOLE,
    max_per_day=_WHOLE,
    max_per_period={
        "type": "object",
        "required": ["count", "days"],
        "additionalProperties": False,
        "properties": {"count": _WHOLE, "days": _WHOLE},
    },
    per={"$ref": "#/$defs/id"},
    once={"$ref": "#/$defs/text"},
)

_LARGEST = 10**18
"""Of a value beyond it, which no sum can hold, nothing is known."""

_DAY = 86_400  # seconds
_LONGEST_DAY = 2 * _DAY + 1
"""It has 25 hours where clocks are set back, and up to 48 where the date line moved; one second
more is for the rounding of what long ages differ by."""

_TIME, _COUNT = attrgetter("occurred_at"), attrgetter("count")


@dataclass(frozen=True, slots=True)
class Period:
    """No more than ``count`` within ``days`` local days."""

    count: int
    days: int


@dataclass(frozen=True, slots=True)
class Rule:
    """``text`` holds ``{count}``; ``once`` is said of a single time.

    Without ``where`` all activities of the kind count.
    """

    id: str
    kind: str
    points: float
    text: Text
    once: Text
    half_life_days: float | None = None
    max_per_session: int | None = None
    max_per_day: int | None = None
    max_per_period: Period | None = None
    per: str | None = None
    where: Where | None = None

    def of(self, activities: Sequence[Activity]) -> Sequence[Activity]:
        """Those that the rule is about."""
        where = self.where
        return [one for one in activities if where(one.attributes)] if where else activities


@dataclass(frozen=True, slots=True)
class Model:
    rules: tuple[Rule, ...]
    time_zone: ZoneInfo
    calendar: Literal["gregorian", "jalali"]

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:
        rows = cast(Iterable[Mapping[str, Json]], parameters["rules"])
        return cls(tuple(_rule(row, context) for row in rows), context.time_zone, context.calendar)

    @property
    def maximum(self) -> float:
        return inf

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:  # noqa: ARG002
        now, done = profile.now, profile.activities
        today, terms = self._day(now), list[Term]()
        for rule in self.rules:
            mine: Sequence[Activity] = done.get(rule.kind, ())
            if rule.where:
                mine = rule.of(mine)
            if mine:
                terms.append(self._term(rule, mine, now, today))
        return Measure(terms=tuple(terms), known=1, asked=1)

    def _day(self, instant: datetime) -> date:
        return local_day(instant, self.time_zone)

    def _term(self, rule: Rule, done: Sequence[Activity], now: datetime, today: date) -> Term:
        """``done`` are all activities that the rule is about, oldest first."""
        half_life = rule.half_life_days
        ages = [(now - at).total_seconds() for at in map(_TIME, done)]
        counts = self._counted(rule, done, ages)
        last = local_day(done[-1].occurred_at, self.time_zone)
        text = _told(rule.once, rule.text, sum(counts), last, today, self.calendar)
        worth = _worth(counts, done, rule.per) if rule.per else counts
        if half_life is None:
            return Term(rule.id, rule.points * fsum(worth), text)
        halving = -half_life * _DAY
        left = [exp2(age / halving) for age in ages]
        return Term(rule.id, rule.points * fsum(map(mul, worth, left)), text, half_life)

    def _counted(
        self, rule: Rule, done: Sequence[Activity], ages: Sequence[float]
    ) -> Sequence[int]:
        counts: Sequence[int] = [*map(_COUNT, done)]
        if rule.per:
            counts = [_countable(one, rule.per) for one in done]
        if rule.max_per_session is not None:
            counts = limited(counts, map(_session, done), rule.max_per_session)
        if rule.max_per_day is not None and _may_exceed(rule.max_per_day, counts, ages):
            counts = limited(counts, map(self._day, map(_TIME, done)), rule.max_per_day)
        if rule.max_per_period is not None:
            days = map(self._day, map(_TIME, done))
            periods = [self._period(day, rule.max_per_period.days) for day in days]
            counts = limited(counts, periods, rule.max_per_period.count)
        return counts

    def _period(self, day: date, days: int) -> int:
        """Which of the periods that tile the calendar a day lies in; 1 January 1 was a Monday."""
        return (day.toordinal() + (1 if self.calendar == "jalali" else -1)) // days


def _session(activity: Activity) -> str | None:
    """None where an activity does not say in which one it was."""
    name = activity.attributes.get("session")
    return None if name is None else str(name)


def _countable(activity: Activity, name: str) -> int:
    """The count if there is a value under this name, else 0."""
    return 0 if _value(activity, name) is None else activity.count


def _worth(counts: Sequence[int], done: Sequence[Activity], name: str) -> Sequence[float]:
    values = (_value(one, name) or 0 for one in done)
    return [count * value for count, value in zip(counts, values, strict=True)]


def _may_exceed(most: int, counts: Sequence[int], ages: Sequence[float]) -> bool:
    """Whether a local day can hold more than ``most``, without asking which day each is in.

    Ages are in seconds, the oldest first. A day lasts less than ``_LONGEST_DAY`` in every zone,
    so it cannot where those that lie ``most`` places apart are never so near.
    """
    total = sum(counts)
    if total <= most or total > len(counts):
        return total > most
    apart: Iterable[float] = map(sub, ages, ages[most:])
    return min(apart) < _LONGEST_DAY


def limited(counts: Sequence[int], places: Iterable[object], most: int) -> Sequence[int]:
    """The counts with no more than ``most`` of them in one place; None is no place.

    >>> limited([1, 3, 1, 1], ["a", "a", "b", None], 2)
    [1, 1, 1, 1]
    """
    kept: list[int] = []
    left: dict[object, int] = {None: sum(counts)}
    for place, count in zip(places, counts, strict=True):
        room = left.get(place, most)
        kept.append(min(count, room))
        left[place] = room - kept[-1]
    return kept


def _value(activity: Activity, name: str) -> float | None:
    value = activity.attributes.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= _LARGEST else None


@lru_cache(maxsize=4096)
def _told(once: Text, often: Text, count: int, last: date, today: date, calendar: Calendar) -> Text:
    return happened(once, often, count, when(last, today, calendar))


def _rule(row: Mapping[str, Json], context: Context) -> Rule:
    about = cast(Mapping[str, Json], row["when"])
    where = cast(Mapping[str, Json] | None, about.get("where"))
    text = cast(Mapping[str, str], row["text"])
    once = cast(Mapping[str, str], row.get("once", text))
    period = cast(Mapping[str, int] | None, row.get("max_per_period"))
    return Rule(
        id=str(row["id"]),
        kind=str(about["activity"]),
        points=cast(float, row["points"]),
        text=Text(text["en"], text["fa"]),
        once=Text(once["en"], once["fa"]),
        half_life_days=cast(float | None, row.get("half_life_days")),
        max_per_session=cast(int | None, row.get("max_per_session")),
        max_per_day=cast(int | None, row.get("max_per_day")),
        max_per_period=Period(period["count"], period["days"]) if period else None,
        per=cast(str | None, row.get("per")),
        where=context.where(where) if where else None,
    )
