"""How much HubSpot allows an account, as its answers tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.core.connector import Rate
from connectors import _values
from connectors._http import Closure
from connectors._wire import Answer

CALLS = Rate("calls", 100, 10.0)
"""Of the smallest accounts, until the first answer tells; OAuth apps have 110, larger ones 190."""

SEARCHES = Rate("search", 5, 1.0)
"""Over all apps of an account. Answers to searches tell nothing of it."""

LOCKED_S = 2.0
"""Before a record that a bulk write has locked is asked for again."""

RESERVE_SHARE = 1000
"""One call in so many of a day is left to the other apps: all of an account share its day."""

RESET_LASTS = timedelta(minutes=1)
"""After midnight, before a new day is trusted to have begun at HubSpot too."""

RESET_IS_LATE = timedelta(hours=1)
LOOK_AGAIN_AFTER = timedelta(minutes=10)
"""A day that seems spent within an hour of its beginning is asked for again that soon."""

MOVED_FOR = timedelta(minutes=10)
"""An account that is being moved and does not say for how long."""

LOCKED, TOO_MANY, MOVING = 423, 429, 477

# 521 and 523: not reached; 524: given up by the proxy before HubSpot. A 500 is not among them:
# HubSpot does not list it as worth another try, and what fails inside fails again.
BUSY = frozenset({LOCKED, TOO_MANY, MOVING, 502, 503, 504, 521, 523, 524})


class HubSpotLimits:
    """Implements ``Limits`` for one worker. ``zone`` is where the account's days end."""

    def __init__(self, zone: str, now: Callable[[], datetime]) -> None:
        self._zone = _values.zone(zone)
        self._now = now
        self._calls = CALLS
        self._closure: Closure | None = None

    def rate(self, path: str) -> Rate:
        return SEARCHES if path.endswith("/search") else self._calls

    def heed(self, answer: Answer) -> None:
        most = _number(answer, "X-HubSpot-RateLimit-Max")
        interval = _number(answer, "X-HubSpot-RateLimit-Interval-Milliseconds")
        if most and interval:
            self._calls = Rate(CALLS.name, most, interval / 1000)
        if answer.status == MOVING:
            self._closure = Closure(self._now() + _absence(answer), "the account is being moved")
        elif _day_is_spent(answer):
            until = next_day(self._now(), self._zone)
            self._closure = Closure(until, "the account's calls of this day are spent")

    def closure(self) -> Closure | None:
        if self._closure and self._now() >= self._closure.until:
            self._closure = None
        return self._closure

    def least_wait_s(self, answer: Answer) -> float:
        if answer.status == LOCKED:
            return LOCKED_S
        if answer.status == TOO_MANY:
            # Refused calls count too, so a whole window must pass without any.
            return SEARCHES.seconds if _policy(answer) == "SECONDLY" else self._calls.seconds
        return 0.0


def next_day(now: datetime, zone: ZoneInfo) -> datetime:
    """When an account whose day is spent may be called again.

    >>> tehran = ZoneInfo("Asia/Tehran")
    >>> next_day(datetime(2026, 11, 1, 8, tzinfo=UTC), tehran).isoformat()
    '2026-11-01T20:31:00+00:00'
    >>> next_day(datetime(2026, 11, 1, 20, 40, tzinfo=UTC), tehran).isoformat()
    '2026-11-01T20:50:00+00:00'
    """
    today = now.astimezone(zone).date()
    if now - _midnight(today, zone) < RESET_IS_LATE:
        return now + LOOK_AGAIN_AFTER
    return _midnight(today + timedelta(days=1), zone) + RESET_LASTS


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _day_is_spent(answer: Answer) -> bool:
    if answer.status == TOO_MANY and _policy(answer) == "DAILY":
        return True
    left = _number(answer, "X-HubSpot-RateLimit-Daily-Remaining")
    day = _number(answer, "X-HubSpot-RateLimit-Daily") or 0
    return left is not None and left <= day // RESERVE_SHARE


def _absence(answer: Answer) -> timedelta:
    told = answer.retry_after
    return MOVED_FOR if told is None else timedelta(seconds=told)


def _policy(answer: Answer) -> str:
    return str(answer.body.get("policyName", "")) if isinstance(answer.body, dict) else ""


def _number(answer: Answer, header: str) -> int | None:
    text = answer.headers.get(header, "")
    return int(text) if text.isascii() and text.isdigit() else None
