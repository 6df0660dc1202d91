"""The rate limits of apps: ten seconds of everything, one second of searching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from infra.sandbox._serving.rate_limit import Rate, RollingWindow
from infra.sandbox.hubspot.errors import ApiError

PROFESSIONAL_RATE = Rate(190)

OAUTH_RATE = Rate(110)
"""Of an OAuth app on each account where it is installed."""

SEARCH_RATE = Rate(5, 1.0)
"""Over all searches of an account."""


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """How HubSpot speaks of a limit. ``told`` ones say in every answer what is left."""

    name: str
    group: str
    told: bool


TEN_SECONDLY = LimitPolicy("TEN_SECONDLY_ROLLING", "privateapp:10secondly", told=True)
OAUTH_TEN_SECONDLY = LimitPolicy("TEN_SECONDLY_ROLLING", "publicapi:10secondly", told=True)
SECONDLY = LimitPolicy("SECONDLY", "publicapi:crm:search", told=False)
DAILY = LimitPolicy("DAILY", "privateapp:daily", told=True)


class RateLimit(RollingWindow):
    """As HubSpot speaks of it. ``clock`` counts seconds and never goes back."""

    def __init__(
        self, rate: Rate, clock: Callable[[], float], policy: LimitPolicy = TEN_SECONDLY
    ) -> None:
        super().__init__(rate, clock)
        self._policy = policy

    def spend(self) -> ApiError | None:
        """Count a call. Returns the 429 if it is one too many; it counts too, as in HubSpot."""
        return too_many(self._policy) if self.count() else None

    def headers(self) -> dict[str, str]:
        if not self._policy.told:
            return {}
        return {
            "X-HubSpot-RateLimit-Max": str(self.rate.calls),
            "X-HubSpot-RateLimit-Remaining": str(self.left()),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(round(self.rate.seconds * 1000)),
        }


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
