"""The calls that an account has for a day, all its static tokens together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.rate_limit import DAILY, too_many

PROFESSIONAL = 625_000


class DailyQuota:
    """It begins anew at midnight of the account's ``time_zone``; ``clock`` gives the present."""

    def __init__(self, limit: int, clock: Callable[[], datetime], time_zone: str) -> None:
        self.limit = limit
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._spent = 0
        self._refused = 0
        self._resets_at = self._next_midnight()
        self._lock = Lock()

    def spend(self) -> ApiError | None:
        """Count a call. Returns the 429 if there was none left."""
        with self._lock:
            self._begin_anew()
            self._spent += 1
            over = self._spent > self.limit
            self._refused += over
        return too_many(DAILY) if over else None

    def headers(self) -> dict[str, str]:
        with self._lock:
            self._begin_anew()
            return {
                "X-HubSpot-RateLimit-Daily": str(self.limit),
                "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.limit - self._spent)),
            }

    def leave(self, left: int, resets_at: datetime | None = None) -> None:
        """So many calls from now on, until midnight or another instant."""
        with self._lock:
            self.limit = max(self.limit, left)
            self._spent = self.limit - left
            self._resets_at = resets_at or self._next_midnight()

    def to_json(self) -> Wire:
        with self._lock:
            self._begin_anew()
            return {
                "limit": self.limit,
                "left": max(0, self.limit - self._spent),
                "refused": self._refused,
                "resets_at": spell(self._resets_at),
            }

    def _begin_anew(self) -> None:
        if self._clock() >= self._resets_at:
            self._spent = 0
            self._resets_at = self._next_midnight()

    def _next_midnight(self) -> datetime:
        today = self._clock().astimezone(self._zone).date()
        return datetime.combine(today + timedelta(days=1), time(0), self._zone)
