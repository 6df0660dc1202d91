"""Missions: a number of things, or a sum of money, in a window, for a bonus.

The date of a contribution decides its window. When a window's target is reached the bonus is
awarded, dated by the contribution that reached it, once per window, or with ``once_per_window:
false`` at every multiple of the target. A refund that undoes the count takes the award back (the
latest first) if the mission says so, and it can be earned anew in the same window. A *streak* of
k is awarded for k windows in a row, none of which was part of an earlier award.

Three purchases in one Jalali month:

>>> from datetime import UTC
>>> from chalicelib.core.loyalty import MissionWindow
>>> from chalicelib.core.model import Text
>>> three = Mission("three", "purchase", 3, 20, MissionWindow("month", "jalali"), Text("", ""))
>>> board = MissionBoard(ZoneInfo("Asia/Tehran"))
>>> days = [datetime(2025, 4, day, tzinfo=UTC) for day in (1, 8, 15)]
>>> [board.contribute(three, at, f"purchase:{at.day}", 1) for at in days]
[[], [], [Award(key='three:2025-03-21:purchase:15', at=datetime.datetime(2025, 4, 15, ...
>>> [one.key for one in board.refunded("purchase:8", 0, 0)]
['three:2025-03-21:purchase:15']
>>> board.progress(three, datetime(2025, 4, 20, tzinfo=UTC)).value
2

Source: Open Loyalty (campaigns and challenges), Talon.One (achievements), Voucherify.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.core.loyalty import Mission
from chalicelib.loyalty.spans import FIRST, TICK, day_of, span_of
from chalicelib.loyalty.tally import Tally


class Stretch(NamedTuple):
    """A window ``(after, upto]`` with the day that names it."""

    name: str
    after: datetime
    upto: datetime


@dataclass(frozen=True, slots=True)
class Award:
    """A bonus that was reached at ``at`` by the contribution at the end of its key.

    ``stretch`` holds what it was given for, which may have been good for as many as ``times``
    awards up to this one; ``part_of`` are the windows of a streak.
    """

    key: str
    at: datetime
    mission: Mission
    stretch: Stretch
    part_of: tuple[str, ...] = ()
    times: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody has come; ``ends`` is when the window closes. Of a streak, ``done`` windows.

    ``value`` and ``target`` are numbers of things, or sums in the smallest unit of the currency.
    """

    mission: Mission
    value: int
    target: int
    ends: datetime | None
    done: int = 0


