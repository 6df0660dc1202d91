"""Tiers: from what somebody did in a window to the level that they hold, and for how long.

::

              metric reaches a higher level              at the end of the grace
                 (at once, several levels)                 (or at once without one)
    level n ─────────────────────────────► level m ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ► lower level
                                            │   ▲
        valid_until: the metric of the      │   │ enough was done: a new validity
        window that ends there is too low   ▼   │
                                           grace

A tier changes only with a cause: a contribution, a review at ``valid_until``, the end of a grace, a
contribution that leaves a rolling window or a year that ends (validity ``none``), a refund under
``immediate_downgrade``, a merge, a change of the policy. What is due at an instant happens before
what is contributed at it.

500 points make silver, in the Jalali year 1403, kept through 1404:

>>> from datetime import UTC
>>> from chalicelib.core.loyalty import Level, TierWindow
>>> from chalicelib.core.model import Text
>>> levels = [Level(n, Fraction(m), Text(n, n)) for n, m in (("bronze", 0), ("silver", 500))]
>>> rules = TierRules(tuple(levels), "points", TierWindow("year", calendar="jalali"),
...                   validity_calendar="jalali")
>>> course = TierCourse(rules, ["points"], ZoneInfo("Asia/Tehran"))
>>> course.add("points", "purchase:1", datetime(2024, 6, 1, tzinfo=UTC), 500)
>>> course.contributed(datetime(2024, 6, 1, tzinfo=UTC))
>>> course.level.name, course.valid_until.date().isoformat()
('silver', '2026-03-20')
>>> course.next_at.isoformat()
'2026-03-20T20:30:00+00:00'
>>> course.due(course.next_at)
>>> course.level.name, course.state, course.next_at.isoformat()
('silver', 'grace', '2026-04-19T20:30:00+00:00')
>>> course.due(course.next_at)
>>> course.level.name, [change.kind for change in course.changes]
('bronze', ['up', 'grace', 'down'])

Source: Salesforce Loyalty Management (fixed and activity models, extension), Voucherify
(END_OF_PERIOD, END_OF_NEXT_PERIOD), Talon.One (one_down), Capillary (renewal conditions).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.core.loyalty import Level, TierRules
from chalicelib.loyalty.spans import FIRST, TICK, span_of
from chalicelib.loyalty.tally import Tally

_TOLERANCE = Fraction(1, 10**9)
ChangeKind = Literal["up", "down", "grace", "renewed", "ruled"]


class Window(NamedTuple):
    """``(after, upto]``."""

    after: datetime
    upto: datetime


@dataclass(frozen=True, slots=True)
class TierChange:
    """``valid_until`` is that of the tier afterwards; of a grace, when the grace ends."""

    at: datetime
    kind: ChangeKind
    before: str
    after: str
    valid_until: datetime | None


class TierCourse:
    """Somebody's tier, instant by instant. Contributions come in the order of time."""

    def __init__(self, rules: TierRules, measures: Iterable[str], zone: ZoneInfo) -> None:
        self.rules = rules
        self.zone = zone
        self.tallies = {name: Tally() for name in measures}
        self.index = 0
        self.state: Literal["active", "grace"] = "active"
        self.valid_until: datetime | None = None
        self.grace_until: datetime | None = None
        self.changes: list[TierChange] = []
        # What the tier was given for; while in grace, the window that was found too low.
        self.basis = Window(FIRST, FIRST)
        self.next_at: datetime | None = None
        self.score = Fraction(0)

    @property
    def level(self) -> Level:
        return self.rules.levels[self.index]

    def add(self, measure: str, key: str, at: datetime, value: int) -> None:
        if measure in self.tallies:
            self.tallies[measure].add(key, at, value)

    def change(self, measure: str, key: str, value: int) -> None:
        tally = self.tallies.get(measure)
        if tally is not None and key in tally:
            tally.change(key, value)

    def metric(self, window: Window) -> Fraction:
        """The number that levels are compared with."""
        if self.rules.metric == "score":
            return self.score
        if self.rules.metric != "index":
            return Fraction(self._total(self.rules.metric, window))
        parts = (
            part.weight * 100 * min(Fraction(1), self._total(part.of, window) / part.target)
            for part in self.rules.index
        )
        return sum(parts, Fraction(0))

    def parts(self, window: Window) -> dict[str, int]:
        """The measures that the metric is made of."""
        return {name: self._total(name, window) for name in self.rules.measures}

    def _total(self, measure: str, window: Window) -> int:
        return self.tallies[measure].total(*window)

    def window(self, at: datetime) -> Window:
        """The window that contains an instant, up to it."""
        kind = self.rules.window.kind
        if kind == "rolling":
            return Window(at - timedelta(days=self.rules.window.days), at)
        if kind == "year":
            start, _ = span_of(at, "year", self.rules.window.calendar, self.zone)
            return Window(start - TICK, at)
        return Window(FIRST, at)

    def earned(self, *windows: Window) -> int:
        """The highest level that any of the windows is enough for."""
        value = max(self.metric(window) for window in windows) + _TOLERANCE
        return max(
            i for i, level in enumerate(self.rules.levels) if i == 0 or level.minimum <= value
        )

    def contributed(self, at: datetime) -> None:
        """Something came in: up at once, or renewed."""
        if self.rules.validity == "none":
            self._follow(at)
            return
        window = self.window(at)
        earned = self.earned(window)
        if earned > self.index:
            self._move(at, earned, "up", self.validity(at), window)
        elif self.index and (earned == self.index or self._saves(at)):
            self._extend(at, window if earned == self.index else Window(self.basis.after, at))
        self._plan(at)

    def refunded(self, at: datetime, was_supported: bool) -> None:
        """Something went out. Nothing happens before the review, unless the rules say at once."""
        if self.rules.validity == "none":
            self._follow(at)
        elif self.rules.immediate_downgrade and was_supported and not self.is_supported(at):
            earned = self.earned(self.basis, self.window(at))
            self._move(at, earned, "down", self._running(at), self.window(at))
        self._plan(at)

    def is_supported(self, at: datetime) -> bool:
        """Whether what the tier was given for, or what was done since, is enough for it."""
        return self.index > 0 and self.earned(self.basis, self.window(at)) >= self.index

    def due(self, at: datetime) -> None:
        """What time alone brings about at ``next_at``."""
        if self.rules.validity == "none":
            self._follow(at)
        elif self.state == "grace" and self.grace_until and at >= self.grace_until:
            self._downgrade(at)
        elif self.state == "active" and self.valid_until and at >= self.valid_until:
            self._review(at)
        self._plan(at)

    def validity(self, at: datetime) -> datetime | None:
        """How long a tier that is given now is valid."""
        rules = self.rules
        if rules.validity == "days":
            return at + timedelta(days=rules.validity_days)
        if rules.validity == "none":
            return None
        _, end = span_of(at, "year", rules.validity_calendar, self.zone)
        if rules.validity == "end_of_next_period":
            _, end = span_of(end, "year", rules.validity_calendar, self.zone)
        return end

    def adopt(self, name: str, valid_until: datetime | None, at: datetime) -> None:
        """After a merge: the better of both tiers, then what all together is good for."""
        names = [level.name for level in self.rules.levels]
        place = names.index(name) if name in names else 0
        if place > self.index:
            self._move(at, place, "up", valid_until, self.window(at))
        elif place and place == self.index and valid_until and self.valid_until:
            self.valid_until = max(self.valid_until, valid_until)
            if self.valid_until > at:
                self.state, self.grace_until = "active", None
        self.contributed(at)

    def govern(self, rules: TierRules, at: datetime) -> None:
        """By new rules from now on: a tier that they know as well stays, with its validity."""
        held, names = self.level.name, [level.name for level in rules.levels]
        self.rules = rules
        if held in names:
            self.index = names.index(held)
        else:
            self.index = self.earned(self.window(at))
            self.state, self.valid_until = "active", self._valid(at)
            after = self.level.name
            self.changes.append(TierChange(at, "ruled", held, after, self.valid_until))
        if rules.validity == "none":
            self.state, self.valid_until, self.grace_until = "active", None, None
        elif self.index and self.valid_until is None:
            self.valid_until = self.validity(at)
        self.contributed(at)

    def _valid(self, at: datetime) -> datetime | None:
        return self.validity(at) if self.index else None

    def reviewed(self, at: datetime) -> Window:
        """The window that ends at an instant."""
        return self.window(at - TICK) if self.rules.window.kind == "year" else self.window(at)

    def largest(self, window: Window, count: int) -> tuple[tuple[str, int], ...]:
        """What the metric is made of most: sources with what each gave, by measure."""
        found = [
            pair
            for name in self.rules.measures
            for pair in self.tallies[name].largest(*window, count)
        ]
        return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0]))[:count])

    def _review(self, at: datetime) -> None:
        window = self.reviewed(at)
        if self.earned(window) >= self.index:
            self._renew(at, window)
            return
        self.basis = window
        if self.rules.grace_days:
            self.state = "grace"
            self.grace_until = at + timedelta(days=self.rules.grace_days)
            self._tell(at, "grace", self.level.name, self.grace_until)
        else:
            self._downgrade(at)

    def _saves(self, at: datetime) -> bool:
        """In grace, what was done since the start of the reviewed window counts as well."""
        return self.state == "grace" and self.earned(Window(self.basis.after, at)) >= self.index

    def _extend(self, at: datetime, window: Window) -> None:
        valid_until = self.validity(at)
        if self.state == "grace":
            self._renew(at, window)
        elif self.rules.validity == "days" or not valid_until or not self.valid_until:
            return
        elif valid_until > self.valid_until:
            self._renew(at, window)

    def _renew(self, at: datetime, window: Window) -> None:
        self.state, self.grace_until = "active", None
        self.valid_until, self.basis = self.validity(at), window
        self._tell(at, "renewed", self.level.name, self.valid_until)

    def _downgrade(self, at: datetime) -> None:
        place = self.index - 1
        if self.rules.downgrade == "to_earned":
            place = min(self.earned(self.basis, self.window(at)), self.index)
        self._move(at, place, "down", self._running(at), self.window(at))

    def _running(self, at: datetime) -> datetime | None:
        """After a downgrade a level is valid to the end of the running period only."""
        if self.rules.validity == "days":
            return self.validity(at)
        return span_of(at, "year", self.rules.validity_calendar, self.zone)[1]

    def _move(
        self, at: datetime, place: int, kind: ChangeKind, until: datetime | None, basis: Window
    ) -> None:
        before = self.level.name
        self.index, self.state, self.grace_until = place, "active", None
        self.valid_until = until if place else None
        self.basis = basis
        self._tell(at, kind, before, self.valid_until)

    def _tell(self, at: datetime, kind: ChangeKind, before: str, until: datetime | None) -> None:
        self.changes.append(TierChange(at, kind, before, self.level.name, until))

    def _follow(self, at: datetime) -> None:
        """Validity none: the tier is what its window is good for, at every instant."""
        window = self.window(at)
        earned = self.earned(window)
        if earned != self.index:
            self._move(at, earned, "up" if earned > self.index else "down", None, window)
        self._plan(at)

    def _plan(self, at: datetime) -> None:
        if self.rules.validity == "none":
            self.next_at = self.leaves_at(at)
        else:
            self.next_at = self.grace_until if self.state == "grace" else self.valid_until

    def leaves_at(self, at: datetime) -> datetime | None:
        """When something leaves the window of an instant; None where nothing ever does."""
        window = self.rules.window
        if window.kind == "year" and self.rules.metric != "score":
            _, end = span_of(at, "year", window.calendar, self.zone)
            return end
        if window.kind == "lifetime" or self.rules.metric == "score":
            return None
        length = timedelta(days=window.days)
        oldest = [
            first
            for name in self.rules.measures
            if (first := self.tallies[name].first_after(at - length))
        ]
        return min(oldest) + length if oldest else None
