"""Access to a CRM for one process alone: a command of the command line, or a test."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from chalicelib.core.connector import Access, AccessToken, Secret
from chalicelib.core.ports import Clock
from chalicelib.core.shared import KeptToken
from chalicelib.pipeline.access import SharedAccess
from chalicelib.pipeline.tokens import fingerprint


class LocalState:
    """Implements ``AccessState`` for the threads of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._marks: dict[tuple[str, str], int] = {}
        self._tokens: dict[str, KeptToken] = {}
        self._leases: dict[str, tuple[str, datetime]] = {}

    def push(self, connection: str, rate: str, step: int, bounds: tuple[int, int]) -> int | None:
        with self._lock:
            mark = self._marks.get((connection, rate))
            if mark is None or not bounds[0] <= mark <= bounds[1]:
                return None
            self._marks[connection, rate] = mark + step
            return mark

    def restart(self, connection: str, rate: str, step: int, bounds: tuple[int, int]) -> int | None:
        with self._lock:
            mark = self._marks.get((connection, rate))
            if mark is not None and bounds[0] <= mark <= bounds[1]:
                return None
            self._marks[connection, rate] = bounds[0] + step
            return bounds[0]

    def token(self, connection: str) -> KeptToken | None:
        with self._lock:
            return self._tokens.get(connection)

    def lease(self, connection: str, holder: str, now: datetime, until: datetime) -> bool:
        with self._lock:
            _, held_until = self._leases.get(connection, ("", now))
            if now < held_until:
                return False
            self._leases[connection] = holder, until
            return True

    def release(self, connection: str, holder: str, at: datetime) -> None:
        with self._lock:
            if self._holds(connection, holder):
                self._leases[connection] = holder, at

    def keep(self, connection: str, holder: str, kept: KeptToken) -> None:
        with self._lock:
            if self._holds(connection, holder):
                self._tokens[connection] = kept

    def _holds(self, connection: str, holder: str) -> bool:
        return self._leases.get(connection, ("",))[0] == holder


class LocalGrants:
    """Implements ``GrantStore`` for a secret that is not stored, or not yet."""

    def __init__(self, secret: Secret) -> None:
        self.secret = secret

    def get(self, _connection: str, *, fresh: bool = False) -> Secret:  # noqa: ARG002 - always fresh
        return self.secret

    def replace(self, _connection: str, secret: Secret) -> None:
        self.secret = secret


def local_access(
    secret: Secret, clock: Clock, *, token: AccessToken | None = None, connection: str = "local"
) -> Access:
    """``token`` is one that was just made, so that none need be made at once."""
    state = LocalState()
    if token and secret.oauth:
        now = clock.now()
        state.lease(connection, "", now, now)
        kept = KeptToken(fingerprint(secret.oauth), token.token, now, token.expires_at)
        state.keep(connection, "", kept)
    return SharedAccess(
        connection,
        grants=LocalGrants(secret),
        state=state,
        clock=clock,
        revoked=lambda _until, _reason: None,
    )
