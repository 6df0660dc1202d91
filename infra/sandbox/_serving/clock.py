"""The stand-in's own time: the present, moved forward at will."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from infra.sandbox._serving.errors import invalid


class Clock:
    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        if by < timedelta(0):
            raise invalid("Time only goes forward")
        self._ahead += by
