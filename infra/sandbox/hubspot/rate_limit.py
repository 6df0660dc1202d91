"""The ten-second rate limit of a private app."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from uuid import uuid4

from infra.sandbox.hubspot.errors import ApiError


@dataclass(frozen=True, slots=True)
class Rate:
    """``calls`` in any window of ``seconds``; 190 in 10 s is what Professional gets."""

    calls: int = 190
    seconds: float = 10.0


class RateLimit:
    """A rolling window. ``clock`` counts seconds and never goes back."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        self.rate = rate
        self._clock = clock
        self._calls: deque[float] = deque()
        self._lock = Lock()

    def spend(self) -> None:
        """Raises the 429; calls that are turned away count too, as in HubSpot."""
        with self._lock:
            self._forget_old()
            self._calls.append(self._clock())
            over = len(self._calls) > self.rate.calls
        if over:
            raise _too_many()

    def headers(self) -> dict[str, str]:
        with self._lock:
            self._forget_old()
            remaining = max(0, self.rate.calls - len(self._calls))
        return {
            "X-HubSpot-RateLimit-Max": str(self.rate.calls),
            "X-HubSpot-RateLimit-Remaining": str(remaining),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(round(self.rate.seconds * 1000)),
        }

    def reset(self, rate: Rate) -> None:
        with self._lock:
            self.rate = rate
            self._calls.clear()

    def _forget_old(self) -> None:
        since = self._clock() - self.rate.seconds
        while self._calls and self._calls[0] <= since:
            self._calls.popleft()


def _too_many() -> ApiError:
    """HubSpot documents no Retry-After for it, so there is none."""
    return ApiError(
        429,
        "RATE_LIMITS",
        "You have reached your ten_secondly_rolling limit.",
        extra={
            "errorType": "RATE_LIMIT",
            "policyName": "TEN_SECONDLY_ROLLING",
            "groupName": "privateapp:10secondly",
            "requestId": str(uuid4()),
        },
    )
