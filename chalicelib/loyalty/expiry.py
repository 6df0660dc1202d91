"""When points die, by the instant at which they were earned.

An expiry instant belongs to the "after" side: at the instant itself the points are gone.

>>> from datetime import UTC
>>> tehran = ZoneInfo("Asia/Tehran")
>>> earned = datetime(2025, 4, 1, 9, 30, tzinfo=UTC)
>>> dies_at(Expiry("days", 365), earned, tehran)
datetime.datetime(2026, 4, 1, 20, 30, tzinfo=datetime.timezone.utc)
>>> dies_at(Expiry("days", 365, to_day_end=False), earned, tehran)
datetime.datetime(2026, 4, 1, 9, 30, tzinfo=datetime.timezone.utc)
>>> dies_at(Expiry("end_of_year", calendar="jalali"), earned, tehran)
datetime.datetime(2026, 3, 20, 20, 30, tzinfo=datetime.timezone.utc)
>>> dies_at(Expiry("none"), earned, tehran) is None
True

Source: Open Loyalty (days, end of month, end of year), Talon.One (rounding of validity), Voucherify
(inactivity).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.core.loyalty import Expiry, Period
from chalicelib.loyalty.spans import day_end, span_of

_PERIODS: dict[str, Period] = {"end_of_month": "month", "end_of_year": "year"}


def dies_at(expiry: Expiry, earned_at: datetime, zone: ZoneInfo) -> datetime | None:
    """None for what never dies, and for what dies by inactivity, which nobody knows yet."""
    if expiry.kind == "days":
        exact = earned_at + timedelta(days=expiry.days)
        return day_end(exact, zone) if expiry.to_day_end else exact
    if expiry.kind in _PERIODS:
        end = earned_at
        for _ in range(expiry.periods):
            _, end = span_of(end, _PERIODS[expiry.kind], expiry.calendar, zone)
        return end
    return None


class Doings:
    """The times of earnings and redemptions, after which inactivity is counted.

    >>> from datetime import UTC
    >>> doings = Doings()
    >>> for day in (1, 8, 30): doings.add(datetime(2026, 1, day, tzinfo=UTC))
    >>> doings.dies_at(datetime(2026, 1, 1, tzinfo=UTC), 10).day
    18
    >>> doings.remove(datetime(2026, 1, 8, tzinfo=UTC))
    >>> doings.dies_at(datetime(2026, 1, 1, tzinfo=UTC), 10).day
    11
    """

    def __init__(self, times: Sequence[datetime] = ()) -> None:
        self.times = sorted(times)
        self._deaths: dict[int, list[datetime]] = {}

    def is_last(self, at: datetime) -> bool:
        return not self.times or at >= self.times[-1]

    def add(self, at: datetime) -> None:
        insort(self.times, at)
        self._deaths.clear()

    def remove(self, at: datetime) -> None:
        index = bisect_left(self.times, at)
        if index < len(self.times) and self.times[index] == at:
            del self.times[index]
            self._deaths.clear()

    def dies_at(self, earned_at: datetime, days: int) -> datetime:
        """The first instant at which nothing had been done for so many days."""
        index = bisect_left(self.times, earned_at)
        dies = earned_at + timedelta(days=days)
        if index == len(self.times) or self.times[index] >= dies:
            return dies
        return self._died(days)[index]

    def _died(self, days: int) -> list[datetime]:
        """For each time, where the chain that it belongs to breaks off."""
        if days not in self._deaths:
            length, deaths = timedelta(days=days), list(self.times)
            for index in range(len(self.times) - 1, -1, -1):
                dies = self.times[index] + length
                goes_on = index + 1 < len(self.times) and self.times[index + 1] < dies
                deaths[index] = deaths[index + 1] if goes_on else dies
            self._deaths[days] = deaths
        return self._deaths[days]
