"""A CRM's rate limit, kept by all workers of a connection together.

The generic cell rate algorithm (J. S. Turner, "New directions in communications", IEEE
Communications Magazine 24(10), 1986; ATM Forum, Traffic Management Specification 4.0, 1996), in
its form with one number: the *mark*, the time that the next call would have if all calls came
evenly. It lies in the shared state and moves by an interval per call. A worker reserves several
calls at once, so that it asks for the mark less often than it calls.

What keeps the rolling window of a CRM: every call has a mark of its own, marks are at least an
interval apart, and a call is made at most ``early`` before and at most ``late`` after its mark.
So the calls that reach the CRM within a window have their marks in a span that is longer by
``early``, ``late`` and what the network and the workers' clocks may shift; the interval is
chosen so that such a span holds no more marks than the window may have calls.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil

from chalicelib.core.connector import Rate
from chalicelib.core.errors import RateLimited
from chalicelib.core.shared import Marks

SECOND = 1_000_000
"""In microseconds, which is how this module counts, so that sums are exact."""

GUARD_SHARE = 0.035
LEAST_GUARD_S = 0.1
"""How much longer than a window a span is held to be: a share of it, and never less than this."""

LATE_SHARE = 0.7
"""Of the guard, for a call that is made after its mark; the rest is for network and clocks."""

BURST_SHARE = 20
"""One call in so many, and one more, may be made at once where nobody called for a while."""

LONGEST_WAIT_S = 5.0
"""More is left to the queue: a waiting Lambda is paid for."""

FIRST_BLOCK = 4
LARGEST_BLOCK = 8
"""Calls that are reserved at once, at first and at most."""

RESTED = 15 * SECOND
"""After so long without a call a worker begins anew, and knows nothing of the others."""

BLOCK_SHARE = 20
"""Nobody reserves more than one call in so many, or the others would wait for it."""

STRAY = 60 * SECOND
"""A mark that is later by so much than any worker sets it was set by a clock gone wrong."""

ATTEMPTS = 4
"""The mark is asked for so often before the limit is held to be overrun."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a rate means for single calls. ``block`` is in calls, the others in microseconds."""

    interval: int
    early: int
    late: int
    block: int

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, rate: Rate) -> Pace:
        """For example:

        >>> pace = Pace.of(Rate("calls", 190, 10.0))
        >>> pace.interval, pace.early, pace.late
        (57183, 514647, 245000)
        >>> f"{10 * SECOND / pace.interval / 190:.3f} of the limit"
        '0.920 of the limit'
        """
        guard = max(LEAST_GUARD_S, GUARD_SHARE * rate.seconds)
        burst = rate.calls // BURST_SHARE
        interval = ceil((rate.seconds + guard) * SECOND / (rate.calls - burst))
        return cls(
            interval=interval,
            early=burst * interval,
            late=int(LATE_SHARE * guard * SECOND),
            block=min(LARGEST_BLOCK, max(1, rate.calls // BLOCK_SHARE)),
        )


@dataclass(slots=True)
class _Lane:
    """What one worker holds of one rate. ``end`` is where its last block ended."""

    held: deque[int] = field(default_factory=deque)
    block: int = 0
    used: int = 0
    end: int = 0
    crowded: bool = False

    def take(self, now: int, late: int) -> int | None:
        """The next mark that a call can still be made at."""
        while self.held:
            mark = self.held.popleft()
            if now <= mark + late:
                self.used += 1
                return mark
        return None

    def begin_block(self, now: int, largest: int) -> int:
        """As many calls as could be made in time the last time, and more where nobody waits."""
        if now > self.end + RESTED:
            self.block, self.crowded = FIRST_BLOCK, False
        elif self.used < self.block:
            self.block = self.used
        elif not self.crowded:
            self.block *= 2
        self.block = min(self.block, largest)
        return self.block

    def turn_away(self, now: int) -> None:
        """There was no block to be had."""
        self.block, self.used, self.end, self.crowded = 1, 1, now, True

    def fill(self, mark: int, interval: int) -> int:
        self.used = 1
        self.end = mark + self.block * interval
        self.held = deque(range(mark + interval, self.end, interval))
        return mark


class Pacer:
    """One worker's way through the rates of a connection. For one thread.

    ``seconds`` is the time since 1970, by which all workers reckon.
    """

    def __init__(
        self,
        connection: str,
        marks: Marks,
        seconds: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._connection = connection
        self._marks = marks
        self._seconds = seconds
        self._sleep = sleep
        self._lanes: dict[str, _Lane] = {}

    def enter(self, rate: Rate) -> None:
        """Sleep until a call may be made. Raises RateLimited instead of sleeping for long."""
        pace = Pace.of(rate)
        lane = self._lanes.setdefault(rate.name, _Lane())
        for _ in range(ATTEMPTS):
            mark = lane.take(self._now(), pace.late)
            if mark is None:
                mark = self._reserve(rate, pace, lane)
            wait = mark - pace.early - self._now()
            if wait > 0:
                self._sleep(wait / SECOND)
            if self._now() <= mark + pace.late:
                return
        # Held up each time until its mark was past: too slow, then, to overrun a limit.

    def _reserve(self, rate: Rate, pace: Pace, lane: _Lane) -> int:
        """The first mark of a new block; the lane holds the others."""
        step = lane.begin_block(self._now(), pace.block) * pace.interval
        # What this worker last saw of the mark tells which of the two moves it is likely to take.
        busy = lane.crowded or lane.end >= self._now()
        for _ in range(ATTEMPTS):
            now = self._now()
            latest = now + pace.early + int(LONGEST_WAIT_S * SECOND)
            if busy:
                mark = self._marks.push(self._connection, rate.name, step, (now, latest))
            else:
                bounds = now, latest + LARGEST_BLOCK * pace.interval + STRAY
                mark = self._marks.restart(self._connection, rate.name, step, bounds)
            if mark is not None:
                lane.crowded = mark - pace.early > now
                return lane.fill(mark, pace.interval)
            busy = not busy
        lane.turn_away(self._now())
        raise RateLimited(
            f"{rate.calls} calls in {rate.seconds:g} s are spoken for",
            retry_after=LONGEST_WAIT_S * random.uniform(1, 2),  # noqa: S311 - spreads load, guards nothing
        )

    def _now(self) -> int:
        return int(self._seconds() * SECOND)
