"""Conditions on an attribute of type date: how far is that day from today?

Days are local ones: a value with a time lies on the day that it has in the policy's zone. Of a
text that is no date, nothing is known.

>>> from chalicelib.core.facts import FactSet
>>> from chalicelib.core.model import Ref
>>> from chalicelib.policy.scope import GREENWICH
>>> from datetime import UTC
>>> profile = Profile(Ref("hubspot-main", "contact", "1"), datetime(2026, 3, 21, 9, tzinfo=UTC),
...                   {"trial_ends": "2026-03-25"}, {}, (), FactSet())
>>> soon = day_condition(lambda one: one.value("trial_ends"), "in_next_days", 3, GREENWICH)
>>> soon.holds(profile), soon.changes_at(profile)
(False, datetime.datetime(2026, 3, 22, 0, 0, tzinfo=datetime.timezone.utc))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from chalicelib.core.model import Json
from chalicelib.core.policy import Condition, Profile, Verdict
from chalicelib.localization.periods import midnight
from chalicelib.localization.reading import day_of
from chalicelib.policy.scope import Scope

Read = Callable[[Profile], Json]

_DAYS: dict[str, Json] = {
    "type": "integer",
    "minimum": 0,
    "maximum": 36500,
    "description": "a whole number of days",
}
_DAY: dict[str, Json] = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "description": "a day such as '2026-03-21' or '1405-01-01', in quotes",
}


@dataclass(frozen=True, slots=True)
class DayOperator:
    """``operand`` is the JSON Schema of what stands beside it on the page."""

    operand: Mapping[str, Json]
    compile: Callable[[Read, Json, Scope], Condition]


def day_condition(read: Read, name: str, operand: Json, scope: Scope) -> Condition:
    return DAY_OPERATORS[name].compile(read, operand, scope)


@dataclass(frozen=True, slots=True)
class _Distance:
    """Whether the day lies within so many days from today, both ends included; past is negative."""

    read: Read
    nearest: float
    farthest: float
    scope: Scope

    def holds(self, profile: Profile) -> Verdict:
        ahead = self._ahead(profile)
        return None if ahead is None else self.nearest <= ahead <= self.farthest

    def changes_at(self, profile: Profile) -> datetime | None:
        """The midnight at which the day comes within the stretch, or goes out of it."""
        ahead = self._ahead(profile)
        if ahead is None or ahead < self.nearest:
            return None
        days = ahead - self.farthest if ahead > self.farthest else ahead - self.nearest + 1
        if days == _FOREVER:
            return None
        try:
            return midnight(self._today(profile) + timedelta(days=days), self.scope.time_zone)
        except OverflowError:  # 9999-12-31 stands for "never" in many a CRM
            return None

    def _ahead(self, profile: Profile) -> int | None:
        day = day_of(self.read(profile), self.scope.time_zone)
        return None if day is None else (day - self._today(profile)).days

    def _today(self, profile: Profile) -> date:
        return profile.now.astimezone(self.scope.time_zone).date()


_FOREVER = float("inf")


def _in_next_days(read: Read, operand: Json, scope: Scope) -> Condition:
    return _within(_Distance(read, 0, cast(int, operand), scope))


def _in_last_days(read: Read, operand: Json, scope: Scope) -> Condition:
    return _within(_Distance(read, -cast(int, operand), 0, scope))


def _longer_ago_days(read: Read, operand: Json, scope: Scope) -> Condition:
    # Beside `last` it may be a fraction, so the schema lets one stand here too.
    return _within(_Distance(read, -_FOREVER, -int(cast(float, operand)) - 1, scope))


def _within(distance: _Distance) -> Condition:
    return Condition(distance.holds, distance.changes_at)


def _before(read: Read, operand: Json, scope: Scope) -> Condition:
    border = cast(date, day_of(operand, scope.time_zone))
    return _fixed(read, scope, lambda day: day < border)


def _on_or_after(read: Read, operand: Json, scope: Scope) -> Condition:
    border = cast(date, day_of(operand, scope.time_zone))
    return _fixed(read, scope, lambda day: day >= border)


def _fixed(read: Read, scope: Scope, test: Callable[[date], bool]) -> Condition:
    def holds(profile: Profile) -> Verdict:
        day = day_of(read(profile), scope.time_zone)
        return None if day is None else test(day)

    return Condition(holds)


DAY_OPERATORS: Mapping[str, DayOperator] = {
    "in_next_days": DayOperator(_DAYS, _in_next_days),
    "in_last_days": DayOperator(_DAYS, _in_last_days),
    "longer_ago_days": DayOperator(_DAYS, _longer_ago_days),
    "before": DayOperator(_DAY, _before),
    "on_or_after": DayOperator(_DAY, _on_or_after),
}
