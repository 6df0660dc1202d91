"""How much Salesforce allows an organisation: calls of 24 hours, and long ones at one time.

Each answer tells the first, ``Sforce-Limit-Info: api-usage=18/100000``, and nothing tells how long
to wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.core.connector import Rate
from connectors._http import Closure
from connectors._wire import Answer
from connectors.salesforce.answers import TOO_MANY, is_of_a_day

CALLS = Rate("calls", 50, 1.0)
"""Against loops alone: short calls are not counted by the second."""

CROWDED_S = 3.0
"""Before a call that was one too many at its time is made again."""

USAGE = "Sforce-Limit-Info"

SCARCE_PERCENT = 80
"""Of the calls of 24 hours; from here on nothing is read that nobody waits for."""

SPENT_PERCENT = 95
"""From here on nothing is called: the rest is for the organisation's other apps."""

SPENT_FOR = timedelta(minutes=15)
"""The window of 24 hours rolls on, so that calls come back bit by bit."""

BUSY = frozenset({TOO_MANY, 502, 503, 504})

_USAGE = re.compile(r"(?:^|[;\s])api-usage=([0-9]{1,12})/([0-9]{1,12})")


class SalesforceLimits:
    """Implements ``Limits`` for one worker."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._closure: Closure | None = None
        self._used_percent = 0.0
        self._told_at: datetime | None = None

    def rate(self, _path: str) -> Rate:
        return CALLS

    def heed(self, answer: Answer) -> None:
        if (used := used_percent(answer.headers.get(USAGE, ""))) is not None:
            self._used_percent, self._told_at = used, self._now()
        if self._is_spent(answer):
            until = self._now() + SPENT_FOR
            self._closure = Closure(until, "the organisation's API calls of 24 hours are spent")

    def closure(self) -> Closure | None:
        if self._closure and self._now() >= self._closure.until:
            self._closure = None
        return self._closure

    def least_wait_s(self, answer: Answer) -> float:
        return CROWDED_S if answer.status == TOO_MANY else 0.0

    @property
    def is_scarce(self) -> bool:
        """As of the last answer, which says nothing any more after a while."""
        is_recent = self._told_at is not None and self._now() - self._told_at < SPENT_FOR
        return is_recent and self._used_percent >= SCARCE_PERCENT

    def _is_spent(self, answer: Answer) -> bool:
        if answer.status == TOO_MANY:
            return bool(answer.body) and is_of_a_day(answer)
        used = used_percent(answer.headers.get(USAGE, ""))
        return used is not None and used >= SPENT_PERCENT


def used_percent(usage: str) -> float | None:
    """None where it is not told.

    >>> used_percent("api-usage=18000/100000; per-app-api-usage=17/250(appName=sample)")
    18.0
    """
    found = _USAGE.search(usage)
    if found is None or not int(found[2]):
        return None
    return 100 * int(found[1]) / int(found[2])
