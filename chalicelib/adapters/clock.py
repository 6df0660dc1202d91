"""The wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

from chalicelib.core.ports import SettingsStore


class SystemClock:
    def now(self) -> datetime:
        """In whole milliseconds, as instants are stored: what is read back compares equal."""
        instant = datetime.now(UTC)
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


class SandboxClock:
    """The wall clock moved by an offset that a rehearsal sets, so that a year can pass.

    Only a stack whose template parameter ``Sandbox`` is true is wired with it. The offset
    is a checkpoint named ``clock`` of a connection that cannot exist.
    """

    PLACE = ("sandbox", "clock")

    def __init__(self, settings: SettingsStore) -> None:
        self._settings = settings

    def now(self) -> datetime:
        held = self._settings.checkpoint(*self.PLACE) or {}
        return SystemClock().now() + timedelta(seconds=cast(int, held.get("offset_seconds", 0)))

    def advance(self, by: timedelta) -> None:
        held = self._settings.checkpoint(*self.PLACE) or {}
        seconds = cast(int, held.get("offset_seconds", 0)) + round(by.total_seconds())
        self._settings.set_checkpoint(*self.PLACE, {"offset_seconds": seconds})
