"""OAuth 2 as Zoho grants it: codes, grants, access tokens for an hour, and throttling."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from infra.sandbox._serving.errors import ApiError, Wire
from infra.sandbox.zoho.settings import OAuthApp

ACCESS_LIFE = timedelta(hours=1)
WINDOW = timedelta(minutes=10)
PER_WINDOW = 10
"""Access tokens of one refresh token in any ten minutes."""
LIVE_TOKENS = 30
REFRESH_TOKENS = 20
"""Of one user; one more ends the oldest."""
GRANTS_PER_MINUTE = 5
_OK, _BAD_REQUEST = 200, 400


class OAuthRefused(ApiError):
    """Errors come with 200, all but throttling."""

    def __init__(self, error: str, description: str = "", status: int = _OK) -> None:
        super().__init__(status, error)
        self.description = description

    def envelope(self) -> Wire:
        told = {"error_description": self.description} if self.description else {}
        return {"error": self.message, **told, "status": "failure"}


@dataclass(slots=True)
class Grant:
    """``given`` are the instants at which it gave access tokens."""

    refresh_token: str
    scopes: frozenset[str]
    given: deque[datetime] = field(default_factory=deque)


@dataclass(slots=True)
class Access:
    token: str
    grant: Grant
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Code:
    scopes: frozenset[str]
    expires_at: datetime
    redirect_uri: str
    offline: bool


class OAuth:
    """One app on one organisation, for one user. ``clock`` gives the present. Thread-safe.

    Not ``throttled``, it gives as many tokens as one likes.
    """

    def __init__(self, app: OAuthApp, clock: Callable[[], datetime]) -> None:
        self.app = app
        self.api_domain = ""
        self.throttled = True
        self.access_life = ACCESS_LIFE
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._grants: dict[str, Grant] = {}
        self._granted_at: deque[datetime] = deque()
        self._accesses: dict[str, Access] = {}
        self._refreshes: list[datetime] = []
        self._lock = Lock()

    def grant_code(
        self,
        scopes: Sequence[str],
        life: timedelta = timedelta(minutes=10),
        redirect_uri: str = "",
        *,
        offline: bool = True,
    ) -> str:
        """As an admin makes one for a self client; with an address, as the consent page does."""
        code = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        with self._lock:
            expires_at = self._clock() + life
            self._codes[code] = _Code(frozenset(scopes), expires_at, redirect_uri, offline)
        return code

    def exchange(self, client_id: str, client_secret: str, code: str, redirect_uri: str) -> Wire:
        """The tokens for a code. Raises ``OAuthRefused``."""
        self._refuse_wrong_client(client_id, client_secret)
        with self._lock:
            now, held = self._clock(), self._codes.pop(code, None)
            if held is None or held.expires_at <= now:
                raise OAuthRefused("invalid_code")
            if held.redirect_uri and held.redirect_uri != redirect_uri:
                raise OAuthRefused("invalid_redirect_uri")
            grant = self._new_grant(held.scopes, now)
            answer = self._access(grant, now)
            return answer | ({"refresh_token": grant.refresh_token} if held.offline else {})

    def refresh(self, client_id: str, client_secret: str, refresh_token: str) -> Wire:
        """A new access token. Raises ``OAuthRefused``."""
        self._refuse_wrong_client(client_id, client_secret)
        with self._lock:
            grant = self._grants.get(refresh_token)
            if grant is None:
                raise OAuthRefused("invalid_code")
            now = self._clock()
            self._refreshes.append(now)
            return self._access(grant, now)

    def access(self, token: str) -> Access | None:
        """None for one that never was or is at its end: Zoho words both alike."""
        with self._lock:
            found = self._accesses.get(token)
            return found if found and found.expires_at > self._clock() else None

    def expire(self, token: str) -> None:
        with self._lock:
            self._accesses.pop(token, None)

    def revoke(self, token: str) -> None:
        """The grant is dead, and so are all its access tokens."""
        with self._lock:
            self._end(token)

    def revoke_all(self) -> None:
        with self._lock:
            for token in list(self._grants):
                self._end(token)

    def refreshes(self) -> tuple[datetime, ...]:
        with self._lock:
            return tuple(self._refreshes)

    def refresh_tokens(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._grants)

    def _new_grant(self, scopes: frozenset[str], now: datetime) -> Grant:
        self._throttle(self._granted_at, GRANTS_PER_MINUTE, timedelta(minutes=1), now)
        while len(self._grants) >= REFRESH_TOKENS:
            self._end(next(iter(self._grants)))
        grant = Grant(f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}", scopes)
        self._grants[grant.refresh_token] = grant
        return grant

    def _access(self, grant: Grant, now: datetime) -> Wire:
        self._throttle(grant.given, PER_WINDOW, WINDOW, now)
        live = [one for one in self._accesses.values() if one.grant is grant]
        for one in live[: max(0, len(live) - LIVE_TOKENS + 1)]:
            del self._accesses[one.token]
        token = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        self._accesses[token] = Access(token, grant, now + self.access_life)
        return {
            "access_token": token,
            "scope": " ".join(sorted(grant.scopes)),
            "api_domain": self.api_domain,
            "token_type": "Bearer",
            "expires_in": self.access_life // timedelta(seconds=1),
        }

    def _throttle(self, calls: deque[datetime], limit: int, span: timedelta, now: datetime) -> None:
        while calls and calls[0] <= now - span:
            calls.popleft()
        if self.throttled and len(calls) >= limit:
            raise OAuthRefused(
                "Access Denied",
                "You have made too many requests continuously. Please try again after some time.",
                _BAD_REQUEST,
            )
        calls.append(now)

    def _end(self, refresh_token: str) -> None:
        grant = self._grants.pop(refresh_token, None)
        self._accesses = {
            token: one for token, one in self._accesses.items() if one.grant is not grant
        }

    def _refuse_wrong_client(self, client_id: str, client_secret: str) -> None:
        if client_id != self.app.client_id:
            raise OAuthRefused("invalid_client")
        if client_secret != self.app.client_secret:
            raise OAuthRefused("invalid_client_secret")
