"""What calls cost in credits of 24 hours, and how many may be under way at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.editions import SUB_CONCURRENCY, Edition
from infra.sandbox.zoho.errors import ApiError

DAY = timedelta(hours=24)


class Credits:
    """A rolling day. ``clock`` gives the present."""

    def __init__(self, limit: int, clock: Callable[[], datetime]) -> None:
        self.limit = limit
        self._clock = clock
        self._spent: deque[tuple[datetime, int]] = deque()
        self._sum = 0
        self._lock = Lock()

    def spend(self, cost: int) -> ApiError | None:
        """Returns the 429 if there are not as many left; then nothing is spent."""
        with self._lock:
            self._forget_old()
            if self._sum + cost > self.limit:
                message = "You have reached the maximum API credits for the last 24 hours."
                return too_many(message)
            self._spent.append((self._clock(), cost))
            self._sum += cost
        return None

    def leave(self, left: int) -> None:
        """So many from now on, until a day has passed."""
        with self._lock:
            self._spent.append((self._clock(), self.limit - self._sum - left))
            self._sum = self.limit - left

    def left(self) -> int:
        with self._lock:
            self._forget_old()
            return self.limit - self._sum

    def headers(self) -> dict[str, str]:
        """Zoho speaks of it when half is gone."""
        left = self.left()
        return {"X-API-CREDITS-REMAINING": str(left)} if left * 2 <= self.limit else {}

    def _forget_old(self) -> None:
        while self._spent and self._spent[0][0] <= self._clock() - DAY:
            self._sum -= self._spent.popleft()[1]


class Concurrency:
    """All calls under way, and the complex ones among them. ``most`` were under way at once."""

    def __init__(self, edition: Edition) -> None:
        self.limits = {"concurrency": edition.concurrency, "sub-concurrency": SUB_CONCURRENCY}
        self.most = dict.fromkeys(self.limits, 0)
        self.refused = 0
        self._under_way = dict.fromkeys(self.limits, 0)
        self._lock = Lock()

    def enter(self, *, is_complex: bool) -> tuple[str, ...]:
        """What is to be left again. Raises the 429."""
        names = ("concurrency", "sub-concurrency") if is_complex else ("concurrency",)
        with self._lock:
            for name in names:
                if self._under_way[name] >= self.limits[name]:
                    self.refused += 1
                    raise too_many(f"You have exceeded the {name} limit of simultaneous calls.")
            for name in names:
                self._under_way[name] += 1
                self.most[name] = max(self.most[name], self._under_way[name])
        return names

    def leave(self, names: tuple[str, ...]) -> None:
        with self._lock:
            for name in names:
                self._under_way[name] -= 1

    def allow(self, calls: int) -> None:
        self.limits = dict.fromkeys(self.limits, calls)

    def to_json(self) -> Wire:
        return {"limits": self.limits, "most": self.most, "refused": self.refused}


def too_many(message: str) -> ApiError:
    """Only the words tell which limit it was, and nothing when to come back."""
    return ApiError(429, "TOO_MANY_REQUESTS", message)
