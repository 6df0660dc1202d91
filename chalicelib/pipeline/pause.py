"""A CRM that cannot be called is left alone, and one caller at a time finds out whether it can be.

A circuit breaker (M. Nygard, "Release It!", 2007) whose state is the connection's pause, so that
all workers share it. An account that says until when it is closed is paused until then. One that
is down is paused for as long as it has been down already, within bounds; so its first failure
costs a second, and its return is noticed soon.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import TypeGuard

from chalicelib import logs
from chalicelib.core.errors import CrmUnavailable, OutOfService
from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.ports import Clock, LiveSettings, SettingsStore

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(seconds=20)
"""Of the pauses between two attempts at a CRM that is down."""

PROBE_TAKES = timedelta(seconds=5)
"""How long a probe keeps others away, should it neither succeed nor fail."""

LOST_RACE = timedelta(seconds=2)
"""After which the outcome of somebody else's probe may be known."""

DOWN_SINCE = "down since "
"""How the reason begins of a pause that we chose; the time that follows sets its length."""


@dataclass(slots=True)
class Guard:
    """Stands around every call of a CRM that one piece of work makes.

    ``live`` is what the work was begun with. Entering raises OutOfService while the connection
    is paused, unless this work is the one that finds out. A call that fails pauses the
    connection, one that succeeds ends the pause::

        guard = Guard(live, services.settings, services.clock)
        with guard:
            reading = client.fetch(subjects, now)
    """

    live: LiveSettings
    settings: SettingsStore
    clock: Clock
    _is_admitted: bool = field(default=False, init=False)
    _is_probe: bool = field(default=False, init=False)

    def __enter__(self) -> None:
        if not self._is_admitted:
            self._is_probe = admit(self.live, self.settings, self.clock.now())
            self._is_admitted = True

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        connection = self.live.connection.id
        if _is_down(error):
            suspend(connection, error, self.settings, self.clock.now())
        elif error is None and self._is_probe:
            self._is_probe = False
            self.settings.resume(connection)
            logs.info("resumed", connection=connection)


def admit(live: LiveSettings, settings: SettingsStore, now: datetime) -> bool:
    """Whether the caller is to find out if the CRM can be called again. False in normal times.

    Raises OutOfService if it has to wait.
    """
    if live.paused_until is None:
        return False
    if now < live.paused_until:
        raise _resting(live, live.paused_until, now)
    if settings.claim_probe(live.connection.id, live.paused_until, now + PROBE_TAKES):
        return True
    raise _resting(live, now + LOST_RACE, now)


def suspend(
    connection: str, error: OutOfService | CrmUnavailable, settings: SettingsStore, now: datetime
) -> None:
    """Pause a connection whose CRM has just failed."""
    if isinstance(error, OutOfService):
        until, reason = error.until, str(error)
    else:
        since = _down_since(settings.live(connection).pause_reason) or now
        until, reason = now + _back_off(now - since), f"{DOWN_SINCE}{iso(since)}: {error}"
    settings.pause(connection, until, reason)
    logs.warning("paused", connection=connection, until=iso(until), reason=reason)


def _is_down(error: BaseException | None) -> TypeGuard[OutOfService | CrmUnavailable]:
    """A write whose answer was lost says nothing of the CRM: the read that follows will."""
    if isinstance(error, CrmUnavailable):
        return not error.in_doubt
    return isinstance(error, OutOfService)


def _back_off(outage: timedelta) -> timedelta:
    """Each pause doubles the outage, so that pauses grow by themselves and nobody counts."""
    return min(LONGEST, max(SHORTEST, outage))


def _down_since(reason: str) -> datetime | None:
    if not reason.startswith(DOWN_SINCE):
        return None
    return parse_instant(reason.removeprefix(DOWN_SINCE).split(": ")[0])


def _resting(live: LiveSettings, until: datetime, now: datetime) -> OutOfService:
    text = f"{live.connection.id} rests: {live.pause_reason}"
    return OutOfService(text, until=until, retry_after=(until - now).total_seconds())
