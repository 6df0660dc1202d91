"""Trouble on demand: the next requests of a route fail."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from infra.sandbox.hubspot.errors import ApiError


@dataclass(slots=True)
class Fault:
    """The next ``count`` requests whose route holds ``route`` answer ``status``.

    ``applied`` does the work first and then loses the answer: the caller is left in doubt.
    """

    count: int
    status: int = 503
    route: str = ""
    applied: bool = False

    def error(self) -> ApiError:
        if self.status == 429:  # noqa: PLR2004 - the status itself is the meaning
            return ApiError(429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit.")
        return ApiError(self.status, "INTERNAL_ERROR", "There was a problem with the request.")


class Faults:
    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = Lock()

    def plan(self, fault: Fault) -> None:
        with self._lock:
            self._planned.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def take(self, route: str, *, applied: bool) -> Fault | None:
        """The fault that strikes this request, if any; its count goes down."""
        with self._lock:
            for fault in self._planned:
                if fault.count > 0 and fault.applied is applied and fault.route in route:
                    fault.count -= 1
                    return fault
        return None
