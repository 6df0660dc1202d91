"""How much Zoho allows an organisation: credits of 24 hours, and calls at the same time.

It names no number of calls a second, and no time to wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.core.connector import Rate
from connectors._http import Closure
from connectors._wire import Answer

CALLS = Rate("calls", 100, 1.0)
"""Against loops alone. What Zoho limits, calls at one time, is kept to by the number of workers:
five that read and one that writes, with one call each, where the smallest plan takes five and
every other ten or more."""

CROWDED_S = 2.0
"""Before a call that was one too many at its time is made again."""

CREDITS_LEFT = "X-API-CREDITS-REMAINING"
"""Sent once half of them are used."""

RESERVE = 50
"""Credits that are left to other apps: five writes of a hundred records."""

SPENT_FOR = timedelta(hours=1)
"""The window of 24 hours rolls on, so that credits come back bit by bit."""

TOO_MANY = 429
BUSY = frozenset({TOO_MANY, 502, 503, 504})

_CROWDED = re.compile(r"concurren|simultaneous|minute", re.IGNORECASE)
_SPENT = re.compile(r"credit|24|day|daily", re.IGNORECASE)


class ZohoLimits:
    """Implements ``Limits`` for one worker."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._closure: Closure | None = None

    def rate(self, _path: str) -> Rate:
        return CALLS

    def heed(self, answer: Answer) -> None:
        if _credits_are_spent(answer):
            until = self._now() + SPENT_FOR
            self._closure = Closure(until, "the organisation's credits of 24 hours are spent")

    def closure(self) -> Closure | None:
        if self._closure and self._now() >= self._closure.until:
            self._closure = None
        return self._closure

    def least_wait_s(self, answer: Answer) -> float:
        return CROWDED_S if answer.status == TOO_MANY else 0.0


def _credits_are_spent(answer: Answer) -> bool:
    """All limits are refused alike; what is neither of the two is taken for a crowd."""
    if answer.status == TOO_MANY:
        text = str(answer.body.get("message", "")) if isinstance(answer.body, dict) else ""
        return bool(_SPENT.search(text)) and not _CROWDED.search(text)
    left = answer.headers.get(CREDITS_LEFT, "")
    return left.isascii() and left.isdigit() and int(left) < RESERVE
