"""Requests in a day, counted as they come: what is refused does not count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.rate_limit import Rate, RollingWindow
from infra.sandbox.salesforce.errors import limit_exceeded

DAY_S = 24 * 3600.0


class DailyQuota:
    def __init__(self, limit: int, clock: Callable[[], datetime]) -> None:
        self._window = RollingWindow(Rate(limit, DAY_S), lambda: clock().timestamp())

    @property
    def limit(self) -> int:
        return self._window.rate.calls

    def set(self, limit: int) -> None:
        """Another one; requests are counted from none."""
        self._window.reset(Rate(limit, DAY_S))

    def spend(self) -> None:
        """Raises the 403."""
        if not self._window.left():
            raise limit_exceeded()
        self._window.count()

    def headers(self) -> Mapping[str, str]:
        used = self.limit - self._window.left()
        return {"Sforce-Limit-Info": f"api-usage={used}/{self.limit}"}

    def to_json(self) -> Wire:
        """As ``/limits`` has it."""
        return {"Max": self.limit, "Remaining": self._window.left()}
