"""Whom to call today, under a budget of minutes.

Everybody's index grows while they wait, ``index · (1 + waiting / service level)``, so that nobody
waits for ever. Whoever opted out, was spoken to in the last ``rest_days``, or whose rep has no
time is left out. Then, with ``take`` = the best first, ties by id, taking what fits and skipping
what does not:

1. take new people, and then customers, until each have their floor of the minutes;
2. take others than the index would bring to the top, low classes and the longest waiting first,
   until they have theirs;
3. take whoever is left.

The floors hold as far as there are people for them and whole calls fit.

Source: greedy knapsack by density (Dantzig 1957) with reserved capacity; ageing as in schedulers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.core.calls import CallRules, Hours, Priority, Rep
from chalicelib.core.model import Ref, Text
from chalicelib.localization import calls as words
from chalicelib.localization.dates import Calendar, when
from chalicelib.scoring.assignment import assigned

Because = Literal["index", "new", "existing", "exploration"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    ref: Ref
    priority: Priority


@dataclass(frozen=True, slots=True)
class Call:
    """``index`` has aged; ``rep`` is who shall call, None where nobody in particular is."""

    ref: Ref
    priority: Priority
    index: float
    because: Because
    rep: str | None
    reason: Text


@dataclass(frozen=True, slots=True)
class Day:
    """When and where the list is made, and how dates are written."""

    now: datetime
    zone: ZoneInfo
    calendar: Calendar


def call_list(
    candidates: Iterable[Candidate], minutes: float, rules: CallRules, day: Day
) -> tuple[Call, ...]:
    """The best first. The order of ``candidates`` does not matter."""
    budget = min(minutes, minutes_left(rules.hours, day))
    waiting = [one for one in candidates if _may_be_called(one.priority, rules, day.now)]
    queue = sorted(waiting, key=lambda one: (-aged(one.priority, day.now), str(one.ref)))
    shift = _Shift(budget, rules)
    top = _top(queue, _Shift(budget, rules))
    for because, people, floor in _reserved(queue, top, rules, day.now):
        shift.take_until(floor * budget, people, because)
    shift.take_until(budget, queue, "index")
    calls = [
        _call(one, "index" if one.ref in top else because, rep, day)
        for one, because, rep in shift.taken
    ]
    return tuple(sorted(calls, key=lambda call: (-call.index, str(call.ref))))


def _reserved(
    queue: Sequence[Candidate], top: set[Ref], rules: CallRules, now: datetime
) -> Iterator[tuple[Because, Sequence[Candidate], float]]:
    floors = rules.floors
    yield "new", [one for one in queue if not one.priority.existing], floors.new
    yield "existing", [one for one in queue if one.priority.existing], floors.existing
    outside = [one for one in queue if one.ref not in top]
    outside.sort(key=lambda one: (not one.priority.low, -_waiting(one.priority, now)))
    yield "exploration", outside, floors.exploration


def aged(priority: Priority, now: datetime) -> float:
    return priority.index * (1 + _waiting(priority, now) / priority.service_level_days)


def _waiting(priority: Priority, now: datetime) -> float:
    """In days; who has done nothing yet does not wait."""
    since = priority.waiting_since
    return max((now - since) / _DAY, 0.0) if since else 0.0


def _may_be_called(priority: Priority, rules: CallRules, now: datetime) -> bool:
    last = priority.last_contact_at
    rested = last is None or now - last >= rules.rest_days * _DAY
    return rested and not priority.opted_out


def minutes_left(hours: Hours | None, day: Day) -> float:
    """Of today's working hours; without hours there is no end."""
    if hours is None:
        return float("inf")
    local = day.now.astimezone(day.zone)
    if local.weekday() not in hours.days:
        return 0.0
    closes = datetime.combine(local.date(), hours.closes, day.zone)
    opens = datetime.combine(local.date(), hours.opens, day.zone)
    return max((closes - max(local, opens)) / timedelta(minutes=1), 0.0)


class _Shift:
    """What is taken so far, and the minutes that are left, in all and of each rep."""

    def __init__(self, budget: float, rules: CallRules) -> None:
        self.left = budget
        self.taken: list[tuple[Candidate, Because, str | None]] = []
        self._pools = rules.pools
        self._reps = {rep.id: rep for pool in rules.pools.values() for rep in pool}
        self._free: dict[str, float] = {one: rep.minutes_per_day for one, rep in self._reps.items()}
        self._refs: set[Ref] = set()

    def take_until(self, minutes: float, people: Iterable[Candidate], because: Because) -> None:
        """Until those of ``people`` who are taken have so many minutes, whatever for."""
        people = list(people)
        have = sum(one.priority.minutes for one in people if one.ref in self._refs)
        for one in people:
            if have >= minutes:
                return
            if one.ref not in self._refs and self.take(one, because):
                have += one.priority.minutes

    def take(self, one: Candidate, because: Because) -> bool:
        needed = one.priority.minutes
        if needed > self.left:
            return False
        rep, found = self._rep(one, needed)
        if not found:
            return False
        if rep in self._free:
            self._free[rep] -= needed
        self.left -= needed
        self.taken.append((one, because, rep))
        self._refs.add(one.ref)
        return True

    def _rep(self, one: Candidate, needed: float) -> tuple[str | None, bool]:
        """Who calls, and whether somebody can."""
        wanted, owner = one.priority.assign_to, one.priority.owner
        if wanted is None:
            free = self._free.get(owner, needed) if owner else needed
            return owner, free >= needed
        pool: Sequence[Rep] = self._pools.get(wanted.pool, ())
        rep = assigned(str(one.ref), owner, pool, wanted.skill, self._free, needed)
        return rep, rep is not None


def _top(queue: Iterable[Candidate], shift: _Shift) -> set[Ref]:
    """Whom the index alone would bring onto the list."""
    return {one.ref for one in queue if shift.take(one, "index")}


def _call(one: Candidate, because: Because, rep: str | None, day: Day) -> Call:
    return Call(
        ref=one.ref,
        priority=one.priority,
        index=aged(one.priority, day.now),
        because=because,
        rep=rep,
        reason=_reason(one.priority, because, day),
    )


def _reason(priority: Priority, because: Because, day: Day) -> Text:
    parts = [words.worth(priority.chance, priority.value), _last_contact(priority, day)]
    days = int(_waiting(priority, day.now))
    if days > priority.service_level_days:
        parts.append(words.waiting(days))
    parts.append(words.BECAUSE[because])
    return Text(", ".join(one.en for one in parts), "، ".join(one.fa for one in parts))


def _last_contact(priority: Priority, day: Day) -> Text:
    if priority.last_contact_at is None:
        return words.last_contact(None)
    last = priority.last_contact_at.astimezone(day.zone).date()
    today = day.now.astimezone(day.zone).date()
    return words.last_contact(when(last, today, day.calendar))
