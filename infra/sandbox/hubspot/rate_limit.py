"""The rate limits of a private app: ten seconds of everything, one second of searching."""

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


SEARCH_RATE = Rate(5, 1.0)
"""Over all searches of an account."""


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """How HubSpot speaks of a limit. ``told`` ones say in every answer what is left."""

    name: str
    group: str
    told: bool


TEN_SECONDLY = LimitPolicy("TEN_SECONDLY_ROLLING", "privateapp:10secondly", told=True)
SECONDLY = LimitPolicy("SECONDLY", "publicapi:crm:search", told=False)


class RateLimit:
    """A rolling window. ``clock`` counts seconds and never goes back."""

    def __init__(
        self, rate: Rate, clock: Callable[[], float], policy: LimitPolicy = TEN_SECONDLY
    ) -> None:
        self.rate = rate
        self._clock = clock
        self._policy = policy
        self._calls: deque[float] = deque()
        self._lock = Lock()

    def spend(self) -> None:
        """Raises the 429; calls that are turned away count too, as in HubSpot."""
        with self._lock:
            self._forget_old()
            self._calls.append(self._clock())
            over = len(self._calls) > self.rate.calls
        if over:
            raise too_many(self._policy)

    def headers(self) -> dict[str, str]:
        if not self._policy.told:
            return {}
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


def too_many(policy: LimitPolicy) -> ApiError:
    """HubSpot documents no Retry-After for it, so there is none."""
    return ApiError(
        429,
        "RATE_LIMITS",
        f"You have reached your {policy.name.lower()} limit.",
        extra={
            "errorType": "RATE_LIMIT",
            "policyName": policy.name,
            "groupName": policy.group,
            "requestId": str(uuid4()),
        },
    )