class MissionBoard:
    """What was done for missions so far. Contributions come in the order of time."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._awards: defaultdict[tuple[str, str], list[Award]] = defaultdict(list)
        self._used: defaultdict[str, dict[str, Award]] = defaultdict(dict)
        self._done: defaultdict[str, set[str]] = defaultdict(set)
        self._missions: dict[str, Mission] = {}

    def contribute(self, mission: Mission, at: datetime, source: str, value: int) -> list[Award]:
        """The awards that this brings about."""
        stretch = self._stretch(mission, at)
        if stretch is None:
            return []
        self._missions[mission.id] = mission
        self._tallies[mission.id].add(source, at, value)
        if mission.streak > 1:
            return self._streak(mission, stretch, at, source)
        missing = self._due(mission, stretch, at) - len(self._active(mission, stretch))
        fresh = self._fresh(mission, stretch)
        return [self._award(mission, fresh, at, source, n) for n in range(max(missing, 0))]

    def refunded(self, source: str, count: int, amount: int) -> list[Award]:
        """The awards that are lost when a purchase is worth only so much any more."""
        lost: list[Award] = []
        for name, mission in self._missions.items():
            tally = self._tallies[name]
            value = amount if mission.sums else count
            if source in tally and tally.value(source) != value:
                tally.change(source, value)
                if mission.reverse_on_refund:
                    lost += self._revoked(mission, tally.time(source))
        return lost

    def progress(self, mission: Mission, now: datetime) -> Progress:
        stretch = self._stretch(mission, now)
        if stretch is None:
            return Progress(mission, 0, mission.target, mission.window.dates.ends)
        value = self._tallies[mission.id].total(stretch.after, min(stretch.upto, now))
        is_open = mission.window.days is None
        ends = mission.window.dates.ends if stretch.name == _CAMPAIGN else stretch.upto + TICK
        run = self._run(mission, stretch) if mission.streak > 1 else 0
        return Progress(mission, value, mission.target, ends if is_open else None, run)

    def leaves_at(self, mission: Mission, now: datetime) -> datetime | None:
        """When the oldest contribution of a rolling window drops out of it."""
        if mission.window.days is None:
            return None
        length = timedelta(days=mission.window.days)
        oldest = self._tallies[mission.id].first_after(now - length)
        return oldest + length if oldest else None

    def _stretch(self, mission: Mission, at: datetime) -> Stretch | None:
        window = mission.window
        if at not in window.dates:
            return None
        if window.days is not None:
            return Stretch(_ROLLING, at - timedelta(days=window.days), at)
        if window.period is None:
            begins = window.dates.begins
            after = begins - TICK if begins else FIRST
            return Stretch(_CAMPAIGN, after, at)
        start, end = span_of(at, window.period, window.calendar, self.zone)
        return Stretch(day_of(start, self.zone).isoformat(), start - TICK, end - TICK)

    def _given(self, mission: Mission, stretch: Stretch) -> list[Award]:
        """Awards of this window, or all of a rolling one, in order of time."""
        return self._awards[mission.id, stretch.name]

    def _active(self, mission: Mission, stretch: Stretch) -> list[Award]:
        """Awards that this window has already given; of a rolling one those still inside."""
        given = self._given(mission, stretch)
        if stretch.name != _ROLLING:
            return given
        inside = 0
        while inside < len(given) and given[-1 - inside].at > stretch.after:
            inside += 1
        return given[len(given) - inside :]

    def _due(self, mission: Mission, stretch: Stretch, at: datetime) -> int:
        """How many awards the window is good for, those that it has given included."""
        given = self._active(mission, stretch)
        after = self._fresh(mission, stretch).after
        times = self._tallies[mission.id].total(after, at) // mission.target
        if mission.once_per_window:
            return min(times, 1)
        return times + len(given) if stretch.name == _ROLLING else times

    def _fresh(self, mission: Mission, stretch: Stretch) -> Stretch:
        """Without what a rolling window has given an award for already."""
        given = self._active(mission, stretch)
        if stretch.name == _ROLLING and not mission.once_per_window and given:
            return stretch._replace(after=given[-1].at)
        return stretch

    def _award(
        self, mission: Mission, stretch: Stretch, at: datetime, source: str, number: int
    ) -> Award:
        again = f":{number + 1}" if number else ""
        key = f"{mission.id}:{stretch.name}:{source}{again}"
        award = Award(key, at, mission, stretch, times=number + 1)
        self._given(mission, stretch).append(award)
        return award

    def _revoked(self, mission: Mission, at: datetime) -> list[Award]:
        """What does not hold any more, now that the contribution of ``at`` is worth less."""
        stretch = self._stretch(mission, at)
        if stretch is None:
            return []
        if mission.streak > 1:
            return self._broken(mission, stretch)
        given = self._given(mission, stretch)
        if stretch.name == _ROLLING:
            lost = [one for one in self._covering(mission, at) if not self._is_full(mission, one)]
        else:
            lost = given[self._good_for(mission, stretch) :]
        self._awards[mission.id, stretch.name] = [one for one in given if one not in lost]
        return lost

    def _covering(self, mission: Mission, at: datetime) -> list[Award]:
        """The awards of a rolling window that a contribution of that instant lies in."""
        given = self._awards[mission.id, _ROLLING]
        return [one for one in given if one.stretch.after < at <= one.at]

    def _is_full(self, mission: Mission, award: Award) -> bool:
        total = self._tallies[mission.id].total(award.stretch.after, award.at)
        return total >= mission.target * award.times

    def _good_for(self, mission: Mission, stretch: Stretch) -> int:
        tally = self._tallies[mission.id]
        upto = tally.times[-1] if stretch.name == _CAMPAIGN else stretch.upto
        return tally.total(stretch.after, upto) // mission.target

    def _streak(self, mission: Mission, stretch: Stretch, at: datetime, source: str) -> list[Award]:
        done, used = self._done[mission.id], self._used[mission.id]
        is_enough = self._tallies[mission.id].total(stretch.after, at) >= mission.target
        if stretch.name in done or not is_enough:
            return []
        done.add(stretch.name)
        names = self._names_back(mission, stretch, mission.streak)
        if any(name not in done or name in used for name in names):
            return []
        key = f"{mission.id}:{stretch.name}:{source}"
        award = Award(key, at, mission, stretch, tuple(names))
        used.update(dict.fromkeys(names, award))
        return [award]

    def _broken(self, mission: Mission, stretch: Stretch) -> list[Award]:
        if self._good_for(mission, stretch):
            return []
        self._done[mission.id].discard(stretch.name)
        lost = self._used[mission.id].get(stretch.name)
        for name in lost.part_of if lost else ():
            del self._used[mission.id][name]
        return [lost] if lost else []

    def _names_back(self, mission: Mission, stretch: Stretch, count: int) -> list[str]:
        """The names of so many windows up to this one, the latest first."""
        return list(islice(self._backwards(mission, stretch), count))

    def _backwards(self, mission: Mission, stretch: Stretch) -> Iterator[str]:
        found: Stretch | None = stretch
        while found is not None:
            yield found.name
            found = self._stretch(mission, found.after)

    def _run(self, mission: Mission, stretch: Stretch) -> int:
        """How many windows in a row are done and not yet awarded; the running one may be open."""
        done = self._done[mission.id]
        used = self._used[mission.id]
        run = 0
        for name in self._backwards(mission, stretch):
            if name in done and name not in used:
                run += 1
            elif name != stretch.name or name in used:
                break
        return run


_ROLLING, _CAMPAIGN = "rolling", "campaign"
